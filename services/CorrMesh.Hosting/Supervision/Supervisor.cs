using System.ComponentModel;
using Microsoft.Extensions.Logging;

namespace CorrMesh.Hosting.Supervision;

/// <summary>Keeps the processes of a mesh running.</summary>
/// <remarks>
/// They start in the order given and stop in the opposite one, those of one service side by side. One that ends is started again at
/// once; one that keeps ending within <see cref="SettlingTime"/> waits 1, 2, 4 ... 10 s in between.
/// </remarks>
internal sealed class Supervisor(IReadOnlyList<ChildSpec> specs, TextWriter log, ILogger logger, TimeProvider time, TimeSpan stopLimit) : IAsyncDisposable
{
    /// <summary>A process that lives for less has not settled.</summary>
    public static readonly TimeSpan SettlingTime = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan LongestDelay = TimeSpan.FromSeconds(10), StartLimit = TimeSpan.FromMinutes(2);

    private readonly CancellationTokenSource stopping = new();
    private readonly SemaphoreSlim rolling = new(1);
    private readonly List<Seat> seats = [];
    private readonly List<Task> watches = [];

    /// <summary>Starts every process and waits until it is ready.</summary>
    /// <returns>0, or the exit code of the first process that ended instead; the others have been stopped then.</returns>
    /// <exception cref="OperationCanceledException">Abandoned; what had started is stopped by <see cref="StopAsync"/>.</exception>
    public async Task<int> StartAsync(CancellationToken cancellationToken)
    {
        foreach (var service in specs.GroupBy(spec => spec.Service))
        {
            Seat[] group = [.. service.Select(spec => new Seat(spec))];
            foreach (var seat in group)
            {
                try
                {
                    Start(seat);
                }
                catch (Win32Exception exception)
                {
                    SupervisorLog.CannotStart(logger, seat.Spec.Name, exception.Message);
                    await StopAsync(cancellationToken).ConfigureAwait(false);
                    return 1;
                }

                seats.Add(seat);
            }

            foreach (var seat in group)
            {
                await Task.WhenAny(seat.Child.Ready, seat.Child.Exited).WaitAsync(cancellationToken).ConfigureAwait(false);
                if (seat.Child.Ready.IsCompleted) continue;
                int code = await seat.Child.Exited.ConfigureAwait(false);
                SupervisorLog.Refused(logger, seat.Spec.Name, seat.Child.Id, code);
                await StopAsync(cancellationToken).ConfigureAwait(false);
                return code == 0 ? 1 : code;
            }
        }

        watches.AddRange(seats.Select(WatchAsync));
        return 0;
    }

    /// <summary>Replaces the processes one after the other, each when its replacement is ready; never two rounds at once.</summary>
    public async Task ReplaceAllAsync()
    {
        await rolling.WaitAsync().ConfigureAwait(false);
        try
        {
            foreach (var seat in seats.Where(seat => seat.Spec.IsReplaceable))
                if (stopping.IsCancellationRequested || !await ReplaceAsync(seat).ConfigureAwait(false)) return;
            SupervisorLog.Replaced(logger);
        }
        finally
        {
            rolling.Release();
        }
    }

    /// <summary>Asks the processes to stop, service by service, the last one first, and waits.</summary>
    /// <param name="hurry">When cancelled, processes are asked again, which they take as "do not wait for calls in flight".</param>
    public async Task StopAsync(CancellationToken hurry)
    {
        if (!stopping.IsCancellationRequested) await stopping.CancelAsync().ConfigureAwait(false);
        foreach (var service in seats.GroupBy(seat => seat.Spec.Service).Reverse())
            await Task.WhenAll(service.Select(seat => StopAsync(seat, hurry))).ConfigureAwait(false);
        await Task.WhenAll(watches).ConfigureAwait(false);
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync(new CancellationToken(canceled: true)).ConfigureAwait(false);
        foreach (var seat in seats) seat.Dispose();
        stopping.Dispose();
        rolling.Dispose();
    }

    private ChildProcess Start(Seat seat) => seat.Child = Launch(seat.Spec);

    private ChildProcess Launch(ChildSpec spec)
    {
        var child = ChildProcess.Start(spec, log, time);
        SupervisorLog.Started(logger, spec.Name, child.Id, spec.Where);
        _ = AnnounceAsync();
        return child;

        async Task AnnounceAsync()
        {
            if (await Task.WhenAny(child.Ready, child.Exited).ConfigureAwait(false) == child.Ready) SupervisorLog.Ready(logger, spec.Name, child.Id, child.Age);
        }
    }

