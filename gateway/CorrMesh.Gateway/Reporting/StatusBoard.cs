using CorrMesh.Hosting.Reporting;
using CorrMesh.Protos.Status.V1;
using Grpc.Core;

namespace CorrMesh.Gateway.Reporting;

/// <summary>The status of every process of the mesh, the gateway first.</summary>
/// <remarks>However many ask, the services are asked at most once in <see cref="Freshness"/>.</remarks>
internal sealed class StatusBoard(StatusTargets targets, ModuleStatus gateway, GatewayOptions options, TimeProvider time)
{
    public static readonly TimeSpan Freshness = TimeSpan.FromMilliseconds(500);

    private readonly Lock gate = new();
    private Task<IReadOnlyList<StatusEntry>>? latest;
    private long asked;

    public Task<IReadOnlyList<StatusEntry>> ReadAsync(CancellationToken cancellationToken)
    {
        lock (gate)
        {
            if (latest is null || time.GetElapsedTime(asked) >= Freshness)
            {
                asked = time.GetTimestamp();
                // Shared by all who ask meanwhile, so no caller's leaving may end it.
                latest = AskAllAsync();
            }

            return latest.WaitAsync(cancellationToken);
        }
    }

    private async Task<IReadOnlyList<StatusEntry>> AskAllAsync()
    {
        var services = await Task.WhenAll(targets.List().Select(AskAsync)).ConfigureAwait(false);
        var own = gateway.Read();
        return [new StatusEntry(own.Service, null, own, null), .. services];
    }

    private async Task<StatusEntry> AskAsync(StatusTarget target)
    {
        string address = target.Address.Authority;
        try
        {
            var status = await new StatusService.StatusServiceClient(target.Invoker).GetStatusAsync(
                new GetStatusRequest(), deadline: (time.GetUtcNow() + options.HealthTimeout).UtcDateTime).ConfigureAwait(false);
            return new StatusEntry(target.Service, address, status, null);
        }
        catch (RpcException exception)
        {
            return new StatusEntry(target.Service, address, null, exception.StatusCode switch
            {
                StatusCode.DeadlineExceeded => $"no answer within {options.HealthTimeout.TotalSeconds:0.###} s",
                StatusCode.Unavailable => "cannot be reached",
                var code => $"answers with {code}",
            });
        }
    }
}

/// <summary>What one process said, or why it said nothing.</summary>
/// <param name="Address">Host and port of its gRPC listener; null for the gateway itself.</param>
internal sealed record StatusEntry(string Service, string? Address, GetStatusResponse? Status, string? Fault);
