using System.Diagnostics;
using System.Globalization;

namespace CorrMesh.Training.Jobs;

/// <summary>How a job's process ended.</summary>
/// <param name="Code">0: done; 128 + the signal's number for one that was killed.</param>
/// <param name="Refused">Why another process would do no better; null when it did not say so.</param>
/// <param name="LastWords">The end of what it wrote to standard error.</param>
internal sealed record JobExit(int Code, string? Refused, string LastWords);

/// <summary>The process that trains a job.</summary>
/// <remarks>
/// It has a session of its own, so that Ctrl-C in a terminal does not reach it; runs when nobody else wants the processor; and ends itself when its
/// standard input does, so that it never outlives the service, however that ends.
/// </remarks>
internal sealed class JobProcess : IDisposable
{
    public const string Command = "job-run";

    private const int KeptLines = 5;
    private const string Niceness = "10";

    private readonly Process process;

    private JobProcess(Process process) => this.process = process;

    public int Id => process.Id;

    /// <param name="program">Starts the program that knows <see cref="Command"/>.</param>
    /// <exception cref="System.ComponentModel.Win32Exception">`setsid` is not there, or there is no room for a process.</exception>
    public static JobProcess Start(IReadOnlyList<string> program, string data, JobManifest job, int checkpointSteps)
    {
        // Both take their own place by the program, so the process's number is the program's.
        var start = new ProcessStartInfo(
            "setsid", ["nice", "-n", Niceness, .. program, Command, job.Id, "--data", data, "--checkpoint-steps", checkpointSteps.ToString(CultureInfo.InvariantCulture)])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        // Read by libgomp when it loads: threads that wait sleep, or they would take the processor from those who serve.
        start.Environment["OMP_WAIT_POLICY"] = "passive";
        start.Environment["OMP_NUM_THREADS"] = job.Recipe.Threads.ToString(CultureInfo.InvariantCulture);
        return new JobProcess(Process.Start(start)!);
    }

    /// <summary>Passes on what the process says until it has ended.</summary>
    /// <param name="said">Called for each line of standard output that is one, in order.</param>
    /// <param name="line">Called for each line of standard error.</param>
    /// <param name="stop">Kills the process.</param>
    public async Task<JobExit> FollowAsync(Action<JobLine> said, Action<string> line, CancellationToken stop)
    {
        string? refused = null;
        var last = new Queue<string>();
        using (stop.Register(process.Kill))
        {
            var lines = Task.WhenAll(ReadOutputAsync(), ReadErrorsAsync());
            await process.WaitForExitAsync(CancellationToken.None).ConfigureAwait(false);
            await lines.WaitAsync(TimeSpan.FromSeconds(1), CancellationToken.None).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        lock (last) return new JobExit(process.ExitCode, refused, string.Join(" ", last));

        async Task ReadOutputAsync()
        {
            while (await process.StandardOutput.ReadLineAsync(CancellationToken.None).ConfigureAwait(false) is { } text)
            {
                if (JobLine.Parse(text) is not { } report) continue;
                said(report);
                refused ??= report.Refused;
            }
        }

        async Task ReadErrorsAsync()
        {
            while (await process.StandardError.ReadLineAsync(CancellationToken.None).ConfigureAwait(false) is { } text)
            {
                line(text);
                lock (last)
                {
                    last.Enqueue(text.Trim());
                    if (last.Count > KeptLines) last.Dequeue();
                }
            }
        }
    }

    public void Dispose() => process.Dispose();
}
