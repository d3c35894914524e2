using System.Globalization;
using Google.Protobuf;
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
        response.Headers["grpc-status"] = status.Code.ToString(CultureInfo.InvariantCulture);
        response.Headers["grpc-message"] = Uri.EscapeDataString(status.Message);
        if (status.Details.Count > 0) response.Headers["grpc-status-details-bin"] = Convert.ToBase64String(status.ToByteArray()).TrimEnd('=');
    }
}
