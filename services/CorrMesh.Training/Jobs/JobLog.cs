using Microsoft.Extensions.Logging;

namespace CorrMesh.Training.Jobs;

/// <summary>What the training service logs.</summary>
internal static partial class JobLog
{
    [LoggerMessage(4001, LogLevel.Information, "Job {Job} was made: {Kind} with the model {Model}.")]
    public static partial void Created(ILogger logger, string job, JobKind kind, string model);

    [LoggerMessage(4002, LogLevel.Information, "Job {Job} is worked on by process {Process}.")]
    public static partial void Started(ILogger logger, string job, int process);

    [LoggerMessage(4003, LogLevel.Information, "Job {Job} has succeeded: adapter sha256:{Digest}.")]
    public static partial void Succeeded(ILogger logger, string job, string digest);

    [LoggerMessage(4004, LogLevel.Warning, "Job {Job} has failed: {Reason}")]
    public static partial void Failed(ILogger logger, string job, string reason);

    [LoggerMessage(4005, LogLevel.Information, "Job {Job} was cancelled.")]
    public static partial void Cancelled(ILogger logger, string job);

    [LoggerMessage(4006, LogLevel.Warning, "Job {Job} goes on from its last checkpoint in {Pause}: {Reason}")]
    public static partial void Died(ILogger logger, string job, TimeSpan pause, string reason);

    [LoggerMessage(4007, LogLevel.Error, "Job {Job} is left out, its manifest cannot be read: {Reason}")]
    public static partial void Damaged(ILogger logger, string job, string reason);

    [LoggerMessage(4008, LogLevel.Error, "The jobs' folder cannot be used, and is tried again in {Pause}: {Reason}")]
    public static partial void StorageFailed(ILogger logger, TimeSpan pause, string reason);

    [LoggerMessage(4009, LogLevel.Warning, "Progress of job {Job} could not be written; training goes on.")]
    public static partial void ProgressLost(ILogger logger, string job);

    [LoggerMessage(4011, LogLevel.Information, "Adapter {Name} is now sha256:{Digest}, of job {Job}.")]
    public static partial void Published(ILogger logger, string name, string digest, string job);

    [LoggerMessage(4012, LogLevel.Warning, "The adapter of job {Job} is not published as {Name}: {Reason}")]
    public static partial void NotPublished(ILogger logger, string job, string name, string reason);

    [LoggerMessage(4010, LogLevel.Debug, "{Job} | {Line}")]
    public static partial void Line(ILogger logger, string job, string line);
}
