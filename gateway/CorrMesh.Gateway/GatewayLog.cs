using Microsoft.Extensions.Logging;

namespace CorrMesh.Gateway;

internal static partial class GatewayLog
{
    [LoggerMessage(8001, LogLevel.Error, "{Method} {Path} failed.")]
    public static partial void RequestFailed(ILogger logger, string method, string? path, Exception exception);
}
