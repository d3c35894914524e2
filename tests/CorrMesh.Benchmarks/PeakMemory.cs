namespace CorrMesh.Benchmarks;

/// <summary>Memory that an action needed beyond what the process held before.</summary>
internal static class PeakMemory
{
    /// <summary>The larger of growth of the process's peak resident set and bytes allocated by managed code on this thread.</summary>
    /// <remarks>Managed memory may reuse pages that are resident already, hence the second; native memory is only in the first.</remarks>
    public static long Measure(Action action)
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();
        File.WriteAllText("/proc/self/clear_refs", "5");   // resets VmHWM to the current resident set
        long before = PeakResidentBytes(), allocated = GC.GetAllocatedBytesForCurrentThread();
        action();
        return Math.Max(PeakResidentBytes() - before, GC.GetAllocatedBytesForCurrentThread() - allocated);
    }

    private static long PeakResidentBytes()
    {
        string line = File.ReadLines("/proc/self/status").First(l => l.StartsWith("VmHWM:", StringComparison.Ordinal));
        return long.Parse(line.AsSpan(6, line.Length - 9).Trim()) * 1024;
    }
}
