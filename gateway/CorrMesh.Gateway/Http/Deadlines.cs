namespace CorrMesh.Gateway.Http;

internal static class Deadlines
{
    /// <summary>When the services must have answered an HTTP request that comes in now.</summary>
    public static DateTime Deadline(this GatewayOptions options, TimeProvider time) => (time.GetUtcNow() + options.RequestTimeout).UtcDateTime;

    /// <summary>When an object must have been made, or sent whole.</summary>
    public static DateTime ObjectDeadline(this GatewayOptions options, TimeProvider time) => (time.GetUtcNow() + options.ObjectTimeout).UtcDateTime;
}
