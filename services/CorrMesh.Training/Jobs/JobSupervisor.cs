using System.Collections.Concurrent;
using System.ComponentModel;
using System.Security.Cryptography;
using CorrMesh.Hosting.Errors;
using CorrMesh.Hosting.Health;
using CorrMesh.Training.Measuring;
using CorrMesh.Vision.Weights;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace CorrMesh.Training.Jobs;

/// <summary>What starts a job's process: a program and its first arguments.</summary>
public sealed record JobProgram(IReadOnlyList<string> Command);

/// <summary>Gives jobs their turn, each in a process of its own, and starts anew what has died.</summary>
/// <remarks>
/// What a job's process leaves behind is all in the job's folder, so it may be killed at any moment: so may this one. A process that dies is started again, after
/// a pause that doubles, until it has died <see cref="TrainingOptions.Tries"/> times without having got further; the count outlives this process.
/// </remarks>
public sealed class JobSupervisor(
    JobStore store, TrainingOptions options, JobProgram program, AdapterPublisher publisher, TrainingMetrics metrics, ModuleHealth health, TimeProvider time, ILogger<JobSupervisor> logger) : BackgroundService
{
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(200), FirstPause = TimeSpan.FromMilliseconds(200), LongestPause = TimeSpan.FromSeconds(10), StoragePause = TimeSpan.FromSeconds(2);

    private readonly ConcurrentDictionary<string, Turn> turns = new();
    private readonly SemaphoreSlim wake = new(0);

    /// <summary>Jobs that are trained now.</summary>
    public int RunningCount => turns.Count;

    /// <summary>Looks at the queue at once: a job was added, or has been cancelled.</summary>
    public void Wake()
    {
        foreach (Turn turn in turns.Values)
            if (turn.Job.Manifest.State == JobState.Cancelled) turn.Stop();
        wake.Release();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var stopping = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken, health.Draining);
        try
        {
            while (!stopping.IsCancellationRequested)
            {
                TimeSpan wait = Look;
                try
                {
                    if (store.TryOwn(create: false)) StartTurns(stopping.Token);
                }
                catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
                {
                    JobLog.StorageFailed(logger, wait = StoragePause, exception.Message);
                }

                await wake.WaitAsync(wait, stopping.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
        }

        await Task.WhenAll(turns.Values.Select(turn => turn.Running)).ConfigureAwait(false);
        store.Release();
    }

    public override void Dispose()
    {
        base.Dispose();
        wake.Dispose();
    }

    private void StartTurns(CancellationToken stopping)
    {
        foreach (JobRecord job in store.Queue())
        {
            // Evaluations take a minute and do not wait for those that train for hours.
            JobKind kind = job.Manifest.Kind;
            if (turns.ContainsKey(job.Folder.Id) || turns.Values.Count(turn => turn.Job.Manifest.Kind == kind) >= (kind == JobKind.Finetune ? options.RunningJobs : options.RunningEvaluations)) continue;
            var turn = new Turn(job, stopping);
            turns[job.Folder.Id] = turn;
            turn.Running = Task.Run(() => RunAsync(turn, stopping), CancellationToken.None);
        }
    }

    private async Task RunAsync(Turn turn, CancellationToken stopping)
    {
        TimeSpan pause = FirstPause;
        try
        {
            while (Begin(turn.Job))
            {
                int furthest = turn.Job.Furthest;
                string? died = await RunOnceAsync(turn, stopping).ConfigureAwait(false);
                if (died is null) return;
                if (turn.Job.Furthest > furthest) pause = FirstPause;
                metrics.Restarted();
                JobLog.Died(logger, turn.Job.Folder.Id, pause, died);
                await Task.Delay(pause, time, turn.Stopped).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                if (turn.Stopped.IsCancellationRequested) return;
                pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // Its state could not be written, so it is still what it was: the next turn takes it up again.
            JobLog.StorageFailed(logger, StoragePause, exception.Message);
            await Task.Delay(StoragePause, time, turn.Stopped).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        finally
        {
            turns.TryRemove(turn.Job.Folder.Id, out _);
            turn.Dispose();
            if (!stopping.IsCancellationRequested) wake.Release();
        }
    }

    // Written before the process is started, so that a process that takes this one with it counts too.
    private bool Begin(JobRecord job)
    {
        JobManifest now = job.Change(manifest => manifest switch
        {
            { IsOver: true } => manifest,
            _ when manifest.Tries >= options.Tries => manifest with
            {
                State = JobState.Failed,
                Reason = $"its process died {manifest.Tries} times without getting further than step {job.Furthest}; the last time: {(manifest.Reason.Length > 0 ? manifest.Reason : "together with the service")}",
                Ended = time.GetUtcNow(),
            },
            _ => manifest with { State = JobState.Running, Tries = manifest.Tries + 1, Started = manifest.Started ?? time.GetUtcNow() },
        });
        if (now.State == JobState.Failed) Failed(now);
        return now.State == JobState.Running;
    }

    /// <returns>Why the job needs another process; null when it does not, or not from here.</returns>
    private async Task<string?> RunOnceAsync(Turn turn, CancellationToken stopping)
    {
        JobRecord job = turn.Job;
        string? died;
        try
        {
            using var process = JobProcess.Start(program.Command, store.Data, job.Manifest, options.CheckpointSteps);
            JobLog.Started(logger, job.Folder.Id, process.Id);
            JobExit exit = await process.FollowAsync(entry => Hear(job, entry), line => JobLog.Line(logger, job.Folder.Id, line), turn.Stopped).ConfigureAwait(false);
            if (exit.Code == 0 && File.Exists(job.Folder.Card))
            {
                Succeed(job);
                return null;
            }

            if (exit.Refused is { } reason)
            {
                Failed(job.Change(manifest => manifest.State == JobState.Running ? manifest with { State = JobState.Failed, Reason = reason, Ended = time.GetUtcNow() } : manifest));
                return null;
            }

            died = exit.Code > 128 ? $"its process was killed by signal {exit.Code - 128}" : $"its process ended with exit code {exit.Code}: {exit.LastWords}";
        }
        catch (Win32Exception exception)
        {
            died = $"its process could not be started: {exception.Message}";
        }

        // A try that was ended from here does not count.
        job.Change(manifest => manifest.State != JobState.Running ? manifest
            : stopping.IsCancellationRequested ? manifest with { Tries = Math.Max(0, manifest.Tries - 1) }
            : manifest with { Reason = died });
        return turn.Stopped.IsCancellationRequested ? null : died;
    }

    private void Hear(JobRecord job, JobLine line)
    {
        if (line.Gauge is { } gauge) job.Gauge = gauge;
        if (line.Measured is not null && !job.Add(line)) JobLog.ProgressLost(logger, job.Folder.Id);
        if (line.Progress is { } progress) Report(job, progress);
    }

    private void Report(JobRecord job, JobProgress entry)
    {
        bool isFurther = entry.Step > job.Furthest;
        metrics.Advanced(Math.Max(0, entry.Step - job.Furthest));
        if (!job.Add(new JobLine(entry))) JobLog.ProgressLost(logger, job.Folder.Id);
        if (!isFurther || job.Manifest is { Tries: 0, Reason: "" }) return;
        try
        {
            job.Change(manifest => manifest.State == JobState.Running ? manifest with { Tries = 0, Reason = "" } : manifest);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // The count stays as it was, which is on the careful side.
            JobLog.ProgressLost(logger, job.Folder.Id);
        }
    }

    private void Succeed(JobRecord job)
    {
        byte[] adapter = File.ReadAllBytes(job.Folder.AdapterOf(job.Manifest));
        GateReport verdict = GateReport.FromJson(File.ReadAllText(job.Folder.Report)) with { Curve = [], Recipe = null };
        var result = new JobResult(Convert.ToHexStringLower(SHA256.HashData(adapter)), adapter.Length, File.ReadAllText(job.Folder.Card), verdict);
        Publish(job, result);
        JobManifest now = job.Change(manifest => manifest.State == JobState.Running
            ? manifest with { State = JobState.Succeeded, Reason = "", Tries = 0, Result = result, Ended = time.GetUtcNow() }
            : manifest);
        if (now.State != JobState.Succeeded) return;
        metrics.Ended("succeeded");
        JobLog.Succeeded(logger, now.Id, result.Digest);
    }

    // Before the job's success is written: what comes between is done once more, and changes nothing.
    private void Publish(JobRecord job, JobResult result)
    {
        JobManifest manifest = job.Manifest;
        if (manifest.PublishAs.Length == 0 || manifest.State != JobState.Running) return;
        try
        {
            publisher.Publish(job.Folder, manifest, result, manifest.PublishAs);
        }
        catch (Exception exception) when (exception is JobConditionException or ArgumentException or InvalidDataException or WeightFileException or NotFoundException)
        {
            JobLog.NotPublished(logger, manifest.Id, manifest.PublishAs, exception.Message);
        }
    }

    private void Failed(JobManifest manifest)
    {
        if (manifest.State != JobState.Failed) return;
        metrics.Ended("failed");
        JobLog.Failed(logger, manifest.Id, manifest.Reason);
    }

    /// <summary>A job that has its turn.</summary>
    private sealed class Turn(JobRecord job, CancellationToken stopping) : IDisposable
    {
        private readonly Lock gate = new();
        private readonly CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        private bool isOver;

        public JobRecord Job => job;

        public Task Running { get; set; } = Task.CompletedTask;

        public CancellationToken Stopped => stop.Token;

        public void Stop()
        {
            lock (gate)
            {
                if (!isOver) stop.Cancel();
            }
        }

        public void Dispose()
        {
            lock (gate)
            {
                isOver = true;
                stop.Dispose();
            }
        }
    }
}
