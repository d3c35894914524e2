using CorrMesh.Features.Tests.Support;
using CorrMesh.Hosting.Errors;
using CorrMesh.Hosting.Health;
using CorrMesh.Hosting.Reporting;
using CorrMesh.Protos.Common.V1;
using CorrMesh.Protos.Features.V1;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Microsoft.Extensions.DependencyInjection;
using Xunit;
using Mode = CorrMesh.Protos.Common.V1.StreamPolicy.Types.Mode;
using Stream = Grpc.Core.AsyncDuplexStreamingCall<CorrMesh.Protos.Features.V1.StreamFeaturesRequest, CorrMesh.Protos.Features.V1.StreamFeaturesResponse>;

namespace CorrMesh.Features.Tests;

/// <summary>The stream contract over gRPC: one answer a frame, in order.</summary>
public sealed class FeatureStreamTests
{
    private static CancellationToken Test => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Stream_EveryFrame_IsAnsweredInOrderAsSingleCallsWould()
    {
        await using FeatureHost host = await FeatureHost.StartAsync();
        using Stream stream = await OpenAsync(host, new StreamFeaturesConfig
        {
            Policy = new StreamPolicy { Mode = Mode.All },
            Selection = Make.Grid(3, 2),
            ReturnValues = DataType.F32,
            Normalise = true,
        });
        ulong[] sequences = [0, 1, 5, 6, ulong.MaxValue];
        foreach (ulong sequence in sequences) await SendAsync(stream, Frame(sequence));
        await stream.RequestStream.CompleteAsync();
        StreamFeaturesResponse[] answers = await ReadAllAsync(stream);

        Assert.Equal(sequences, answers.Select(answer => answer.Features.Sequence));
        Assert.Equal(answers.Length, answers.Select(answer => answer.ResumeToken).Distinct().Count());
        foreach (StreamFeaturesResponse answer in answers)
        {
            Frame sent = Frame(answer.Features.Sequence);
            Assert.Equal((sent.StampNs, sent.FrameId), (answer.Features.StampNs, answer.Features.FrameId));
            SampleDescriptorsResponse single = await host.Client.SampleDescriptorsAsync(
                new SampleDescriptorsRequest { Source = new FeatureSource { Image = sent.Image }, Selection = Make.Grid(3, 2), ReturnValues = DataType.F32, Normalise = true }, cancellationToken: Test);
            Assert.Equal((single.Reference, single.Values, single.DescriptorSetKey), (answer.Features.Reference, answer.Features.Values, answer.Features.DescriptorSetKey));
            Assert.Equal(single.Points, answer.Features.Points);
        }
    }

    // Goal: bounded latency: while one frame is worked on only the newest of the others survives, and each of them is still answered, in order.
    [Fact]
    public async Task Stream_NewestOnly_DropsWhatWasSupersededInOrder()
    {
        var time = new ManualTime();
        await using FeatureHost host = await FeatureHost.StartAsync(null, services => services.AddSingleton<TimeProvider>(time));
        using Stream stream = await OpenAsync(host, new StreamFeaturesConfig());
        host.Engine.Hold();
        await SendAsync(stream, Frame(1));
        await host.Engine.LaunchedAsync();
        int before = time.Reads;
        for (ulong sequence = 2; sequence <= 8; sequence++) await SendAsync(stream, Frame(sequence));
        await stream.RequestStream.CompleteAsync();
        // A frame's arrival is one look at the clock; what follows it, up to the frame's place in line, takes no waiting.
        while (time.Reads < before + 7) await Task.Delay(10, Test);
        await Task.Delay(200, Test);
        host.Engine.Release();
        StreamFeaturesResponse[] answers = await ReadAllAsync(stream);

        Assert.Equal(Enumerable.Range(1, 8).Select(i => (ulong)i), answers.Select(SequenceOf));
        Assert.NotNull(answers[0].Features);
        Assert.NotNull(answers[^1].Features);
        Assert.All(answers[1..^1], answer => Assert.Equal(DropReason.Superseded, answer.Drop.Reason));
        Assert.Equal((102, "camera"), (answers[1].Drop.StampNs, answers[1].Drop.FrameId));
        Assert.Equal(2, host.Engine.ImageCount);
    }

    [Fact]
    public async Task Stream_EveryKth_TakesTheFirstAndEveryKthAfterIt()
    {
        await using FeatureHost host = await FeatureHost.StartAsync();
        using Stream stream = await OpenAsync(host, new StreamFeaturesConfig { Policy = new StreamPolicy { Mode = Mode.EveryKth, EveryKth = 3 } });
        for (ulong sequence = 10; sequence < 18; sequence++) await SendAsync(stream, Frame(sequence));
        await stream.RequestStream.CompleteAsync();
        StreamFeaturesResponse[] answers = await ReadAllAsync(stream);
        Assert.Equal([10, 13, 16], answers.Where(answer => answer.Features is not null).Select(SequenceOf));
        Assert.All(answers.Where(answer => answer.Features is null), answer => Assert.Equal(DropReason.Skipped, answer.Drop.Reason));
        Assert.Equal(8, answers.Length);
    }

