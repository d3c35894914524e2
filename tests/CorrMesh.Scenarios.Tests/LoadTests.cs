using System.Net;
using CorrMesh.Features.Execution;
using CorrMesh.Features.Store;
using CorrMesh.Features.Tests.Support;
using CorrMesh.Hosting.Errors;
using CorrMesh.Protos.Common.V1;
using CorrMesh.Protos.Features.V1;
using CorrMesh.Protos.Matching.V1;
using Grpc.Core;
using Xunit;

namespace CorrMesh.Scenarios.Tests;

/// <summary>More than the mesh can do at once: it refuses, forgets who has gone, and stays right.</summary>
public sealed class LoadTests
{
    private static CancellationToken Test => TestContext.Current.CancellationToken;

    // Goal: overload is refused early and politely, and leaves nothing behind. Method: 200 different pictures at once against a queue of 4, half of them through HTTP.
    [Fact]
    public async Task TwoHundredRequests_SmallQueue_AreAnsweredOrToldWhenToComeBack()
    {
        await using WholeMesh mesh = await WholeMesh.StartAsync(("CorrMesh:Limits:QueueLength", "4"), ("CorrMesh:Features:BatchCount", "2"));
        var client = new FeatureService.FeatureServiceClient(mesh.Grpc);
        byte[][] pictures = [.. Enumerable.Range(0, 200).Select(seed => Make.Png(48, 36, seed))];
        int answered = 0, refused = 0;
        await Task.WhenAll(pictures.Select(async (picture, i) =>
        {
            if (i % 2 == 0)
            {
                HttpResponseMessage response = await mesh.PostAsync("/v1/features", ("image", picture));
                Assert.True(response.StatusCode is HttpStatusCode.OK or HttpStatusCode.TooManyRequests, await response.Content.ReadAsStringAsync(Test));
                if (response.StatusCode == HttpStatusCode.TooManyRequests) Assert.NotNull(response.Headers.RetryAfter);
                Interlocked.Increment(ref response.StatusCode == HttpStatusCode.OK ? ref answered : ref refused);
                return;
            }

            try
            {
                await client.ExtractFeaturesAsync(new ExtractFeaturesRequest { Source = Make.Source(picture) }, cancellationToken: Test);
                Interlocked.Increment(ref answered);
            }
            catch (RpcException error)
            {
                Assert.Equal(StatusCode.ResourceExhausted, error.StatusCode);
                Assert.True(error.RetryDelay() > TimeSpan.Zero);
                Interlocked.Increment(ref refused);
            }
        }));

        Assert.Equal(200, answered + refused);
        Assert.InRange(answered, 1, 200);
        Assert.Equal(0, mesh.ServiceOf<FeatureQueue>().Count);
        Assert.NotNull(await client.ExtractFeaturesAsync(new ExtractFeaturesRequest { Source = Make.Source(pictures[0]) }, cancellationToken: Test));
    }

    // Goal: callers who go away take their work with them, and the rest are answered rightly. Method: 500 calls, nine of ten cancelled at random moments.
    [Fact]
    public async Task FiveHundredCalls_MostCancelled_LeaveAnEmptyQueueAndRightAnswers()
    {
        await using WholeMesh mesh = await WholeMesh.StartAsync(("CorrMesh:Limits:QueueLength", "600"));
        var client = new FeatureService.FeatureServiceClient(mesh.Grpc);
        var random = new Random(17);
        int[] waits = [.. Enumerable.Range(0, 500).Select(_ => random.Next(0, 400))];
        string[] alone = new string[10];
        for (int seed = 0; seed < alone.Length; seed++)
            alone[seed] = (await client.ExtractFeaturesAsync(new ExtractFeaturesRequest { Source = Make.Source(48, 36, seed) }, cancellationToken: Test)).Reference.FeaturesKey;

        await Task.WhenAll(Enumerable.Range(0, 500).Select(async i =>
        {
            using var gone = CancellationTokenSource.CreateLinkedTokenSource(Test);
            if (i % 10 != 0) gone.CancelAfter(waits[i]);
            try
            {
                int seed = i % 10 == 0 ? i / 10 % alone.Length : 1000 + i;
                string key = (await client.ExtractFeaturesAsync(new ExtractFeaturesRequest { Source = Make.Source(48, 36, seed) }, cancellationToken: gone.Token)).Reference.FeaturesKey;
                if (i % 10 == 0) Assert.Equal(alone[seed], key);
            }
            catch (RpcException error) when (i % 10 != 0)
            {
                Assert.Equal(StatusCode.Cancelled, error.StatusCode);
            }
        }));

        // The last of those that were cancelled may still be on the device.
        for (int i = 0; i < 100 && mesh.ServiceOf<FeatureQueue>().Count > 0; i++) await Task.Delay(10, Test);
        Assert.Equal(0, mesh.ServiceOf<FeatureQueue>().Count);
    }

    // Goal: a graceful stop answers what is under way through all three services. Method: stop while a match of a large map is on its way.
    [Fact]
    public async Task Stop_CallInFlight_IsAnswered()
    {
        await using WholeMesh mesh = await WholeMesh.StartAsync();
        Task<MatchKeypointsResponse> call = new MatchingService.MatchingServiceClient(mesh.Grpc).MatchKeypointsAsync(
            new MatchKeypointsRequest { Source = Make.Source(seed: 1), Target = Make.Source(seed: 2), Selection = Make.Grid(20, 20), Spec = new FeatureSpec { Tokens = 48 } }, cancellationToken: Test).ResponseAsync;
        var queue = mesh.ServiceOf<FeatureQueue>();
        while (queue.Count == 0 && !call.IsCompleted) await Task.Yield();
        await mesh.StopAsync();
        Assert.Equal(400, (await call).Matches.Count);
    }

    [Fact]
    public async Task ManyImages_SmallStore_KeepTheBound()
    {
        await using WholeMesh mesh = await WholeMesh.StartAsync(("CorrMesh:Features:StoreBytes", $"{1 << 20}"));
        var client = new MatchingService.MatchingServiceClient(mesh.Grpc);
        var store = mesh.ServiceOf<FeatureStore>();
        for (int seed = 0; seed < 30; seed++)
        {
            MatchKeypointsResponse response = await client.MatchKeypointsAsync(
                new MatchKeypointsRequest { Source = Make.Source(96, 64, seed), Target = Make.Source(96, 64, seed + 1), Selection = Make.Grid(6, 4) }, cancellationToken: Test);
            Assert.Equal(24, response.Matches.Count);
            Assert.InRange(store.SizeBytes, 1, 1 << 20);
        }
    }
}
