using Microsoft.Extensions.Logging;

namespace CorrMesh.Hosting.Health;

/// <summary>Whether a module serves: the source of `/readyz` and of `grpc.health.v1`.</summary>
/// <remarks>
/// A module serves when it has started, is not draining, and every part that has reported itself not ready has reported itself
/// ready again. Changes reach health watchers at once. All members may be called from any thread.
/// </remarks>
public sealed class ModuleHealth : IDisposable
{
    private const string Startup = "startup";

    private readonly Lock gate = new();
    private readonly SortedDictionary<string, string> reasons = new(StringComparer.Ordinal) { [Startup] = "starting" };
    private readonly CancellationTokenSource draining = new();
    private readonly ILogger<ModuleHealth> logger;
    private TaskCompletionSource changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public ModuleHealth(MeshService service, ILogger<ModuleHealth> logger)
    {
        Service = service;
        this.logger = logger;
    }

    /// <summary>The module's row in the topology.</summary>
    public MeshService Service { get; }

    /// <summary>Cancelled when the module begins to drain: long streams end themselves after the work in hand.</summary>
    public CancellationToken Draining => draining.Token;

    /// <summary>Why the module does not serve, by part; empty when it serves.</summary>
    public IReadOnlyDictionary<string, string> Reasons
    {
        get { lock (gate) return new Dictionary<string, string>(reasons); }
    }

    /// <summary>Whether the module serves.</summary>
    public bool IsServing
    {
        get { lock (gate) return reasons.Count == 0; }
    }

    /// <summary>Completes at the next change; to be taken before looking at the state.</summary>
    internal Task Changed
    {
        get { lock (gate) return changed.Task; }
    }

    /// <summary>Says that a part, such as `model`, keeps the module from serving.</summary>
    /// <param name="part">One word; reporting it again replaces the reason.</param>
    /// <param name="reason">For people.</param>
    public void NotReady(string part, string reason)
    {
        lock (gate)
        {
            reasons[part] = reason;
            Announce();
            // Being about to start or to stop is not worth a warning.
            if (!reasons.ContainsKey(Startup) && !draining.IsCancellationRequested)
                HostingLog.NotServing(logger, Service.Name, string.Join(", ", reasons.Select(pair => $"{pair.Key}: {pair.Value}")));
        }
    }

    /// <summary>Says that a part no longer keeps the module from serving.</summary>
    public void Ready(string part)
    {
        lock (gate)
        {
            if (!reasons.Remove(part) || reasons.Count > 0) return;
            Announce();
            HostingLog.Serving(logger, Service.Name);
        }
    }

    public void Dispose() => draining.Dispose();

    internal void Started() => Ready(Startup);

    internal void Drain()
    {
        lock (gate)
        {
            if (draining.IsCancellationRequested) return;
            reasons["drain"] = "shutting down";
            Announce();
        }

        draining.Cancel();
        lock (gate) Announce();
    }

    private void Announce()
    {
        changed.SetResult();
        changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
