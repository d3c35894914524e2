using Microsoft.Extensions.Logging;

namespace CorrMesh.Hosting;

internal static partial class HostingLog
{
    [LoggerMessage(1001, LogLevel.Information, "The {Service} service listens for gRPC on {GrpcAddress} and for HTTP on {HttpAddress}.")]
    public static partial void Listening(ILogger logger, string service, Uri grpcAddress, Uri httpAddress);

    [LoggerMessage(1002, LogLevel.Information, "The {Service} service drains: its health says NOT_SERVING, and calls in flight have {Limit} to finish.")]
    public static partial void Draining(ILogger logger, string service, TimeSpan limit);

    [LoggerMessage(1003, LogLevel.Information, "The {Service} service has stopped.")]
    public static partial void Stopped(ILogger logger, string service);

    [LoggerMessage(1004, LogLevel.Warning, "The {Service} service still had calls in flight after {Limit}; they were cut off.")]
    public static partial void CutOff(ILogger logger, string service, TimeSpan limit);

    [LoggerMessage(1005, LogLevel.Information, "The {Service} service serves.")]
    public static partial void Serving(ILogger logger, string service);

    [LoggerMessage(1006, LogLevel.Warning, "The {Service} service does not serve: {Reasons}.")]
    public static partial void NotServing(ILogger logger, string service, string reasons);

    [LoggerMessage(1030, LogLevel.Information, "The replica of {Service} at {Address} serves.")]
    public static partial void ReplicaServes(ILogger logger, string service, Uri address);

    [LoggerMessage(1031, LogLevel.Warning, "The replica of {Service} at {Address} does not serve or cannot be reached; calls go to the others.")]
    public static partial void ReplicaGone(ILogger logger, string service, Uri address);

    [LoggerMessage(1007, LogLevel.Information, "The certificate in {File} is in force; it ends on {End:u}.")]
    public static partial void CertificateRead(ILogger logger, string file, DateTime end);

    [LoggerMessage(1008, LogLevel.Warning, "The certificate in {File} has changed and cannot be used; the one before stays in force: {Reason}")]
    public static partial void CertificateUnreadable(ILogger logger, string file, string reason);

    [LoggerMessage(1009, LogLevel.Warning, "The API keys in {File} have changed and cannot be read; those before stay in force: {Reason}")]
    public static partial void KeysUnreadable(ILogger logger, string file, string reason);

    [LoggerMessage(1010, LogLevel.Error, "{Method} failed.")]
    public static partial void CallFailed(ILogger logger, string method, Exception exception);

    [LoggerMessage(1011, LogLevel.Warning, "{Method} was refused by an argument check below the service's own validation.")]
    public static partial void ArgumentRefused(ILogger logger, string method, Exception exception);

    [LoggerMessage(1020, LogLevel.Debug, "Call {Method} again, try {Attempt}, after {Delay}: {Status}.")]
    public static partial void Retrying(ILogger logger, string method, int attempt, TimeSpan delay, string status);
}
