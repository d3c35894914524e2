using System.Runtime.InteropServices;

namespace CorrMesh.Features.Execution;

/// <summary>Says what is missing when the native Torch library does not load; its own message hides the cause.</summary>
public static class NativeTorch
{
    // Each depends on those before it; the first that fails is the cause.
    private static readonly string[] Libraries = ["libc10.so", "libtorch_cpu.so", "libtorch.so", "libLibTorchSharp.so"];

    /// <summary>Looks for a native loading failure behind an exception.</summary>
    /// <returns>The first library that does not load with the loader's own words, and what to do; null when the exception is of another kind.</returns>
    public static (string Reason, string Advice)? Diagnose(Exception exception)
    {
        bool native = false;
        for (Exception? inner = exception; inner is not null; inner = inner.InnerException)
            native |= inner is DllNotFoundException or TypeInitializationException or BadImageFormatException or NotSupportedException;
        return native ? Probe(AppContext.BaseDirectory) ?? (exception.GetBaseException().Message, "See README, \"What it runs on\".") : null;
    }

    /// <summary>Loads the libraries one by one from a folder.</summary>
    /// <returns>Null when all load.</returns>
    public static (string Reason, string Advice)? Probe(string folder)
    {
        foreach (string library in Libraries)
        {
            string path = Path.Combine(folder, library);
            if (!File.Exists(path)) return ($"{path} is missing", "Build or publish again for linux-x64; the libraries come with the packages TorchSharp and libtorch-cpu-linux-x64.");
            try
            {
                NativeLibrary.Load(path);
            }
            catch (DllNotFoundException exception)
            {
                return (exception.Message.ReplaceLineEndings(" "), exception.Message switch
                {
                    var m when m.Contains("GLIBCXX", StringComparison.Ordinal) => "The C++ runtime is older than the library asks for: build with this repository's Directory.Build.targets, which weakens that demand, or use Debian 13 or newer.",
                    var m when m.Contains("libgomp", StringComparison.Ordinal) => "Install the OpenMP runtime: apt-get install libgomp1.",
                    var m when m.Contains("libstdc++", StringComparison.Ordinal) => "Install the C++ runtime: apt-get install libstdc++6.",
                    _ => "Install the library that is named, or build again for linux-x64.",
                });
            }
        }

        return null;
    }
}
