using System.Text.Json;
using System.Text.Json.Serialization;
using CorrMesh.Metrics;

namespace CorrMesh.Training.Jobs;

/// <summary>Progress at one step; means are since the report before.</summary>
/// <param name="Step">Steps done.</param>
/// <param name="Loss">Mean loss.</param>
/// <param name="GradientNorm">Mean L2 norm of all gradients before clipping.</param>
/// <param name="StepsPerSecond">Of wall time.</param>
/// <param name="RemainingSeconds">Time left at that rate.</param>
/// <param name="LiveTensors">Tensors alive on the training thread.</param>
/// <param name="CacheSize">Bytes that the cache of views holds.</param>
public sealed record JobProgress(int Step, double Loss, double GradientNorm, double StepsPerSecond, double RemainingSeconds, long LiveTensors, long CacheSize);

/// <summary>What was measured at one step.</summary>
/// <param name="Step">Steps done.</param>
/// <param name="Figures">Of views of the job's object that are not trained on.</param>
public sealed record JobMeasurement(int Step, DenseCorrespondence Figures);

/// <summary>How far the gate is.</summary>
/// <param name="Name">Of the object that is being measured.</param>
/// <param name="Done">Measurements done: two an object, without and with the adapter.</param>
/// <param name="Total">Of so many.</param>
public sealed record JobGauge(string Name, int Done, int Total);

/// <summary>A line that a job's process writes to its supervisor; one of them is there.</summary>
/// <param name="Progress">How far it is.</param>
/// <param name="Refused">Why another process would do no better: the job fails.</param>
/// <param name="Measured">What was measured.</param>
/// <param name="Gauge">How far the gate is.</param>
public sealed record JobLine(JobProgress? Progress = null, string? Refused = null, JobMeasurement? Measured = null, JobGauge? Gauge = null)
{
    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    };

    /// <returns>Null for a line that is none.</returns>
    public static JobLine? Parse(string line)
    {
        try
        {
            return JsonSerializer.Deserialize<JobLine>(line, Json);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    public override string ToString() => JsonSerializer.Serialize(this, Json);
}
