using System.Diagnostics.Metrics;

namespace CorrMesh.Training;

/// <summary>What the training service measures.</summary>
public sealed class TrainingMetrics : IDisposable
{
    private readonly Meter meter = new("corrmesh.training");
    private readonly Counter<long> steps, restarts, ended;

    public TrainingMetrics()
    {
        steps = meter.CreateCounter<long>("corrmesh.training.steps", "{step}", "Steps that jobs have got further.");
        restarts = meter.CreateCounter<long>("corrmesh.training.restarts", "{process}", "Jobs' processes that died and were started again.");
        ended = meter.CreateCounter<long>("corrmesh.training.jobs.ended", "{job}", "Jobs that ended, by state (succeeded, failed, cancelled).");
    }

    public void Advanced(int count) => steps.Add(count);

    public void Restarted() => restarts.Add(1);

    /// <param name="state">"succeeded", "failed" or "cancelled".</param>
    public void Ended(string state) => ended.Add(1, new KeyValuePair<string, object?>("state", state));

    /// <summary>Also reports how many jobs run and wait.</summary>
    public void Observe(Func<int> running, Func<int> waiting)
    {
        meter.CreateObservableGauge("corrmesh.training.jobs.running", running, "{job}", "Jobs that are trained now.");
        meter.CreateObservableGauge("corrmesh.training.jobs.queued", waiting, "{job}", "Jobs that wait for their turn.");
    }

    public void Dispose() => meter.Dispose();
}
