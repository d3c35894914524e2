using CorrMesh.Hosting.Options;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace CorrMesh.Hosting.Tests.Options;

public sealed class MeshOptionsTests
{
    [Theory]
    [InlineData("CorrMesh:Limits:Points", "0", "CorrMesh:Limits:Points: ", ", 0 given")]
    [InlineData("CorrMesh:Limits:Points", "many", "CorrMesh:Limits: ", "many")]
    [InlineData("CorrMesh:Limits:Pints", "5", "CorrMesh:Limits: ", "Pints")]
    [InlineData("CorrMesh:Limits:MinTokens", "161", "CorrMesh:Limits:MinTokens: ", "at most MaxTokens (160)")]
    [InlineData("CorrMesh:Limits:EncodedBytes", "67108864", "CorrMesh:Limits:EncodedBytes: ", "less than MessageBytes")]
    [InlineData("CorrMesh:Listen:Address", "0.0.0.0", "CorrMesh:Listen:Address: beyond loopback", "'0.0.0.0' given")]
    [InlineData("CorrMesh:Listen:Address", "example.org", "CorrMesh:Listen:Address: an IP address", "given")]
    [InlineData("CorrMesh:Listen:PortBase", "80", "CorrMesh:Listen:PortBase: ", "80 given")]
    [InlineData("CorrMesh:Listen:HttpPort", "70000", "CorrMesh:Listen:HttpPort: ", "70000 given")]
    [InlineData("CorrMesh:Drain:Limit", "-00:00:01", "CorrMesh:Drain:Limit: ", "-00:00:01 given")]
    [InlineData("CorrMesh:Retry:Retries", "11", "CorrMesh:Retry:Retries: ", "11 given")]
    [InlineData("CorrMesh:Services:featurs", "http://127.0.0.1:1", "CorrMesh:Services:featurs: ", "features, matching, training, pose, gateway")]
    [InlineData("CorrMesh:Limts:Points", "5", "CorrMesh:Limts: no such section", "Limits")]
    [InlineData("CorrMesh:Data:Directory", "/etc/hostname", "CorrMesh:Data:Directory: a directory needed", "'/etc/hostname' given")]
    [InlineData("CorrMesh:Services:features", "127.0.0.1:5101", "CorrMesh:Services:features: ", "'127.0.0.1:5101' given")]
    public async Task Start_SettingWrong_IsRefusedWithKeyBoundAndValue(string key, string value, string begins, string holds)
    {
        var refused = await Assert.ThrowsAsync<MeshConfigurationException>(() => new FakeModule().StartAsync((key, value)));

        Assert.Contains(refused.Faults, fault => fault.StartsWith(begins, StringComparison.Ordinal) && fault.Contains(holds, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Start_SeveralSettingsWrong_AllAreReportedAtOnce()
    {
        var refused = await Assert.ThrowsAsync<MeshConfigurationException>(() => new FakeModule
        {
            OnAddServices = builder => builder.AddMeshOptions<DrainOptions>("CorrMesh:Features"),
        }.StartAsync(
            ("CorrMesh:Limits:Points", "0"), ("CorrMesh:Limits:QueueLength", "0"), ("CorrMesh:Drain:Notice", "-1"), ("CorrMesh:Services:x", "y")));

        Assert.Equal(4, refused.Faults.Count);
    }

    [Fact]
    public async Task Start_PortsCollide_IsRefused()
    {
        var refused = await Assert.ThrowsAsync<MeshConfigurationException>(() => new FakeModule().StartAsync(
            ("CorrMesh:Listen:PortBase", "5100"), ("CorrMesh:Listen:GrpcPort", "5101")));

        Assert.Contains("port 5101", Assert.Single(refused.Faults), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Start_Limits_AreThoseOfTheDesignUnlessConfigured()
    {
        await using var mesh = await new FakeModule().StartAsync(("CorrMesh:Limits:Points", "9"));
        var limits = mesh.ServicesOf(MeshTopology.Features).GetRequiredService<MeshLimits>();

        Assert.Equal(9, limits.Points);
        Assert.Equal(16_384, new MeshLimits().Points);
        Assert.Equal(32 << 20, limits.EncodedBytes);
        Assert.Equal(50_000_000, limits.ImagePixels);
        Assert.Equal((16, 8, 160), (limits.RenderImages, limits.MinTokens, limits.MaxTokens));
        Assert.Equal((64 << 20, 100, 64), (limits.MessageBytes, limits.StreamsPerConnection, limits.QueueLength));
        Assert.Equal(256 << 20, limits.UploadBytes);
    }
}
