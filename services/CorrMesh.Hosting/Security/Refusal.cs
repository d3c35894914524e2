using System.Globalization;
using CorrMesh.Hosting.Errors;
using Google.Protobuf.WellKnownTypes;
using Google.Rpc;
using Microsoft.AspNetCore.Http;
using HttpResponse = Microsoft.AspNetCore.Http.HttpResponse;

namespace CorrMesh.Hosting.Security;

/// <summary>Why a call is turned away before any service sees it, in HTTP's words and in gRPC's.</summary>
/// <param name="Status">The HTTP status.</param>
/// <param name="Code">The gRPC code.</param>
/// <param name="Reason">A word for programs.</param>
/// <param name="Message">For people; never what the caller presented.</param>
/// <param name="RetryAfter">When a retry may help.</param>
public sealed record Refusal(int Status, Code Code, string Reason, string Message, TimeSpan? RetryAfter = null)
{
    public const string RateLimited = "RATE_LIMITED";

    internal static Refusal Unauthenticated(string message) => new(StatusCodes.Status401Unauthorized, Code.Unauthenticated, "UNAUTHENTICATED", message);

    internal static Refusal Forbidden(string message) => new(StatusCodes.Status403Forbidden, Code.PermissionDenied, "PERMISSION_DENIED", message);

    internal static Refusal TooMany(double ratePerSecond, TimeSpan wait) => new(
        StatusCodes.Status429TooManyRequests, Code.ResourceExhausted, RateLimited, $"this API key: at most {ratePerSecond.ToString(CultureInfo.InvariantCulture)} calls a second allowed", wait);

    /// <summary>The headers that go with the HTTP status.</summary>
    public void AddHeaders(HttpResponse response)
    {
        if (Status == StatusCodes.Status401Unauthorized) response.Headers.WWWAuthenticate = "Bearer realm=\"corrmesh\"";
        if (RetryAfter is { } wait) response.Headers.RetryAfter = Math.Max(1, Math.Ceiling(wait.TotalSeconds)).ToString(CultureInfo.InvariantCulture);
    }

    /// <summary>Answers a gRPC call: a status in the headers, with its details, and no message.</summary>
    public void WriteGrpc(HttpResponse response)
    {
        var status = new Google.Rpc.Status { Code = (int)Code, Message = Message };
        status.Details.Add(Any.Pack(new ErrorInfo { Domain = RpcErrors.Domain, Reason = Reason }));
        if (RetryAfter is { } wait) status.Details.Add(Any.Pack(new RetryInfo { RetryDelay = Duration.FromTimeSpan(wait) }));
        response.WriteGrpc(status);
    }
}
