using System.Diagnostics;
using System.Runtime.InteropServices;

namespace CorrMesh.Hosting.Supervision;

/// <summary>One running process of the mesh.</summary>
/// <remarks>
/// It has a session of its own, so that Ctrl-C in a terminal reaches the supervisor alone, and an input that ends when the
/// supervisor does, so that it never outlives it. Its lines go to the log with its name in front.
/// </remarks>
internal sealed partial class ChildProcess : IDisposable
{
    private const int SigTerm = 15;

    private readonly Process process;
    private readonly Process? guard;
    private readonly long started;
    private readonly TimeProvider time;
    private readonly TaskCompletionSource ready = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private ChildProcess(Process process, Process? guard, TimeProvider time)
    {
        (this.process, this.guard, this.time) = (process, guard, time);
        Id = process.Id;
        started = time.GetTimestamp();
        Exited = null!;
    }

    public int Id { get; }

    /// <summary>Completes when a line of the standard output says so; never, when the process ends before.</summary>
    public Task Ready => ready.Task;

    /// <summary>Completes with the exit code (128 + the signal's number for one that was killed) when the process has ended and all it wrote is in the log.</summary>
    public Task<int> Exited { get; private set; }

    /// <summary>Since the start.</summary>
    public TimeSpan Age => time.GetElapsedTime(started);

    /// <param name="log">Receives the lines; must be safe to use from several threads.</param>
    /// <exception cref="System.ComponentModel.Win32Exception">`setsid` is not there.</exception>
    public static ChildProcess Start(ChildSpec spec, TextWriter log, TimeProvider time)
    {
        var process = Launch(spec.Command);
        var child = new ChildProcess(process, spec.WatchesInput ? null : Launch(["sh", "-c", "read -r done || kill -TERM \"$0\"", $"{process.Id}"]), time);
        child.Exited = child.FollowAsync(spec, log);
        return child;
    }

    /// <summary>Asks the process to stop; asked again, a service of the mesh no longer waits for calls in flight.</summary>
    public void Terminate()
    {
        if (!process.HasExited) _ = Kill(Id, SigTerm);
    }

    public void Kill() => process.Kill();

    public void Dispose()
    {
        process.Dispose();
        guard?.Dispose();
    }

    private static Process Launch(IReadOnlyList<string> command)
    {
        // setsid takes the place of itself by the program, so the process's number is the program's.
        var start = new ProcessStartInfo("setsid", command) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        return Process.Start(start)!;
    }

    private async Task<int> FollowAsync(ChildSpec spec, TextWriter log)
    {
        var lines = Task.WhenAll(CopyAsync(process.StandardOutput), CopyAsync(process.StandardError));
        await process.WaitForExitAsync().ConfigureAwait(false);
        // A line tells the guard that there is nothing left to end; its number may soon be another's.
        if (guard is not null)
        {
            try
            {
                await guard.StandardInput.WriteLineAsync("done").ConfigureAwait(false);
                guard.StandardInput.Close();
            }
            catch (IOException)
            {
                // It was killed before.
            }
        }

        // Something that the process started might hold its output open for longer.
        await lines.WaitAsync(TimeSpan.FromSeconds(1)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return process.ExitCode;

        async Task CopyAsync(StreamReader reader)
        {
            while (await reader.ReadLineAsync().ConfigureAwait(false) is { } line)
            {
                bool isReady = reader == process.StandardOutput && !ready.Task.IsCompleted && spec.IsReady(line);
                await log.WriteLineAsync($"{spec.Name} | {line}").ConfigureAwait(false);
                if (isReady) ready.TrySetResult();
            }
        }
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int pid, int signal);
}