    // Goal: a broken stream goes on where it was: what was answered is not computed again. Method: a token of an earlier reply, the tail repeated.
    [Fact]
    public async Task Stream_ResumeToken_AnswersTheTailAsAnsweredAlready()
    {
        await using FeatureHost host = await FeatureHost.StartAsync();
        var config = new StreamFeaturesConfig { Policy = new StreamPolicy { Mode = Mode.All } };
        string token;
        using (Stream first = await OpenAsync(host, config))
        {
            for (ulong sequence = 1; sequence <= 3; sequence++) await SendAsync(first, Frame(sequence));
            await first.RequestStream.CompleteAsync();
            token = (await ReadAllAsync(first))[1].ResumeToken;
        }

        config.ResumeToken = token;
        using Stream second = await OpenAsync(host, config);
        for (ulong sequence = 1; sequence <= 4; sequence++) await SendAsync(second, Frame(sequence));
        await second.RequestStream.CompleteAsync();
        StreamFeaturesResponse[] answers = await ReadAllAsync(second);
        Assert.Equal([1, 2, 3, 4], answers.Select(SequenceOf));
        Assert.All(answers[..2], answer => Assert.Equal(DropReason.AlreadyAnswered, answer.Drop.Reason));
        Assert.All(answers[2..], answer => Assert.NotNull(answer.Features));
    }

    [Fact]
    public async Task Stream_DeadlinePassesBeforeWorkBegins_DropsThatFrameOnly()
    {
        var time = new ManualTime();
        await using FeatureHost host = await FeatureHost.StartAsync(null, services => services.AddSingleton<TimeProvider>(time));
        using Stream stream = await OpenAsync(host, new StreamFeaturesConfig { Policy = new StreamPolicy { Mode = Mode.All } });
        host.Engine.Hold();
        await SendAsync(stream, Frame(1, deadline: TimeSpan.FromSeconds(2)));
        await host.Engine.LaunchedAsync();
        int before = time.Reads;
        await SendAsync(stream, Frame(2, deadline: TimeSpan.FromSeconds(2)));
        await SendAsync(stream, Frame(3));
        await stream.RequestStream.CompleteAsync();
        // Frame 2 has arrived when the reader has taken it; the clock moves only then.
        while (time.Reads <= before) await Task.Delay(10, Test);
        time.Advance(TimeSpan.FromSeconds(3));
        host.Engine.Release();
        StreamFeaturesResponse[] answers = await ReadAllAsync(stream);
        Assert.NotNull(answers[0].Features);   // work on it had begun
        Assert.Equal((2ul, DropReason.Deadline), (answers[1].Drop.Sequence, answers[1].Drop.Reason));
        Assert.NotNull(answers[2].Features);
    }

    [Fact]
    public async Task Stream_RefusedPictures_AreDroppedWithTheReasonAndTheStreamGoesOn()
    {
        await using FeatureHost host = await FeatureHost.StartAsync();
        using Stream stream = await OpenAsync(host, new StreamFeaturesConfig { Policy = new StreamPolicy { Mode = Mode.All }, Selection = Make.Points((90, 10)) });
        await SendAsync(stream, new Frame { Sequence = 1, Image = Make.Encoded("no picture"u8.ToArray()) });
        await SendAsync(stream, new Frame { Sequence = 2 });
        await SendAsync(stream, new Frame { Sequence = 3, Image = Make.Encoded(Make.Png(40, 30)) });   // the point is outside
        await SendAsync(stream, Frame(4));
        await stream.RequestStream.CompleteAsync();
        StreamFeaturesResponse[] answers = await ReadAllAsync(stream);
        Assert.All(answers[..3], answer => Assert.Equal(DropReason.Invalid, answer.Drop.Reason));
        Assert.StartsWith("frame.image.encoded: ", answers[0].Drop.Detail, StringComparison.Ordinal);
        Assert.StartsWith("frame.image: ", answers[1].Drop.Detail, StringComparison.Ordinal);
        Assert.StartsWith("config.selection.points.points[0].x: ", answers[2].Drop.Detail, StringComparison.Ordinal);
        Assert.NotNull(answers[3].Features);
    }

