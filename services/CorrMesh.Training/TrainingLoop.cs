using System.Diagnostics;

namespace CorrMesh.Training;

/// <summary>What a step gives to the reports.</summary>
/// <param name="Loss">Of this step.</param>
/// <param name="Detail">Another figure that is averaged like the loss.</param>
/// <param name="ImageCount">Views trained on.</param>
internal readonly record struct StepOutcome(double Loss, double Detail, int ImageCount);

/// <summary>Means since the last report.</summary>
/// <param name="Step">Updates done.</param>
/// <param name="Remaining">Time left at this rate.</param>
internal readonly record struct LoopReport(int Step, double Loss, double Detail, double ImagesPerSecond, double StepsPerSecond, TimeSpan Remaining);

/// <summary>The frame of every training run: batches made ahead, steps, checkpoints and reports in time. The process keeps what its heap frees (<see cref="NativeHeap"/>).</summary>
/// <param name="Steps">Updates in all.</param>
/// <param name="CheckpointSteps">Steps between checkpoints; the last step always leaves one.</param>
/// <param name="ReportSteps">Steps between reports; the last step always gives one.</param>
internal sealed record TrainingLoop(int Steps, int CheckpointSteps, int ReportSteps)
{
    /// <summary>Runs the steps from <paramref name="first"/> on.</summary>
    /// <param name="build">Makes the batch of a step, on another thread.</param>
    /// <param name="step">Takes a step counted from 0.</param>
    /// <param name="save">Given the updates done.</param>
    public void Run<T>(int first, Func<int, T> build, Func<T, int, StepOutcome> step, Action<int> save, Action<LoopReport> report, CancellationToken cancellation)
    {
        NativeHeap.KeepFreed();
        int done = first, steps = 0;
        StepOutcome sum = default;
        var clock = Stopwatch.StartNew();
        foreach (T batch in Prefetch.Run(first, Steps, "training batches", build, cancellation))
        {
            StepOutcome outcome = step(batch, done);
            done++;
            steps++;
            sum = new StepOutcome(sum.Loss + outcome.Loss, sum.Detail + outcome.Detail, sum.ImageCount + outcome.ImageCount);
            if (done % CheckpointSteps == 0 || done == Steps) save(done);
            if (done % ReportSteps != 0 && done != Steps) continue;
            double seconds = clock.Elapsed.TotalSeconds;
            report(new LoopReport(done, sum.Loss / steps, sum.Detail / steps, sum.ImageCount / seconds, steps / seconds, TimeSpan.FromSeconds(seconds / steps * (Steps - done))));
            (sum, steps) = (default, 0);
            clock.Restart();
        }
        cancellation.ThrowIfCancellationRequested();
    }
}
