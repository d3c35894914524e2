using CorrMesh.Hosting;
using CorrMesh.Hosting.Errors;
using CorrMesh.Hosting.Routing;
using CorrMesh.Protos.Common.V1;
using CorrMesh.Protos.Features.V1;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;
using Xunit;

namespace CorrMesh.Gateway.Tests.Proxy;

/// <summary>The gateway in front of three features services, over gRPC as it passes through and over HTTP.</summary>
public sealed class ReplicaTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    // Goal: every call about an image goes to one replica, whichever door it came through and whether it brings the image or its key. Method: 60 pictures, four kinds of call, by which replica answers.
    [Fact]
    public async Task Calls_AboutOneImage_GoToOneReplica()
    {
        await using var mesh = await ReplicatedMesh.StartAsync(3);
        int[] homes = new int[60];
        for (int i = 0; i < homes.Length; i++)
        {
            Image image = Picture(i);
            homes[i] = Of(await mesh.Client.ExtractFeaturesAsync(new ExtractFeaturesRequest { Source = new FeatureSource { Image = image } }, cancellationToken: Token));
            string key = CallAffinity.Format(ImageAffinity.Of(image)!.Value) + new string('0', 56);
            Assert.Equal(homes[i], Of(await mesh.Client.ExtractFeaturesAsync(new ExtractFeaturesRequest { Source = new FeatureSource { FeaturesKey = key } }, cancellationToken: Token)));
            Assert.Equal(homes[i], Of(await mesh.Inside.ExtractFeaturesAsync(new ExtractFeaturesRequest { Source = new FeatureSource { Image = image } }, cancellationToken: Token)));
            var form = await mesh.Gateway.PostAsync("/v1/features", ("image", image.Encoded.ToByteArray()));
            Assert.Equal(homes[i].ToString(), (await form.JsonAsync()).GetProperty("features_key").GetString());
        }

        Assert.All(Enumerable.Range(0, 3), replica => Assert.InRange(homes.Count(home => home == replica), 8, 40));
    }

    // Goal: a replica that dies costs no unary call, through either door. Method: calls without a pause by four callers; one of three replicas is stopped and started again at its port.
    [Fact]
    public async Task OneReplicaGone_UnaryCalls_AllAnswered()
    {
        await using var mesh = await ReplicatedMesh.StartAsync(3);
        using var done = new CancellationTokenSource();
        int answered = 0;
        Task[] callers = [.. Enumerable.Range(0, 4).Select(caller => Task.Run(async () =>
        {
            for (int i = 0; !done.IsCancellationRequested; i++)
            {
                if (caller % 2 == 0) await mesh.Client.ExtractFeaturesAsync(new ExtractFeaturesRequest { Source = new FeatureSource { Image = Picture(i) } }, cancellationToken: Token);
                else Assert.True((await mesh.Gateway.PostAsync("/v1/features", ("image", Picture(i).Encoded.ToByteArray()))).IsSuccessStatusCode);
                Interlocked.Increment(ref answered);
            }
        }, Token))];

        async Task AnswersAsync(int count)
        {
            for (int from = Volatile.Read(ref answered); Volatile.Read(ref answered) < from + count && !callers.Any(caller => caller.IsCompleted);) await Task.Delay(5, Token);
        }

        await AnswersAsync(100);
        await mesh.KillAsync(1);
        await AnswersAsync(300);
        await mesh.ReviveAsync(1);
        await AnswersAsync(300);
        await done.CancelAsync();
        await Task.WhenAll(callers);
        Assert.True(answered >= 700);
    }

    // Goal: what one replica has no place for, another takes; when all are full the refusal comes through. Method: every replica but one refuses; then all.
    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public async Task FullReplicas_UnaryCall_GoesWhereThereIsRoom(int full)
    {
        await using var mesh = await ReplicatedMesh.StartAsync(3);
        for (int i = 0; i < full; i++) mesh.Refuse[i] = () => new QueueFullException("features", 64, TimeSpan.FromSeconds(1));
        for (int i = 0; i < 20; i++)
        {
            var request = new ExtractFeaturesRequest { Source = new FeatureSource { Image = Picture(i) } };
            if (full < 3)
            {
                Assert.Equal(2, Of(await mesh.Client.ExtractFeaturesAsync(request, cancellationToken: Token)));
                Assert.Equal(2, Of(await mesh.Inside.ExtractFeaturesAsync(request, cancellationToken: Token)));
                continue;
            }

            var refused = await Assert.ThrowsAsync<RpcException>(async () => await mesh.Client.ExtractFeaturesAsync(request, cancellationToken: Token));
            Assert.Equal(QueueFullException.Reason, refused.ErrorReason());
            Assert.True(refused.RetryDelay() > TimeSpan.Zero);
        }
    }

    // Goal: a body of many megabytes is sent whole to the second replica after the first has read it and failed. Method: the first to be asked refuses as when draining.
    [Fact]
    public async Task LargeBody_FirstReplicaDrains_SecondGetsAllOfIt()
    {
        await using var mesh = await ReplicatedMesh.StartAsync(2);
        byte[] bytes = new byte[20_000_000];
        new Random(1).NextBytes(bytes);
        int asked = 0;
        Func<Exception?> firstRefuses = () => Interlocked.Increment(ref asked) == 1 ? new NotReadyException(NotReadyException.Draining, "", TimeSpan.FromSeconds(1)) : null;
        mesh.Refuse[0] = mesh.Refuse[1] = firstRefuses;

        var response = await mesh.Client.ExtractFeaturesAsync(
            new ExtractFeaturesRequest { Source = new FeatureSource { Image = new Image { Encoded = UnsafeByteOperations.UnsafeWrap(bytes) } } }, cancellationToken: Token);

        Assert.Equal(2, asked);
        Assert.Equal(Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(bytes)), response.Reference.Identity.Model);
    }

    [Fact]
    public async Task Stream_ReplicaFails_IsNotSentAgain()
    {
        await using var mesh = await ReplicatedMesh.StartAsync(2);
        int asked = 0;
        mesh.Refuse[0] = mesh.Refuse[1] = () =>
        {
            Interlocked.Increment(ref asked);
            return new NotReadyException(NotReadyException.Draining, "", TimeSpan.FromSeconds(1));
        };
        using var stream = mesh.Client.StreamFeatures(cancellationToken: Token);
        Assert.Equal(StatusCode.Unavailable, (await Assert.ThrowsAsync<RpcException>(() => stream.ResponseStream.MoveNext(Token))).StatusCode);
        Assert.Equal(1, asked);
    }

    // Goal: a stream whose replica is killed ends as one that may be opened again, not as a defect of the server's. Method: after the first answer its connection breaks.
    [Fact]
    public async Task Stream_ReplicaDies_EndsUnavailable()
    {
        await using var mesh = await ReplicatedMesh.StartAsync(2);
        using var stream = mesh.Client.StreamFeatures(cancellationToken: Token);
        await stream.RequestStream.WriteAsync(new StreamFeaturesRequest { Frame = new Frame { Sequence = 1 } }, Token);
        Assert.True(await stream.ResponseStream.MoveNext(Token));

        mesh.LastStream!.GetHttpContext().Features.GetRequiredFeature<IConnectionLifetimeFeature>().Abort();

        Assert.Equal(StatusCode.Unavailable, (await Assert.ThrowsAsync<RpcException>(() => stream.ResponseStream.MoveNext(Token))).StatusCode);
    }

    private static Image Picture(int i) => new() { Encoded = ByteString.CopyFrom(BitConverter.GetBytes(7919 * i + 1)) };

    private static int Of(ExtractFeaturesResponse response) => int.Parse(response.Reference.FeaturesKey, System.Globalization.CultureInfo.InvariantCulture);
}