    [Fact]
    public async Task Stream_FullQueue_DropsTheFrameAndGoesOn()
    {
        await using FeatureHost host = await FeatureHost.StartAsync(("CorrMesh:Limits:QueueLength", "1"));
        host.Engine.Hold();
        Task<ExtractFeaturesResponse> held = host.Client.ExtractFeaturesAsync(new ExtractFeaturesRequest { Source = Make.Source(seed: 99) }, cancellationToken: Test).ResponseAsync;
        await host.Engine.LaunchedAsync();
        using Stream stream = await OpenAsync(host, new StreamFeaturesConfig { Policy = new StreamPolicy { Mode = Mode.All } });
        await SendAsync(stream, Frame(1));
        Assert.True(await stream.ResponseStream.MoveNext(Test));
        Assert.Equal(DropReason.Overloaded, stream.ResponseStream.Current.Drop.Reason);
        host.Engine.Release();
        await held;
        await SendAsync(stream, Frame(2));
        Assert.True(await stream.ResponseStream.MoveNext(Test));
        Assert.NotNull(stream.ResponseStream.Current.Features);
    }

    public static TheoryData<string, StreamFeaturesRequest[]> Faults => new()
    {
        { "config", [] },
        { "config", [new StreamFeaturesRequest { Frame = Frame(1) }] },
        { "config", [new StreamFeaturesRequest()] },
        { "spec.tokens", [Config(new StreamFeaturesConfig { Spec = new FeatureSpec { Tokens = 7 } })] },
        { "config.policy.mode", [Config(new StreamFeaturesConfig { Policy = new StreamPolicy { Mode = (Mode)9 } })] },
        { "config.policy.every_kth", [Config(new StreamFeaturesConfig { Policy = new StreamPolicy { Mode = Mode.EveryKth } })] },
        { "config.policy.every_kth", [Config(new StreamFeaturesConfig { Policy = new StreamPolicy { Mode = Mode.All, EveryKth = 2 } })] },
        { "config.return_values", [Config(new StreamFeaturesConfig { ReturnValues = DataType.F32 })] },
        { "config.return_values", [Config(new StreamFeaturesConfig { ReturnValues = (DataType)9, Selection = Make.Grid(1, 1) })] },
        { "config.selection.points", [Config(new StreamFeaturesConfig { Selection = Make.Points() })] },
        { "config.selection.grid", [Config(new StreamFeaturesConfig { Selection = Make.Grid(129, 128) })] },
        { "config.resume_token", [Config(new StreamFeaturesConfig { ResumeToken = "f1-xyz" })] },
        { "config.resume_token", [Config(new StreamFeaturesConfig { ResumeToken = "17" })] },
        { "frame", [Config(new StreamFeaturesConfig()), Config(new StreamFeaturesConfig())] },
        { "frame.sequence", [Config(new StreamFeaturesConfig()), new StreamFeaturesRequest { Frame = Frame(5) }, new StreamFeaturesRequest { Frame = Frame(5) }] },
        { "frame.frame_id", [Config(new StreamFeaturesConfig()), new StreamFeaturesRequest { Frame = new Frame { Image = Frame(1).Image, FrameId = new string('ä', 129) } }] },
        { "frame.deadline", [Config(new StreamFeaturesConfig()), new StreamFeaturesRequest { Frame = new Frame { Image = Frame(1).Image, Deadline = new Duration() } }] },
        { "frame.deadline", [Config(new StreamFeaturesConfig()), new StreamFeaturesRequest { Frame = new Frame { Image = Frame(1).Image, Deadline = new Duration { Seconds = -1 } } }] },
        { "frame.deadline", [Config(new StreamFeaturesConfig()), new StreamFeaturesRequest { Frame = new Frame { Image = Frame(1).Image, Deadline = new Duration { Seconds = long.MaxValue } } }] },
        { "frame.deadline", [Config(new StreamFeaturesConfig()), new StreamFeaturesRequest { Frame = new Frame { Image = Frame(1).Image, Deadline = new Duration { Seconds = 1, Nanos = -5 } } }] },
    };

    // Goal: what breaks the contract ends the stream with the field to blame, after the answers before it.
    [Theory(DisableDiscoveryEnumeration = true)]
    [MemberData(nameof(Faults))]
    public async Task Stream_BrokenContract_EndsWithTheFieldToBlame(string field, StreamFeaturesRequest[] messages)
    {
        await using FeatureHost host = await FeatureHost.StartAsync();
        using Stream stream = host.Client.StreamFeatures(cancellationToken: Test);
        foreach (StreamFeaturesRequest message in messages) await stream.RequestStream.WriteAsync(message, Test);
        await stream.RequestStream.CompleteAsync();
        var answers = new List<StreamFeaturesResponse>();
        var error = await Assert.ThrowsAsync<RpcException>(async () =>
        {
            while (await stream.ResponseStream.MoveNext(Test)) answers.Add(stream.ResponseStream.Current);
        });
        Assert.Equal(StatusCode.InvalidArgument, error.StatusCode);
        Assert.Equal([field], error.FieldViolations().Select(violation => violation.Field));
        Assert.Equal(field == "frame.sequence" ? [5ul] : [], answers.Select(SequenceOf));
    }

