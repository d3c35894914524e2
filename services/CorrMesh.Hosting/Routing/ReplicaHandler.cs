using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Grpc.Core;

namespace CorrMesh.Hosting.Routing;

/// <summary>Sends each HTTP/2 request for a service to one of its replicas: under the gRPC clients as well as under the gateway's proxy.</summary>
/// <remarks>
/// The request's own host is a placeholder. The affinity comes in the header <see cref="CallAffinity.Header"/>. What comes of a call
/// is remembered of its replica: how much waits there (<see cref="QueueHeader"/>), a broken connection, that it does not serve. Nothing is tried
/// again here; whoever tries again finds another replica. (Not a DelegatingHandler: beneath one, a gRPC channel finds the sockets and would
/// connect to the placeholder by itself.)
/// </remarks>
public sealed class ReplicaHandler(ReplicaSet replicas, HttpMessageHandler connections) : HttpMessageHandler
{
    /// <summary>The response header in which a service says how many requests wait for its device.</summary>
    public const string QueueHeader = "corrmesh-queue";

    /// <summary>The address that callers name; the handler puts a replica's in its place.</summary>
    public static Uri PlaceholderOf(string service) => new($"http://{service}.corrmesh");

    private readonly HttpMessageInvoker invoker = new(connections);

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        uint? affinity = request.Headers.TryGetValues(CallAffinity.Header, out var values) ? ImageAffinity.OfKey(values.First()) : null;
        Replica replica = replicas.Pick(affinity);
        request.RequestUri = new Uri(replica.Address, request.RequestUri!.PathAndQuery);
        request.Headers.Host = null;
        replica.Sent();
        try
        {
            HttpResponseMessage response = await invoker.SendAsync(request, cancellationToken).ConfigureAwait(false);
            Learn(replica, response);
            return response;
        }
        catch (HttpRequestException exception)
        {
            replica.Avoid();
            // A connection that was closed in good order before the answer: gRPC would make INTERNAL of it.
            if (exception.InnerException is HttpProtocolException { ErrorCode: 0 }) throw Lost(replica, SocketError.ConnectionReset, exception);
            throw;
        }
        catch (OperationCanceledException exception) when (!cancellationToken.IsCancellationRequested)
        {
            // Sockets report a host that does not answer as cancelled, and callers would take that for their own doing.
            replica.Avoid();
            throw Lost(replica, SocketError.TimedOut, exception);
        }
        finally
        {
            replica.Answered();
        }
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing) invoker.Dispose();
        base.Dispose(disposing);
    }

    private static HttpRequestException Lost(Replica replica, SocketError error, Exception exception) =>
        new(HttpRequestError.ConnectionError, $"{replica.Address}: {exception.Message}", new SocketException((int)error));

    // A call that fails before its first message has its status among the headers.
    private static void Learn(Replica replica, HttpResponseMessage response)
    {
        if (Number(response, QueueHeader) is { } queue) replica.Reported(queue);
        if (response.StatusCode != HttpStatusCode.OK || Number(response, "grpc-status") == (int)StatusCode.Unavailable) replica.Avoid();
    }

    private static int? Number(HttpResponseMessage response, string header) =>
        response.Headers.TryGetValues(header, out var values) && int.TryParse(values.First(), NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : null;
}
