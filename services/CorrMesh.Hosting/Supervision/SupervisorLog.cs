using Microsoft.Extensions.Logging;

namespace CorrMesh.Hosting.Supervision;

internal static partial class SupervisorLog
{
    [LoggerMessage(1101, LogLevel.Information, "{Name} pid {Pid} {Where}")]
    public static partial void Started(ILogger logger, string name, int pid, string where);

    [LoggerMessage(1102, LogLevel.Information, "{Name} (pid {Pid}) is ready after {Age}.")]
    public static partial void Ready(ILogger logger, string name, int pid, TimeSpan age);

    [LoggerMessage(1103, LogLevel.Warning, "{Name} (pid {Pid}) ended with exit code {Code} after {Age}; it is started again in {Delay}.")]
    public static partial void Ended(ILogger logger, string name, int pid, int code, TimeSpan age, TimeSpan delay);

    [LoggerMessage(1104, LogLevel.Error, "{Name} (pid {Pid}) ended with exit code {Code} before it was ready; the mesh stops.")]
    public static partial void Refused(ILogger logger, string name, int pid, int code);

    [LoggerMessage(1105, LogLevel.Warning, "{Name} (pid {Pid}) has not stopped within {Limit}; it is killed.")]
    public static partial void Killed(ILogger logger, string name, int pid, TimeSpan limit);

    [LoggerMessage(1106, LogLevel.Information, "Rolling restart: {Name} is replaced.")]
    public static partial void Replacing(ILogger logger, string name);

    [LoggerMessage(1107, LogLevel.Information, "Rolling restart: done.")]
    public static partial void Replaced(ILogger logger);

    [LoggerMessage(1108, LogLevel.Error, "Rolling restart: the replacement of {Name} did not become ready; the process before it goes on, and the restart ends here.")]
    public static partial void ReplacementFailed(ILogger logger, string name);

    [LoggerMessage(1109, LogLevel.Error, "{Name} could not be started: {Reason}")]
    public static partial void CannotStart(ILogger logger, string name, string reason);
}