    [Fact]
    public async Task Stream_UnknownModel_IsNotFound()
    {
        await using FeatureHost host = await FeatureHost.StartAsync();
        using Stream stream = await OpenAsync(host, new StreamFeaturesConfig { Spec = new FeatureSpec { Model = "nothing" } });
        Assert.Equal(StatusCode.NotFound, (await Assert.ThrowsAsync<RpcException>(() => stream.ResponseStream.MoveNext(Test))).StatusCode);
    }

    // Goal: a draining server answers the frames in hand and then says so, with a token that goes on elsewhere.
    [Fact]
    public async Task Stream_ServerDrains_AnswersWhatItHasAndEndsUnavailable()
    {
        await using FeatureHost host = await FeatureHost.StartAsync();
        using Stream stream = await OpenAsync(host, new StreamFeaturesConfig { Policy = new StreamPolicy { Mode = Mode.All } });
        host.Engine.Hold();
        await SendAsync(stream, Frame(1));
        await host.Engine.LaunchedAsync();
        Task stopping = host.Mesh.StopAsync(Test);
        Assert.True(host.ServiceOf<ModuleHealth>().Draining.IsCancellationRequested);
        host.Engine.Release();
        Assert.True(await stream.ResponseStream.MoveNext(Test));
        Assert.Equal(1ul, stream.ResponseStream.Current.Features.Sequence);
        var error = await Assert.ThrowsAsync<RpcException>(() => stream.ResponseStream.MoveNext(Test));
        Assert.Equal((StatusCode.Unavailable, NotReadyException.Draining), (error.StatusCode, error.ErrorReason()));
        Assert.NotNull(error.RetryDelay());
        await stopping;
    }

    // Goal: a stream that was opened and said nothing yet does not hold a draining server. Method: a stream whose headers have come and whose config has not.
    [Fact]
    public async Task Stream_ServerDrainsBeforeTheConfig_EndsUnavailable()
    {
        await using FeatureHost host = await FeatureHost.StartAsync();
        using Stream stream = host.Client.StreamFeatures(cancellationToken: Test);
        await Eventually.HoldsAsync(() => Requests(host) == 1, "the stream has come");
        Task stopping = host.Mesh.StopAsync(Test);
        var error = await Assert.ThrowsAsync<RpcException>(() => stream.ResponseStream.MoveNext(Test));
        Assert.Equal((StatusCode.Unavailable, NotReadyException.Draining), (error.StatusCode, error.ErrorReason()));
        await stopping;
    }

    [Fact]
    public async Task Stream_ClientGoesAway_LeavesAnEmptyQueueAndAServingService()
    {
        await using FeatureHost host = await FeatureHost.StartAsync();
        host.Engine.Hold();
        using (Stream stream = await OpenAsync(host, new StreamFeaturesConfig()))
        {
            await SendAsync(stream, Frame(1));
            await host.Engine.LaunchedAsync();
            await SendAsync(stream, Frame(2));
        }

        host.Engine.Release();
        var queue = host.ServiceOf<Features.Execution.FeatureQueue>();
        while (queue.Count > 0) await Task.Delay(10, Test);
        Assert.NotNull((await host.Client.ExtractFeaturesAsync(new ExtractFeaturesRequest { Source = Make.Source(seed: 50) }, cancellationToken: Test)).Reference);
    }

    private static double Requests(FeatureHost host) => host.ServiceOf<ModuleStatus>().Read().Numbers["requests"];

    private static async Task<Stream> OpenAsync(FeatureHost host, StreamFeaturesConfig config)
    {
        Stream stream = host.Client.StreamFeatures(cancellationToken: Test);
        await stream.RequestStream.WriteAsync(Config(config), Test);
        return stream;
    }

    private static StreamFeaturesRequest Config(StreamFeaturesConfig config) => new() { Config = config };

    private static Frame Frame(ulong sequence, TimeSpan? deadline = null) => new()
    {
        Sequence = sequence,
        StampNs = 100 + (long)(sequence % 100),
        FrameId = "camera",
        Image = Make.Encoded(Make.Png(96, 64, (int)(sequence % 100))),
        Deadline = deadline is { } wait ? Duration.FromTimeSpan(wait) : null,
    };

    private static Task SendAsync(Stream stream, Frame frame) => stream.RequestStream.WriteAsync(new StreamFeaturesRequest { Frame = frame }, Test);

    private static async Task<StreamFeaturesResponse[]> ReadAllAsync(Stream stream)
    {
        var answers = new List<StreamFeaturesResponse>();
        while (await stream.ResponseStream.MoveNext(Test)) answers.Add(stream.ResponseStream.Current);
        return [.. answers];
    }

    private static ulong SequenceOf(StreamFeaturesResponse answer) => answer.Features?.Sequence ?? answer.Drop.Sequence;
}
