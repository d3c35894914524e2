using System.Runtime.InteropServices;

namespace CorrMesh.Training;

/// <summary>How the C library's heap deals with what tensors give back.</summary>
internal static partial class NativeHeap
{
    // mallopt's numbers (glibc's malloc.h).
    private const int TrimThreshold = -1, MapThreshold = -3;

    private const int Kept = 1 << 30;

    /// <summary>
    /// Keeps freed memory, up to 1 GB, in place of giving it back: every step asks for the same temporaries again, and having the kernel clear new pages for them
    /// takes about a third of a step (CorrMesh.Benchmarks, finetune). Of the whole process, so for those that only train. Nothing where the C library is not glibc.
    /// </summary>
    public static void KeepFreed()
    {
        if (!OperatingSystem.IsLinux()) return;
        try
        {
            // In this order: once any of them is set, glibc leaves the other as it is, and an old one refuses so large a bound for mappings.
            if (Set(MapThreshold, Kept) != 0) _ = Set(TrimThreshold, Kept);
        }
        catch (EntryPointNotFoundException)
        {
            // musl has no such door.
        }
    }

    [LibraryImport("libc", EntryPoint = "mallopt")]
    private static partial int Set(int parameter, int value);
}
