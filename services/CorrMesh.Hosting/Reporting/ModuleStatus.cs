using System.Collections.Concurrent;
using CorrMesh.Hosting.Health;
using CorrMesh.Protos.Common.V1;
using CorrMesh.Protos.Status.V1;
using Google.Protobuf.WellKnownTypes;

namespace CorrMesh.Hosting.Reporting;

/// <summary>What a module tells of itself: the source of `corrmesh.status.v1` and of the facts in `/readyz`.</summary>
/// <remarks>All members may be called from any thread. Calls and their times are counted for a module by hosting.</remarks>
public sealed class ModuleStatus
{
    private static readonly string Version = typeof(ModuleStatus).Assembly.GetName().Version?.ToString(3) ?? "";

    private readonly ModuleHealth health;
    private readonly TimeProvider time;
    private readonly DateTimeOffset started;
    private readonly long startedAt;
    private readonly LatencyWindow latency;
    private readonly ConcurrentDictionary<string, Func<string>> facts = new();
    private readonly ConcurrentDictionary<string, Func<double>> numbers = new();
    private long requests, failures;

    public ModuleStatus(ModuleHealth health, TimeProvider time)
    {
        (this.health, this.time) = (health, time);
        (started, startedAt) = (time.GetUtcNow(), time.GetTimestamp());
        latency = new LatencyWindow(time);
        if (health.Service.Contracts.Count == 0) return;   // the gateway's calls are counted where they are answered
        Number("requests", () => Interlocked.Read(ref requests));
        Number("failures", () => Interlocked.Read(ref failures));
    }

    /// <summary>The facts as they are now, by name.</summary>
    public IReadOnlyDictionary<string, string> Facts => new SortedDictionary<string, string>(facts.ToDictionary(fact => fact.Key, fact => fact.Value()), StringComparer.Ordinal);

    /// <summary>Names something that the module is, such as `device`; asked for each time that someone looks.</summary>
    public void Fact(string name, Func<string> value) => facts[name] = value;

    /// <summary>Names something that the module counts, such as `queue.length`; asked for each time that someone looks.</summary>
    public void Number(string name, Func<double> value) => numbers[name] = value;

    /// <summary>Adds an answer's times to those of the last minute; null is no answer with times.</summary>
    public void Answered(Timings? timings)
    {
        if (timings is not null) latency.Add(timings);
    }

    /// <summary>The state as it is now.</summary>
    public GetStatusResponse Read()
    {
        var reasons = health.Reasons;
        return new GetStatusResponse
        {
            Service = health.Service.Name,
            ProcessId = Environment.ProcessId,
            Version = Version,
            StartTime = Timestamp.FromDateTimeOffset(started),
            UptimeNs = (long)time.GetElapsedTime(startedAt).TotalNanoseconds,
            Serving = reasons.Count == 0,
            Reasons = { reasons.ToDictionary() },
            Facts = { Facts.ToDictionary() },
            Numbers = { numbers.ToDictionary(number => number.Key, number => number.Value()) },
            Latency = latency.Read(),
        };
    }

    internal void Called() => Interlocked.Increment(ref requests);

    internal void Failed() => Interlocked.Increment(ref failures);
}
