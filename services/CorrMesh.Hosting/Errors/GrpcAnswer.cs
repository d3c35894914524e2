using System.Globalization;
using Google.Protobuf;
using Microsoft.AspNetCore.Http;
using HttpResponse = Microsoft.AspNetCore.Http.HttpResponse;
using Status = Google.Rpc.Status;
using StatusCodes = Microsoft.AspNetCore.Http.StatusCodes;

namespace CorrMesh.Hosting.Errors;

/// <summary>Answers to gRPC calls that no service makes.</summary>
public static class GrpcAnswer
{
    /// <summary>Answers a gRPC call without a message: a status among the headers, with its details.</summary>
    public static void WriteGrpc(this HttpResponse response, Status status)
    {
        response.StatusCode = StatusCodes.Status200OK;
        response.ContentType = "application/grpc";
        response.Headers.WriteGrpcStatus(status);
    }

    /// <summary>Puts a status, with its details, among headers or trailers, in the place of the one there.</summary>
    public static void WriteGrpcStatus(this IHeaderDictionary headers, Status status)
    {
        headers["grpc-status"] = status.Code.ToString(CultureInfo.InvariantCulture);
        headers["grpc-message"] = Uri.EscapeDataString(status.Message);
        if (status.Details.Count > 0) headers["grpc-status-details-bin"] = Convert.ToBase64String(status.ToByteArray()).TrimEnd('=');
        else headers.Remove("grpc-status-details-bin");
    }
}
