using CorrMesh.Protos.Training.V1;
using Xunit;

namespace CorrMesh.Gateway.Tests.Http;

public sealed class AdapterRoutesTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task GetAdapters_Names_AreListedWithWhatTheyMeanAndMeant()
    {
        await using var mesh = await FakeMesh.StartAsync();

        var adapter = (await (await mesh.Http.GetAsync("/v1/adapters", Token)).JsonAsync()).GetProperty("adapters")[0];

        Assert.Equal(("cup", "ef", "compact"), (adapter.GetProperty("name").GetString(), adapter.GetProperty("digest").GetString(), adapter.GetProperty("model").GetString()));
        var versions = adapter.GetProperty("versions");
        Assert.Equal(("ef", "job-1", "1970-01-01T00:00:00+00:00"), (versions[0].GetProperty("digest").GetString(), versions[0].GetProperty("job").GetString(), versions[0].GetProperty("publish_time").GetString()));
        Assert.Equal("01", versions[1].GetProperty("digest").GetString());
        Assert.False(versions[1].TryGetProperty("job", out _) || versions[1].TryGetProperty("publish_time", out _));
    }

    [Fact]
    public async Task PutAdapter_Job_IsPublishedUnderTheName()
    {
        var training = new FakeTraining();
        await using var mesh = await FakeMesh.StartAsync(training: training);

        var adapter = await (await mesh.Http.PutAsync("/v1/adapters/cup.v2?job=job-1", null, Token)).JsonAsync();

        Assert.Equal(new PublishAdapterRequest { Name = "cup.v2", Job = "job-1" }, training.LastPublish);
        Assert.Equal("ef", adapter.GetProperty("digest").GetString());
        Assert.Equal(["job"], (await (await mesh.Http.PutAsync("/v1/adapters/cup", null, Token)).ProblemAsync(400)).Fields);
    }

    [Theory]
    [InlineData("/v1/adapters/cup:rollback", "")]
    [InlineData("/v1/adapters/cup:rollback?digest=01", "01")]
    public async Task PostRollback_WithAndWithoutDigest_ReachesTheService(string path, string digest)
    {
        var training = new FakeTraining();
        await using var mesh = await FakeMesh.StartAsync(training: training);

        var adapter = await (await mesh.Http.PostAsync(path, null, Token)).JsonAsync();

        Assert.Equal(new RollBackAdapterRequest { Name = "cup", Digest = digest }, training.LastRollBack);
        Assert.Equal("cup", adapter.GetProperty("name").GetString());
    }

    [Fact]
    public async Task OneAdapter_OtherMethods_AreNotAllowed()
    {
        await using var mesh = await FakeMesh.StartAsync();

        await (await mesh.Http.GetAsync("/v1/adapters/cup", Token)).ProblemAsync(405);
        await (await mesh.Http.DeleteAsync("/v1/adapters/cup", Token)).ProblemAsync(405);
    }
}
