using System.Net;
using Xunit;

namespace CorrMesh.Hosting.Tests.Security;

public sealed class ListenFaultsTests
{
    [Theory]
    [InlineData("0.0.0.0")]
    [InlineData("::")]
    [InlineData("192.0.2.7")]
    public async Task Start_BeyondLoopbackWithoutTls_IsRefusedAndSaysWhatIsMissing(string address)
    {
        var refused = await Assert.ThrowsAsync<MeshConfigurationException>(() => new FakeModule().StartAsync(("CorrMesh:Listen:Address", address)));

        Assert.Contains(refused.Faults, fault => fault.Contains("CorrMesh:Tls:Certificate", StringComparison.Ordinal) && fault.Contains("--insecure", StringComparison.Ordinal) && fault.Contains($"'{address}'", StringComparison.Ordinal));
        Assert.Contains(refused.Faults, fault => fault.Contains("CorrMesh:Tls:Authority", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Start_BeyondLoopbackInsecure_ListensAndSaysAnAddressThatCanBeCalled()
    {
        await using var mesh = await new FakeModule().StartAsync(("CorrMesh:Listen:Address", "0.0.0.0"), ("CorrMesh:Listen:Insecure", "true"));
        using var http = new HttpClient();

        using var response = await http.GetAsync(new Uri(mesh.Endpoints[0].Http, "/livez"), TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("127.0.0.1", mesh.Endpoints[0].Grpc.Host);
        Assert.Equal("127.0.0.1", mesh.Endpoints[0].Admin!.Host);
    }

    [Theory]
    [InlineData("everywhere")]
    [InlineData("1.2.3.4.5")]
    public async Task Start_NoAddress_IsRefused(string address)
    {
        var refused = await Assert.ThrowsAsync<MeshConfigurationException>(() => new FakeModule().StartAsync(("CorrMesh:Listen:Address", address)));

        Assert.Contains($"CorrMesh:Listen:Address: an IP address or localhost needed, '{address}' given", refused.Faults);
    }

    [Fact]
    public void Arguments_Insecure_IsASettingWithoutAValue()
    {
        Assert.Equal("true", MeshArguments.Parse(["--insecure"], ["features"]).Settings["CorrMesh:Listen:Insecure"]);
        Assert.Equal(["--insecure: no value needed, 'no' given"], MeshArguments.Parse(["--insecure=no"], ["features"]).Faults);
    }
}
