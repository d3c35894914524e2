using System.Diagnostics;
using CorrMesh.Protos.Pose.V1;

namespace CorrMesh.Pose.Estimation;

/// <summary>Adds up where one answer's time goes.</summary>
internal sealed class PoseClock
{
    private readonly long started = Stopwatch.GetTimestamp();
    private TimeSpan features, matching, solver;

    public Task<T> FeaturesAsync<T>(Func<Task<T>> work) => TimeAsync(work, time => features += time);

    public Task<T> MatchingAsync<T>(Func<Task<T>> work) => TimeAsync(work, time => matching += time);

    public Task<T> SolverAsync<T>(Func<Task<T>> work) => TimeAsync(work, time => solver += time);

    public PoseTimings ToTimings() => new() { FeaturesNs = Nanoseconds(features), MatchingNs = Nanoseconds(matching), SolverNs = Nanoseconds(solver), TotalNs = Nanoseconds(Stopwatch.GetElapsedTime(started)) };

    private static async Task<T> TimeAsync<T>(Func<Task<T>> work, Action<TimeSpan> add)
    {
        long from = Stopwatch.GetTimestamp();
        T result = await work().ConfigureAwait(false);
        add(Stopwatch.GetElapsedTime(from));
        return result;
    }

    private static long Nanoseconds(TimeSpan time) => time.Ticks * TimeSpan.NanosecondsPerTick;
}
