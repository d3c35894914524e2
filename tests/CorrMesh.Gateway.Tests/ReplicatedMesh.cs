using System.Globalization;
using System.Security.Cryptography;
using CorrMesh.Hosting;
using CorrMesh.Hosting.Errors;
using CorrMesh.Hosting.Routing;
using CorrMesh.Protos.Common.V1;
using CorrMesh.Protos.Features.V1;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace CorrMesh.Gateway.Tests;

/// <summary>A gateway, and features services that say which of them answers: each a mesh of its own, as separate processes would be.</summary>
internal sealed class ReplicatedMesh : IAsyncDisposable
{
    private readonly Mesh[] replicas;
    private readonly int[] ports;

    private ReplicatedMesh(int count)
    {
        replicas = new Mesh[count];
        ports = new int[count];
        Refuse = new Func<Exception?>?[count];
    }

    public FakeMesh Gateway { get; private set; } = null!;

    /// <summary>Through the gateway.</summary>
    public FeatureService.FeatureServiceClient Client => new(Gateway.Grpc);

    /// <summary>The client that modules of the mesh use.</summary>
    public FeatureService.FeatureServiceClient Inside => Gateway.ServiceOf<FeatureService.FeatureServiceClient>(MeshTopology.Gateway);

    /// <summary>The last stream that a replica was asked for, as that one sees it.</summary>
    public ServerCallContext? LastStream { get; private set; }

    /// <summary>By replica: what to fail the next call with; null answers it.</summary>
    public Func<Exception?>?[] Refuse { get; }

    public static async Task<ReplicatedMesh> StartAsync(int count)
    {
        var mesh = new ReplicatedMesh(count);
        for (int i = 0; i < count; i++) await mesh.ReviveAsync(i);
        mesh.Gateway = await FakeMesh.StartAsync(settings:
        [
            ("CorrMesh:Services:features", string.Join(',', mesh.replicas.Select(replica => replica.Endpoints[0].Grpc.GetLeftPart(UriPartial.Authority)))),
            ("CorrMesh:Retry:Retries", "3"), ("CorrMesh:Retry:Budget", "1000"),
        ]);
        return mesh;
    }

    /// <summary>Ends a replica without letting it finish what it has.</summary>
    public async Task KillAsync(int replica)
    {
        await replicas[replica].StopAsync(new CancellationToken(canceled: true));
        await replicas[replica].DisposeAsync();
    }

    public async Task ReviveAsync(int replica)
    {
        if (ports[replica] == 0) ports[replica] = FreePortBase();
        replicas[replica] = await Mesh.StartAsync(
            new ConfigurationBuilder().AddInMemoryCollection([new("CorrMesh:Listen:PortBase", ports[replica].ToString(CultureInfo.InvariantCulture))]).Build(),
            [
                new FakeFeatures
                {
                    OnExtract = (request, context) =>
                    {
                        if (Refuse[replica]?.Invoke() is not { } failure) return Task.FromResult(Answer(replica, request));
                        // As a service whose queue is full reports it.
                        if (failure is QueueFullException) context.GetHttpContext().Response.Headers[ReplicaHandler.QueueHeader] = "64";
                        throw failure;
                    },
                    OnStream = context =>
                    {
                        LastStream = context;
                        return Refuse[replica]?.Invoke() is { } failure ? throw failure : Task.CompletedTask;
                    },
                },
            ],
            cancellationToken: TestContext.Current.CancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        await Gateway.DisposeAsync();
        foreach (Mesh replica in replicas) await replica.DisposeAsync();
    }

    // A replica that comes back does so at the port that its callers know; below the range that clients' ports come from.
    private static int FreePortBase()
    {
        for (int i = 0; i < 1000; i++)
        {
            int port = Random.Shared.Next(10_000, 31_000);
            if (IsFree(port + 1) && IsFree(port + 1001)) return port;
        }

        throw new InvalidOperationException("no free ports");
    }

    private static bool IsFree(int port)
    {
        using var listener = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, port);
        try
        {
            listener.Start();
            return true;
        }
        catch (System.Net.Sockets.SocketException)
        {
            return false;
        }
    }

    private static ExtractFeaturesResponse Answer(int replica, ExtractFeaturesRequest request)
    {
        FeatureMapReference reference = Sample.Reference(replica.ToString(CultureInfo.InvariantCulture));
        reference.Identity = new ModelIdentity { Model = Convert.ToHexString(SHA256.HashData((request.Source?.Image?.Encoded ?? ByteString.Empty).Span)) };
        return new ExtractFeaturesResponse { Reference = reference, Timings = new Timings() };
    }
}
