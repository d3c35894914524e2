using System.Text.Json;
using System.Text.Json.Serialization;

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

/// <summary>A line that a job's process writes to its supervisor; one of the two is there.</summary>
/// <param name="Progress">How far it is.</param>
/// <param name="Refused">Why another process would do no better: the job fails.</param>
public sealed record JobLine(JobProgress? Progress = null, string? Refused = null)
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
