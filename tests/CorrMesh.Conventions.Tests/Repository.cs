using System.Diagnostics;
using Xunit;

namespace CorrMesh.Conventions.Tests;

/// <summary>The checkout that these tests were built from, as files.</summary>
internal static class Repository
{
    /// <summary>The folder with Mesh.sln.</summary>
    public static string Root { get; } = FindRoot();

    public static string PathOf(string relative) => Path.Combine(Root, relative);

    public static string Read(string relative) => File.ReadAllText(PathOf(relative));

    /// <summary>What git tracks, relative to the root with forward slashes; skips the test where there is no git.</summary>
    public static IReadOnlyList<string> TrackedFiles()
    {
        Assert.SkipUnless(Path.Exists(PathOf(".git")), "not a git checkout, so what belongs to it cannot be told from what lies in it");
        // A checkout may belong to another user than the one who tests it.
        (int code, string output, string error) = Run("git", "-c", $"safe.directory={Root}", "ls-files", "--deduplicate", "-z");
        Assert.True(code == 0, error);
        return [.. output.Split('\0', StringSplitOptions.RemoveEmptyEntries).Where(file => File.Exists(PathOf(file)))];
    }

    /// <summary>Runs a program, or a script of the repository, in the root until it ends.</summary>
    public static (int Code, string Output, string Error) Run(string program, params IEnumerable<string> arguments)
    {
        string script = PathOf(program);
        var start = new ProcessStartInfo(File.Exists(script) ? script : program, arguments) { WorkingDirectory = Root, RedirectStandardOutput = true, RedirectStandardError = true };
        using var process = Process.Start(start)!;
        Task<string> error = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output, error.GetAwaiter().GetResult());
    }

    private static string FindRoot()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            if (File.Exists(Path.Combine(folder.FullName, "Mesh.sln"))) return folder.FullName;
        throw new DirectoryNotFoundException($"no folder above {AppContext.BaseDirectory} holds Mesh.sln");
    }
}
