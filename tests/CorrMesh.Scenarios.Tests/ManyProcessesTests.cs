using System.Net;
using System.Text.Json;
using CorrMesh.Features.Tests.Support;
using CorrMesh.Protos.Matching.V1;
using CorrMesh.Protos.Pose.V1;
using Google.Protobuf;
using Grpc.Core;
using Xunit;

namespace CorrMesh.Scenarios.Tests;

/// <summary>The mesh as separate processes: what an operator does to them, and what callers see of it.</summary>
public sealed class ManyProcessesTests
{
    // Recovery is promised within 10 s on a machine of its own; test machines are shared.
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    private static CancellationToken Test => TestContext.Current.CancellationToken;

    // Goal: every process may die at any time, and the mesh answers again. Method: kill -9 each in turn; wait for the same answer as before.
    [Fact]
    public async Task KilledProcess_EachInTurn_IsStartedAgainAndTheMeshAnswers()
    {
        await using ManyProcesses mesh = await ManyProcesses.StartAsync(2);
        string expected = await MatchAsync(mesh);
        foreach (string name in mesh.Pids.Keys.ToArray())
        {
            int pid = mesh.Kill(name);
            await mesh.UntilAsync(() => mesh.Pids[name] != pid, Patience);
            TimeSpan recovery = await mesh.UntilServingAsync();
            TestContext.Current.TestOutputHelper?.WriteLine($"{name}: serving again after {recovery.TotalSeconds:F1} s");
            Assert.True(recovery < Patience, $"{name}: {recovery}\n{mesh.Log}");
            Assert.Equal(expected, await MatchAsync(mesh));
        }

        await mesh.StopAsync();
        Assert.Equal(0, mesh.ExitCode);
        Assert.DoesNotContain(mesh.Pids.Values, ManyProcesses.IsAlive);
    }

    // Goal: an object is there whole or not at all, whenever its process dies. Method: kill -9 of the pose service in the middle of an upload, while an object is being made, and after the answer.
    [Fact]
    public async Task PoseKilled_WhileAnObjectIsMade_LeavesItWholeOrAbsent()
    {
        await using ManyProcesses mesh = await ManyProcesses.StartAsync();
        var poses = new PoseService.PoseServiceClient(mesh.Grpc);
        ByteString file = ByteString.CopyFrom(TestKit.ColouredBox.Ply());

        using (var call = poses.CreateObject(cancellationToken: Test))
        {
            await call.RequestStream.WriteAsync(new CreateObjectRequest { Config = new ObjectConfig { Id = "cut" } }, Test);
            await call.RequestStream.WriteAsync(new CreateObjectRequest { Mesh = new MeshPart { Content = ByteString.CopyFrom(file.Span[..(file.Length / 2)]) } }, Test);
            await KilledAsync();
            await Assert.ThrowsAsync<RpcException>(() => call.ResponseAsync);
        }
        Task<ObjectInfo> making = CreateAsync("making");
        await Task.Delay(TimeSpan.FromMilliseconds(500), Test);
        await KilledAsync();
        ObjectInfo? early = null;
        try
        {
            early = await making;
        }
        catch (RpcException)
        {
            // As it should be, unless it was quicker than the kill.
        }
        Assert.Equal(early is null ? [] : ["making"], await IdsAsync());
        ObjectInfo kept = await CreateAsync("kept");
        await KilledAsync();
        Assert.Contains("kept", await IdsAsync());
        Assert.Equal(kept, (await poses.GetObjectAsync(new GetObjectRequest { Id = "kept" }, cancellationToken: Test)).Object);

        async Task KilledAsync()
        {
            int pid = mesh.Kill("pose");
            await mesh.UntilAsync(() => mesh.Pids["pose"] != pid, Patience);
            await mesh.UntilServingAsync();
        }

        async Task<ObjectInfo> CreateAsync(string id)
        {
            using var call = poses.CreateObject(cancellationToken: Test);
            await call.RequestStream.WriteAsync(new CreateObjectRequest { Config = new ObjectConfig { Id = id, ViewCount = 8, RollCount = 1 } }, Test);
            await call.RequestStream.WriteAsync(new CreateObjectRequest { Mesh = new MeshPart { Content = file } }, Test);
            await call.RequestStream.CompleteAsync();
            return (await call.ResponseAsync).Object;
        }

        async Task<IEnumerable<string>> IdsAsync() => (await poses.ListObjectsAsync(new ListObjectsRequest(), cancellationToken: Test)).Objects.Select(made => made.Id);
    }

