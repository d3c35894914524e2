using System.Threading.Channels;
using CorrMesh.Hosting.Errors;
using CorrMesh.Hosting.Health;
using CorrMesh.Protos.Common.V1;
using Grpc.Core;

namespace CorrMesh.Hosting.Streams;

/// <summary>A frame with the work that it asks for.</summary>
/// <param name="Frame">As it came.</param>
/// <param name="AnswerAsync">Does the work; refusals of the frame are <see cref="FieldException"/>s.</param>
public sealed record FrameWork<TResponse>(Frame Frame, Func<CancellationToken, Task<TResponse>> AnswerAsync);

/// <summary>What a service does with one stream's messages after its first.</summary>
public interface IFrameWorker<TRequest, TResponse>
{
    /// <summary>Which frames are worked on; null for the newest only.</summary>
    StreamPolicy? Policy { get; }

    /// <summary>Of the stream before; empty for a new one.</summary>
    string ResumeToken { get; }

    /// <summary>The next message.</summary>
    /// <returns>The frame that it brings, or null for one that changes what holds for the frames after it.</returns>
    /// <exception cref="FieldException">Neither is allowed here; ends the stream.</exception>
    FrameWork<TResponse>? Take(TRequest message);

    /// <summary>The answer for a frame that gets no result.</summary>
    TResponse Dropped(DropReport report);

    /// <summary>Puts a token into an answer.</summary>
    TResponse WithToken(TResponse answer, string resumeToken);
}

/// <summary>The shared stream contract (frame.proto): every frame is answered once and in order, by its result or by the reason it has none.</summary>
public sealed class FrameStream(ModuleHealth health, TimeProvider time)
{
    // Answers that wait for their turn, most of them drop reports of a few bytes. Beyond it the sender is slowed down.
    private const int PendingAnswers = 1024;

    /// <param name="open">Checks the first message.</param>
    /// <param name="requests">From the sender.</param>
    /// <param name="responses">To the sender.</param>
    /// <param name="cancellation">The call's.</param>
    public async Task RunAsync<TRequest, TResponse>(
        Func<TRequest, IFrameWorker<TRequest, TResponse>> open, IAsyncStreamReader<TRequest> requests, IServerStreamWriter<TResponse> responses, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(open);
        ArgumentNullException.ThrowIfNull(requests);
        ArgumentNullException.ThrowIfNull(responses);
        using (var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation, health.Draining))
            if (!await requests.MoveNext(stop.Token).ConfigureAwait(false)) throw new FieldException("config", "must be the first message, none given");
        IFrameWorker<TRequest, TResponse> worker = open(requests.Current);
        var session = new FrameSession(worker.Policy, worker.ResumeToken);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var answers = Channel.CreateBounded<Task<TResponse>>(PendingAnswers);
        Task<bool> reading = ReadAsync(requests, worker, session, answers.Writer, ending.Token);
        try
        {
            await foreach (Task<TResponse> answer in answers.Reader.ReadAllAsync(cancellation).ConfigureAwait(false))
                await responses.WriteAsync(await answer.ConfigureAwait(false), cancellation).ConfigureAwait(false);
        }
        finally
        {
            await ending.CancelAsync().ConfigureAwait(false);
            await ((Task)reading).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        if (await reading.ConfigureAwait(false))
            throw new NotReadyException(NotReadyException.Draining, $"{health.Service.Name}: shutting down; open the stream again with the last resume_token", TimeSpan.FromSeconds(1));
    }

    // Ends when the sender has finished (false), or when the service drains (true); frames in hand are still answered.
    private async Task<bool> ReadAsync<TRequest, TResponse>(
        IAsyncStreamReader<TRequest> requests, IFrameWorker<TRequest, TResponse> worker, FrameSession session, ChannelWriter<Task<TResponse>> answers, CancellationToken cancellation)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation, health.Draining);
        var waiting = Channel.CreateBounded<PendingFrame<TRequest, TResponse>>(
            new BoundedChannelOptions(1) { FullMode = session.NewestOnly ? BoundedChannelFullMode.DropOldest : BoundedChannelFullMode.Wait },
            superseded => superseded.Drop(DropReason.Superseded));
        Task working = WorkAsync(waiting.Reader, cancellation);
        Exception? failure = null;
        bool drained = false;
        try
        {
            while (await requests.MoveNext(stop.Token).ConfigureAwait(false))
            {
                if (worker.Take(requests.Current) is not { } work) continue;
                session.Accept(work.Frame);
                var pending = new PendingFrame<TRequest, TResponse>(worker, work, time.GetTimestamp());
                await answers.WriteAsync(pending.Answer.Task, cancellation).ConfigureAwait(false);
                if (session.Passes(work.Frame) is { } reason) pending.Drop(reason);
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

    private async Task WorkAsync<TRequest, TResponse>(ChannelReader<PendingFrame<TRequest, TResponse>> waiting, CancellationToken cancellation)
    {
        await foreach (PendingFrame<TRequest, TResponse> pending in waiting.ReadAllAsync(CancellationToken.None).ConfigureAwait(false))
            await AnswerAsync(pending, cancellation).ConfigureAwait(false);
    }

    private async Task AnswerAsync<TRequest, TResponse>(PendingFrame<TRequest, TResponse> pending, CancellationToken cancellation)
    {
        try
        {
            if (pending.Work.Frame.Deadline is { } deadline && time.GetElapsedTime(pending.Arrived) > deadline.ToTimeSpan()) pending.Drop(DropReason.Deadline);
            else pending.Complete(await pending.Work.AnswerAsync(cancellation).ConfigureAwait(false));
        }
        catch (FieldException exception)
        {
            pending.Drop(DropReason.Invalid, exception.Message);
        }
        catch (QueueFullException)
        {
            pending.Drop(DropReason.Overloaded);
        }
        // The same from a service that this one calls.
        catch (RpcException exception) when (exception.StatusCode == StatusCode.InvalidArgument)
        {
            pending.Drop(DropReason.Invalid, exception.Status.Detail);
        }
        catch (RpcException exception) when (exception.StatusCode == StatusCode.ResourceExhausted && exception.RetryDelay() is not null)
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

    // A frame and the promise of its answer.
    private sealed record PendingFrame<TRequest, TResponse>(IFrameWorker<TRequest, TResponse> Worker, FrameWork<TResponse> Work, long Arrived)
    {
        public TaskCompletionSource<TResponse> Answer { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public void Complete(TResponse answer) => Answer.TrySetResult(Worker.WithToken(answer, ResumeToken.Write(Work.Frame.Sequence)));

        public void Drop(DropReason reason, string detail = "") => Complete(
            Worker.Dropped(new DropReport { Sequence = Work.Frame.Sequence, StampNs = Work.Frame.StampNs, FrameId = Work.Frame.FrameId, Reason = reason, Detail = detail }));
    }
}
