using System.Net;
using System.Net.Sockets;
using CorrMesh.Hosting.Options;

namespace CorrMesh.Hosting.Supervision;

/// <summary>The ports of a mesh of several processes: the gateway's two, and a block for everything behind it.</summary>
/// <param name="Http">The gateway's HTTP port.</param>
/// <param name="Grpc">The gateway's gRPC port.</param>
/// <param name="Base">Features process r counts its ports from Base + 10 r, matching from Base.</param>
internal sealed record MeshPorts(int Http, int Grpc, int Base)
{
    /// <summary>Between two features processes.</summary>
    public const int Stride = 10;

    private const int RedisShift = 379;   // behind the gRPC ports of 32 processes

    // Below the range that the system takes ports for outgoing connections from.
    private const int FirstBase = 10_000, BaseCount = 400, BaseStride = 50, Tries = 100;

    public int Redis => Base + RedisShift;

    public int BaseOf(int replica) => Base + Stride * replica;

    /// <summary>The configured ports, with free ones where they are 0.</summary>
    /// <exception cref="IOException">A port is taken, or no free block was found.</exception>
    public static MeshPorts Find(ListenOptions listen, int replicas, bool redis)
    {
        using var http = Take(listen.IPAddress, listen.HttpPort);
        using var grpc = Take(listen.IPAddress, listen.GrpcPort);
        int httpPort = ((IPEndPoint)http.LocalEndPoint!).Port, grpcPort = ((IPEndPoint)grpc.LocalEndPoint!).Port;
        if (listen.PortBase != 0)
        {
            var ports = new MeshPorts(httpPort, grpcPort, listen.PortBase);
            foreach (int port in ports.Block(replicas, redis)) Take(IPAddress.Loopback, port).Dispose();
            return ports;
        }

        // Meshes that start at the same time begin their search at different places.
        var random = new Random(Environment.ProcessId);
        for (int i = 0; i < Tries; i++)
        {
            var ports = new MeshPorts(httpPort, grpcPort, FirstBase + BaseStride * random.Next(BaseCount));
            try
            {
                foreach (int port in ports.Block(replicas, redis)) Take(IPAddress.Loopback, port).Dispose();
                return ports;
            }
            catch (IOException)
            {
                // Somebody else's; the next block.
            }
        }

        throw new IOException($"no free block of ports found in {Tries} tries; name one with --port-base");
    }

    /// <summary>Ports of the services behind the gateway, and of Redis.</summary>
    private IEnumerable<int> Block(int replicas, bool redis)
    {
        foreach (var service in MeshTopology.Services.Where(service => service.Name != MeshTopology.Gateway))
        {
            for (int replica = 0; replica < (service.Name == MeshTopology.Features ? replicas : 1); replica++)
            {
                yield return BaseOf(replica) + service.GrpcPort - MeshTopology.DefaultPortBase;
                yield return BaseOf(replica) + service.HttpPort - MeshTopology.DefaultPortBase;
                if (service.AdminPort != 0) yield return BaseOf(replica) + service.AdminPort - MeshTopology.DefaultPortBase;
            }
        }

        if (redis) yield return Redis;
    }

    private static Socket Take(IPAddress address, int port)
    {
        var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.Bind(new IPEndPoint(address, port));
            socket.Listen();
            return socket;
        }
        catch (SocketException exception)
        {
            socket.Dispose();
            throw new IOException($"port {port} of {address}: {exception.Message}", exception);
        }
    }
}
