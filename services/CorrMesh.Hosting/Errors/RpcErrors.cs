using Google.Protobuf.WellKnownTypes;
using Google.Rpc;
using Grpc.Core;

namespace CorrMesh.Hosting.Errors;

/// <summary>Reads the details of an error that another service of the mesh answered with.</summary>
public static class RpcErrors
{
    /// <summary>The domain of every ErrorInfo that the mesh sends.</summary>
    public const string Domain = "corrmesh";

    /// <summary>An error of a service's own kind.</summary>
    /// <param name="code">Its code.</param>
    /// <param name="reason">For programs: `OBJECT_EXISTS`.</param>
    /// <param name="message">For people.</param>
    public static RpcException Of(StatusCode code, string reason, string message) => Of(code, reason, "", message);

    /// <summary>The same, blaming a field.</summary>
    /// <param name="code">Its code.</param>
    /// <param name="reason">For programs.</param>
    /// <param name="field">The field's path; the message begins with it.</param>
    /// <param name="message">For people.</param>
    public static RpcException Of(StatusCode code, string reason, string field, string message)
    {
        var status = new Google.Rpc.Status { Code = (int)code, Message = message };
        var info = new ErrorInfo { Domain = Domain, Reason = reason };
        if (field.Length > 0) info.Metadata["field"] = field;
        status.Details.Add(Any.Pack(info));
        return status.ToRpcException();
    }

    /// <summary>Whether a key's map or set is gone, so that sending the contents once more will do.</summary>
    public static bool IsFeaturesExpired(this RpcException exception) => exception.ErrorReason() == FeaturesExpiredException.Reason;

    /// <summary>The reason in the error's ErrorInfo; null without one.</summary>
    public static string? ErrorReason(this RpcException exception) => exception.GetRpcStatus()?.GetDetail<ErrorInfo>()?.Reason;

    /// <summary>The fields that the error blames, in order; none if it blames none.</summary>
    public static IReadOnlyList<FieldViolation> FieldViolations(this RpcException exception)
    {
        var details = exception.GetRpcStatus();
        if (details?.GetDetail<BadRequest>() is { } badRequest)
            return [.. badRequest.FieldViolations.Select(violation => new FieldViolation(violation.Field, violation.Description))];
        return details?.GetDetail<ErrorInfo>() is { } info && info.Metadata.TryGetValue("field", out var field)
            ? [new FieldViolation(field, Without(field, exception.Status.Detail))]
            : [];
    }

    // The whole message begins with the field; beside the field's own name that would say it twice.
    private static string Without(string field, string message) =>
        message.StartsWith(field + ": ", StringComparison.Ordinal) ? message[(field.Length + 2)..] : message;

    /// <summary>How long the error asks to wait before another try; null when it does not say.</summary>
    public static TimeSpan? RetryDelay(this RpcException exception) => exception.GetRpcStatus()?.GetDetail<RetryInfo>()?.RetryDelay?.ToTimeSpan();
}
