namespace CorrMesh.Evaluation;

/// <summary>What computed a table.</summary>
internal static class Processor
{
    /// <summary>The processor's model, or `unknown`.</summary>
    public static string Name() => File.Exists("/proc/cpuinfo")
        ? File.ReadLines("/proc/cpuinfo").FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal))?.Split(':', 2)[1].Trim() ?? "unknown"
        : "unknown";
}
