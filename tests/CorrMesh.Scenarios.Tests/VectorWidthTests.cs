using System.Diagnostics;
using CorrMesh.Features.Tests.Support;
using CorrMesh.Geometry;
using CorrMesh.Protos.Common.V1;
using CorrMesh.Protos.Pose.V1;
using Google.Protobuf;
using Grpc.Net.Client;
using Xunit;
using RigidPose = CorrMesh.Geometry.RigidPose;

namespace CorrMesh.Scenarios.Tests;

/// <summary>Machines of one mesh may have processors of different vector widths.</summary>
public sealed class VectorWidthTests
{
    private static CancellationToken Test => TestContext.Current.CancellationToken;

    // Goal: the same request has the same answer to the last bit, whatever the processor's vector width is. Method: the service in processes that may use all of it, 256 bits of it, or none
    // of what AVX2 and fused multiply-add bring (both are off together), and 30 problems with noise and outliers.
    [Fact]
    public async Task SolvePnp_OtherVectorWidth_SameBits()
    {
        SolvePnpRequest[] requests = [.. Enumerable.Range(0, 30).Select(Request)];
        byte[][] widest = await AnswersAsync(requests);
        Assert.All(widest, answer => Assert.Equal(PoseStatus.Solved, SolvePnpResponse.Parser.ParseFrom(answer).Status));
        Assert.Equal(widest, await AnswersAsync(requests, "DOTNET_EnableAVX512"));
        Assert.Equal(widest, await AnswersAsync(requests, "DOTNET_EnableAVX512", "DOTNET_EnableAVX2"));
    }

    private static async Task<byte[][]> AnswersAsync(SolvePnpRequest[] requests, params string[] without)
    {
        using var data = new TestData();
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "CorrMesh.Host.dll"), "--target=pose", "--port-base=0", $"--data={data.Root}"])
        { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (string feature in without) start.Environment[feature] = "0";
        using Process host = Process.Start(start)!;
        try
        {
            host.ErrorDataReceived += (_, _) => { };
            host.BeginErrorReadLine();
            string ready = await host.StandardOutput.ReadLineAsync(Test) ?? throw new InvalidOperationException("the service ended before it was ready");
            using GrpcChannel channel = GrpcChannel.ForAddress(ready.Split(' ').First(word => word.StartsWith("pose.grpc=", StringComparison.Ordinal)).Split('=')[1]);
            var poses = new PoseService.PoseServiceClient(channel);
            var answers = new List<byte[]>();
            foreach (SolvePnpRequest request in requests)
            {
                SolvePnpResponse answer = await poses.SolvePnpAsync(request, cancellationToken: Test);
                answer.Timings = null;
                answers.Add(answer.ToByteArray());
            }
            return [.. answers];
        }
        finally
        {
            host.Kill();
            await host.WaitForExitAsync(CancellationToken.None);
        }
    }

    private static SolvePnpRequest Request(int number)
    {
        var random = new SeededRandom((ulong)number, 0x5749_4454);
        var camera = new PinholeCamera(640, 480, 600, 610, 319.5, 239.5);
        var turn = System.Numerics.Quaternion.Normalize(new(random.Range(-1, 1), random.Range(-1, 1), random.Range(-1, 1), random.Range(0.1f, 1)));
        RigidPose pose = RigidPose.FromQuaternion(turn.X, turn.Y, turn.Z, turn.W) with { X = 0.05, Y = -0.03, Z = random.Range(0.6f, 1.5f) };
        var request = new SolvePnpRequest { Camera = new Camera { Fx = 600, Fy = 610, Cx = 319.5, Cy = 239.5 }, Seed = (ulong)number };
        int count = 20 + 11 * number;
        for (int i = 0; i < count; i++)
        {
            (double X, double Y, double Z) point = (random.Range(-0.1f, 0.1f), random.Range(-0.1f, 0.1f), number % 3 == 0 ? 0 : random.Range(-0.1f, 0.1f));
            (double u, double v) = i % 3 == 0 ? (random.Range(0, 639), random.Range(0, 479)) : camera.Project(pose.Apply(point));
            request.Correspondences.Add(new Correspondence
            {
                ObjectPoint = new Vector3 { X = point.X, Y = point.Y, Z = point.Z },
                ImagePoint = new Point { X = (float)(u + random.Range(-1, 1)), Y = (float)(v + random.Range(-1, 1)) },
            });
            if (number % 2 == 0) request.Scores.Add(i % 3 == 0 ? random.Range(0, 0.7f) : random.Range(0.3f, 1));
        }
        return request;
    }
}
