using System.Threading.Channels;
using CorrMesh.Features.Store;
using CorrMesh.Hosting;
using CorrMesh.Hosting.Errors;
using CorrMesh.Hosting.Health;
using CorrMesh.Hosting.Options;
using CorrMesh.Hosting.Reporting;
using CorrMesh.Protos.Common.V1;
using CorrMesh.Protos.Features.V1;
using Grpc.Core;

namespace CorrMesh.Features;

/// <summary>Features of a live stream: every frame is answered once and in order, by its features or by the reason it has none.</summary>
public sealed class FeatureStream(FeatureExtractor extractor, DescriptorSets descriptors, SpecResolver specs, MeshLimits limits, ModuleHealth health,
    ModuleStatus status, TimeProvider time)
{
    // Answers that wait for their turn, most of them drop reports of a few bytes. Beyond it the sender is slowed down.
    private const int PendingAnswers = 1024;

    public async Task RunAsync(
        IAsyncStreamReader<StreamFeaturesRequest> requests, IServerStreamWriter<StreamFeaturesResponse> responses, CancellationToken cancellation)
    {
        using (var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation, health.Draining))
            if (!await requests.MoveNext(stop.Token).ConfigureAwait(false)) throw new FieldException("config", "must be the first message, none given");
        StreamSession session = Open(requests.Current);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var answers = Channel.CreateBounded<Task<StreamFeaturesResponse>>(PendingAnswers);
        Task<bool> reading = ReadAsync(requests, session, answers.Writer, ending.Token);
        try
        {
            await foreach (Task<StreamFeaturesResponse> answer in answers.Reader.ReadAllAsync(cancellation).ConfigureAwait(false))
                await responses.WriteAsync(await answer.ConfigureAwait(false), cancellation).ConfigureAwait(false);
        }
        finally
        {
            await ending.CancelAsync().ConfigureAwait(false);
            await ((Task)reading).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        if (await reading.ConfigureAwait(false))
            throw new NotReadyException(NotReadyException.Draining, "features: shutting down; open the stream again with the last resume_token", TimeSpan.FromSeconds(1));
    }

    private StreamSession Open(StreamFeaturesRequest first)
    {
        if (first.MessageCase != StreamFeaturesRequest.MessageOneofCase.Config)
            throw new FieldException("config", $"must be the first message, {(first.MessageCase == StreamFeaturesRequest.MessageOneofCase.Frame ? "a frame" : "none")} given");
        StreamFeaturesConfig config = first.Config;
        specs.Resolve(config.Spec);
        StreamPolicy policy = config.Policy ?? new StreamPolicy();
        bool everyKth = policy.Mode == StreamPolicy.Types.Mode.EveryKth;
        if (!Enum.IsDefined(policy.Mode)) throw new FieldException("config.policy.mode", $"a known mode needed, {(int)policy.Mode} given");
        if (everyKth == (policy.EveryKth == 0)) throw new FieldException("config.policy.every_kth", $"{(everyKth ? "at least 1 needed" : "must be absent for this mode")}, {policy.EveryKth} given");
        if (config.ReturnValues != DataType.Unspecified)
        {
            WireTensors.ElementSize(config.ReturnValues, "config.return_values");
            if (config.Selection is null) throw new FieldException("config.return_values", "needs a selection, none given");
        }

        if (config.Selection is not null) PointReader.Check(config.Selection, limits.Points, "config.selection");
        return new StreamSession(config, policy, ResumeToken.Read(config.ResumeToken));
    }

    // Ends when the sender has finished (false), or when the service drains (true); frames in hand are still answered.
    private async Task<bool> ReadAsync(
        IAsyncStreamReader<StreamFeaturesRequest> requests, StreamSession session, ChannelWriter<Task<StreamFeaturesResponse>> answers, CancellationToken cancellation)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation, health.Draining);
        var waiting = Channel.CreateBounded<PendingFrame>(
            new BoundedChannelOptions(1) { FullMode = session.NewestOnly ? BoundedChannelFullMode.DropOldest : BoundedChannelFullMode.Wait },
            superseded => superseded.Drop(DropReason.Superseded));
        Task working = WorkAsync(session, waiting.Reader, cancellation);
        Exception? failure = null;
        bool drained = false;
        try
        {
            while (await requests.MoveNext(stop.Token).ConfigureAwait(false))
            {
                Frame frame = session.Accept(requests.Current);
                var pending = new PendingFrame(frame, time.GetTimestamp());
                await answers.WriteAsync(pending.Answer.Task, cancellation).ConfigureAwait(false);
                if (session.Passes(frame) is { } reason) pending.Drop(reason);
                else await waiting.Writer.WriteAsync(pending, cancellation).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (health.Draining.IsCancellationRequested && !cancellation.IsCancellationRequested)
        {
            drained = true;   // told to the sender after the last answer
        }
#pragma warning disable CA1031 // Ends the stream with this error after the answers before it.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            failure = exception;
        }

        waiting.Writer.Complete();
        await working.ConfigureAwait(false);
        answers.Complete(failure);
        return drained;
    }

    private async Task WorkAsync(StreamSession session, ChannelReader<PendingFrame> waiting, CancellationToken cancellation)
    {
        await foreach (PendingFrame pending in waiting.ReadAllAsync(CancellationToken.None).ConfigureAwait(false))
            await AnswerAsync(session, pending, cancellation).ConfigureAwait(false);
    }

    private async Task AnswerAsync(StreamSession session, PendingFrame pending, CancellationToken cancellation)
    {
        Frame frame = pending.Frame;
        try
        {
            if (frame.Deadline is { } deadline && time.GetElapsedTime(pending.Arrived) > deadline.ToTimeSpan()) pending.Drop(DropReason.Deadline);
            else pending.Complete(await FeaturesAsync(session.Config, frame, cancellation).ConfigureAwait(false));
        }
        catch (FieldException exception)
        {
            pending.Drop(DropReason.Invalid, exception.Message);
        }
        catch (QueueFullException)
        {
            pending.Drop(DropReason.Overloaded);
        }
#pragma warning disable CA1031 // Reaches the sender through the answer.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            pending.Answer.TrySetException(exception);
        }
    }

    private async Task<FrameFeatures> FeaturesAsync(StreamFeaturesConfig config, Frame frame, CancellationToken cancellation)
    {
        var timer = new RequestTimer();
        var source = new FeatureSource { Image = frame.Image ?? throw new FieldException("frame.image", "needed, none given") };
        StoredMap map = await extractor.GetAsync(source, config.Spec, "frame", timer, cancellation).ConfigureAwait(false);
        var features = new FrameFeatures { Sequence = frame.Sequence, StampNs = frame.StampNs, FrameId = frame.FrameId, Reference = map.ToReference() };
        if (config.Selection is not null)
        {
            (double X, double Y)[] points = PointReader.Read(config.Selection, map, limits.Points, "config.selection");
            WireTensors.CheckFits((long)points.Length * map.Map.Channels, config.ReturnValues, limits.MessageBytes, "config.return_values");
            StoredDescriptors set = await descriptors.SampleAsync(map, points, config.Normalise, timer, cancellation).ConfigureAwait(false);
            features.DescriptorSetKey = set.Key;
            features.Values = WireTensors.Encode(set.Values, config.ReturnValues, set.Count, set.Channels);
            features.Points.Add(points.Select(p => new Point { X = p.X, Y = p.Y }));
        }

        features.Timings = timer.ToTimings();
        status.Answered(features.Timings);
        return features;
    }

    /// <summary>A frame and the promise of its answer.</summary>
    private sealed record PendingFrame(Frame Frame, long Arrived)
    {
        public TaskCompletionSource<StreamFeaturesResponse> Answer { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public void Complete(FrameFeatures features) =>
            Answer.TrySetResult(new StreamFeaturesResponse { Features = features, ResumeToken = ResumeToken.Write(Frame.Sequence) });

        public void Drop(DropReason reason, string detail = "") => Answer.TrySetResult(new StreamFeaturesResponse
        {
            Drop = new DropReport { Sequence = Frame.Sequence, StampNs = Frame.StampNs, FrameId = Frame.FrameId, Reason = reason, Detail = detail },
            ResumeToken = ResumeToken.Write(Frame.Sequence),
        });
    }
}
