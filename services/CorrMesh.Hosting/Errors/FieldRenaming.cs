using Google.Protobuf.WellKnownTypes;
using Google.Rpc;
using Grpc.Core;

namespace CorrMesh.Hosting.Errors;

/// <summary>Errors of a service that another one calls for its own caller: they name the fields of the caller's request.</summary>
public static class FieldRenaming
{
    /// <summary>Waits for a call's answer.</summary>
    /// <param name="call">Ended with it.</param>
    /// <param name="names">Fields of the called service, and those of the caller's request that they stand for; the first that fits counts.</param>
    /// <exception cref="RpcException">As the service gave it, with the fields renamed.</exception>
    public static async Task<T> RenamedAsync<T>(this AsyncUnaryCall<T> call, params (string Theirs, string Ours)[] names)
    {
        ArgumentNullException.ThrowIfNull(call);
        using (call)
        {
            try
            {
                return await call.ResponseAsync.ConfigureAwait(false);
            }
            catch (RpcException exception) when (exception.GetRpcStatus() is { } status)
            {
                throw Rename(status, names).ToRpcException();
            }
        }
    }

    private static Google.Rpc.Status Rename(Google.Rpc.Status status, (string Theirs, string Ours)[] names)
    {
        var renamed = new Google.Rpc.Status { Code = status.Code, Message = Renamed(status.Message, names) };
        foreach (Any detail in status.Details)
        {
            if (detail.TryUnpack(out BadRequest badRequest))
            {
                foreach (BadRequest.Types.FieldViolation violation in badRequest.FieldViolations) violation.Field = Renamed(violation.Field, names);
                renamed.Details.Add(Any.Pack(badRequest));
            }
            else if (detail.TryUnpack(out ErrorInfo info))
            {
                if (info.Metadata.TryGetValue("field", out string? field)) info.Metadata["field"] = Renamed(field, names);
                renamed.Details.Add(Any.Pack(info));
            }
            else
            {
                renamed.Details.Add(detail);
            }
        }

        return renamed;
    }

    // Of a path or a message, which begins with one.
    private static string Renamed(string text, (string Theirs, string Ours)[] names)
    {
        foreach ((string theirs, string ours) in names)
        {
            if (text.StartsWith(theirs, StringComparison.Ordinal) && (text.Length == theirs.Length || text[theirs.Length] is '.' or ':' or '['))
                return ours + text[theirs.Length..];
        }

        return text;
    }
}