    // Goal: an upgrade that nobody notices. Method: a rolling restart under calls over kept connections, HTTP and gRPC; none may fail, and every process is another.
    [Fact]
    public async Task RollingRestart_UnderLoad_FailsNoCall()
    {
        await using ManyProcesses mesh = await ManyProcesses.StartAsync(2);
        string expected = await MatchAsync(mesh);
        IReadOnlyDictionary<string, int> before = mesh.Pids;
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(Test);
        Task<int> http = RepeatAsync(async () => Assert.Equal(expected, await MatchAsync(mesh)));
        var client = new MatchingService.MatchingServiceClient(mesh.Grpc);
        Task<int> grpc = RepeatAsync(async () => Assert.Equal(2, (await client.MatchKeypointsAsync(
            new MatchKeypointsRequest { Source = Make.Source(160, 120, 1), Target = Make.Source(120, 140, 2), Selection = Make.Points((80, 60), (10.5, 20)) }, cancellationToken: Test)).Matches.Count));
        await mesh.ReplaceAllAsync();
        await enough.CancelAsync();

        Assert.InRange(await http, 10, int.MaxValue);
        Assert.InRange(await grpc, 10, int.MaxValue);
        TestContext.Current.TestOutputHelper?.WriteLine($"{await http} calls over HTTP and {await grpc} over gRPC, none failed");
        Assert.All(before.Where(process => process.Key != "redis"), process => Assert.NotEqual(process.Value, mesh.Pids[process.Key]));
        Assert.DoesNotContain(before.Where(process => process.Key != "redis").Select(process => process.Value), ManyProcesses.IsAlive);

        async Task<int> RepeatAsync(Func<Task> call)
        {
            int count = 0;
            for (; !enough.IsCancellationRequested; count++)
            {
                await call();
                await Task.Delay(10, Test);
            }

            return count;
        }
    }

    [Fact]
    public async Task SupervisorKilled_ItsProcesses_StopByThemselves()
    {
        await using ManyProcesses mesh = await ManyProcesses.StartAsync();
        int[] pids = [.. mesh.Pids.Values];
        Assert.All(pids, pid => Assert.True(ManyProcesses.IsAlive(pid)));
        mesh.KillSupervisor();
        await mesh.UntilAsync(() => !pids.Any(ManyProcesses.IsAlive), Patience);
    }

    [Fact]
    public async Task Start_WrongSetting_EndsAllWithTheServicesMessage()
    {
        var failure = await Assert.ThrowsAsync<InvalidOperationException>(() => ManyProcesses.StartAsync(1, ("CorrMesh:Features:BatchCount", "0")));
        Assert.Contains("features-0 | CorrMesh:Features:BatchCount: ", failure.Message, StringComparison.Ordinal);
    }

    private static async Task<string> MatchAsync(ManyProcesses mesh)
    {
        using var form = new MultipartFormDataContent
        {
            { new ByteArrayContent(Make.Png(160, 120, 1)), "source", "source.png" },
            { new ByteArrayContent(Make.Png(120, 140, 2)), "target", "target.png" },
            { new StringContent("80,60;10.5,20"), "points" },
        };
        using HttpResponseMessage answer = await mesh.Http.PostAsync("/v1/match", form, Test);
        string body = await answer.Content.ReadAsStringAsync(Test);
        Assert.True(answer.StatusCode == HttpStatusCode.OK, body);
        return JsonDocument.Parse(body).RootElement.GetProperty("matches").GetRawText();
    }
}