    private async Task WatchAsync(Seat seat)
    {
        int shortLives = 0;
        while (true)
        {
            var child = seat.Child;
            int code = await child.Exited.ConfigureAwait(false);
            await seat.Gate.WaitAsync().ConfigureAwait(false);
            try
            {
                if (stopping.IsCancellationRequested) return;
                if (seat.Child != child) continue;   // replaced
                shortLives = child.Age < SettlingTime ? shortLives + 1 : 0;
                var delay = DelayAfter(shortLives);
                SupervisorLog.Ended(logger, seat.Spec.Name, child.Id, code, child.Age, delay);
                await Task.Delay(delay, time, stopping.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                if (stopping.IsCancellationRequested) return;
                child.Dispose();
                await RestartAsync(seat).ConfigureAwait(false);
            }
            finally
            {
                seat.Gate.Release();
            }
        }
    }

    // A machine that is short of processes or memory may have some later.
    private async Task RestartAsync(Seat seat)
    {
        while (!stopping.IsCancellationRequested)
        {
            try
            {
                Start(seat);
                return;
            }
            catch (Win32Exception exception)
            {
                SupervisorLog.CannotStart(logger, seat.Spec.Name, exception.Message);
                await Task.Delay(LongestDelay, time, stopping.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    /// <summary>None after the first short life, for that may be chance; then 1 s, doubling.</summary>
    internal static TimeSpan DelayAfter(int shortLives) => shortLives < 2
        ? TimeSpan.Zero
        : TimeSpan.FromSeconds(Math.Min(Math.Pow(2, shortLives - 2), LongestDelay.TotalSeconds));

    private async Task<bool> ReplaceAsync(Seat seat)
    {
        await seat.Gate.WaitAsync().ConfigureAwait(false);
        try
        {
            if (stopping.IsCancellationRequested) return false;
            SupervisorLog.Replacing(logger, seat.Spec.Name);
            var old = seat.Child;
            ChildProcess fresh;
            try
            {
                fresh = Launch(seat.Spec);
            }
            catch (Win32Exception exception)
            {
                SupervisorLog.CannotStart(logger, seat.Spec.Name, exception.Message);
                return false;
            }

            using var limit = CancellationTokenSource.CreateLinkedTokenSource(stopping.Token);
            limit.CancelAfter(StartLimit);
            await ((Task)Task.WhenAny(fresh.Ready, fresh.Exited)).WaitAsync(limit.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (!fresh.Ready.IsCompleted)
            {
                if (!stopping.IsCancellationRequested) SupervisorLog.ReplacementFailed(logger, seat.Spec.Name);
                if (!fresh.Exited.IsCompleted) fresh.Kill();
                await fresh.Exited.ConfigureAwait(false);
                fresh.Dispose();
                return false;
            }

            seat.Child = fresh;
            old.Terminate();
            await EndAsync(seat.Spec, old, CancellationToken.None).ConfigureAwait(false);
            old.Dispose();
            return true;
        }
        finally
        {
            seat.Gate.Release();
        }
    }

    private async Task StopAsync(Seat seat, CancellationToken hurry)
    {
        // A start or a replacement under way ends first, for it knows of `stopping`.
        await seat.Gate.WaitAsync(CancellationToken.None).ConfigureAwait(false);
        var child = seat.Child;
        seat.Gate.Release();
        if (child.Exited.IsCompleted) return;
        child.Terminate();
        await EndAsync(seat.Spec, child, hurry).ConfigureAwait(false);
    }

    // Waits for a process that has been asked to stop.
    private async Task EndAsync(ChildSpec spec, ChildProcess child, CancellationToken hurry)
    {
        using var again = hurry.Register(child.Terminate);
        if (await Task.WhenAny(child.Exited, Task.Delay(stopLimit, time, CancellationToken.None)).ConfigureAwait(false) != child.Exited)
        {
            SupervisorLog.Killed(logger, spec.Name, child.Id, stopLimit);
            child.Kill();
        }

        await child.Exited.ConfigureAwait(false);
    }

    /// <summary>The place of one process, whichever holds it now.</summary>
    private sealed class Seat(ChildSpec spec) : IDisposable
    {
        public ChildSpec Spec { get; } = spec;

        public ChildProcess Child { get; set; } = null!;

        /// <summary>Held while the process is started again or replaced.</summary>
        public SemaphoreSlim Gate { get; } = new(1);

        public void Dispose()
        {
            Child?.Dispose();
            Gate.Dispose();
        }
    }
}
