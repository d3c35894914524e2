using System.ComponentModel.DataAnnotations;
using System.Net;

namespace CorrMesh.Hosting.Options;

/// <summary>Where the modules of this process listen; section `CorrMesh:Listen`.</summary>
public sealed class ListenOptions : IValidatableObject
{
    public const string Section = "CorrMesh:Listen";

    /// <summary>
    /// An IP address of this machine, 0.0.0.0 or :: for all of them, or localhost. Beyond loopback the gateway needs TLS and API keys,
    /// other services TLS and an authority (<see cref="TlsOptions"/>). In a process with the gateway only the gateway listens there.
    /// </summary>
    public string Address { get; init; } = "127.0.0.1";

    /// <summary>Listen beyond loopback without encryption or keys: on a network that is trusted, or behind something that does both.</summary>
    public bool Insecure { get; init; }

    /// <summary>
    /// What the services' ports are counted from: features listens on PortBase + 1 (gRPC) and PortBase + 1001 (operations).
    /// Two meshes on one machine need two bases; 0 takes any free ports, which only a mesh in one process can find.
    /// </summary>
    [Range(0, 64_000)]
    public int PortBase { get; init; } = MeshTopology.DefaultPortBase;

    /// <summary>The gateway's HTTP/1.1 port; 0 takes any free one.</summary>
    [Range(0, 65_535)]
    public int HttpPort { get; init; } = MeshTopology.Get(MeshTopology.Gateway).HttpPort;

    /// <summary>The gateway's gRPC port; 0 takes any free one.</summary>
    [Range(0, 65_535)]
    public int GrpcPort { get; init; } = MeshTopology.Get(MeshTopology.Gateway).GrpcPort;

    /// <summary>Whether the gateway is one of the services of this process; found out, not configured.</summary>
    internal bool BesideGateway { get; set; }

    /// <summary>The address as configured; loopback when it is none.</summary>
    public IPAddress IPAddress => TryAddress(out var address) ? address : IPAddress.Loopback;

    internal bool TryAddress(out IPAddress address)
    {
        bool valid = IPAddress.TryParse(Address == "localhost" ? "127.0.0.1" : Address, out var parsed);
        address = parsed ?? IPAddress.Loopback;
        return valid;
    }

    /// <summary>Where a service listens. Services beside the gateway are called by it and each other alone.</summary>
    internal IPAddress AddressOf(MeshService service) => BesideGateway && service.Name != MeshTopology.Gateway && !IPAddress.IsLoopback(IPAddress) ? IPAddress.Loopback : IPAddress;

    /// <summary>An address at which this machine reaches a service that listens as configured here: a wildcard is none.</summary>
    internal IPAddress ReachableAddressOf(MeshService service) => AddressOf(service) switch
    {
        var any when any.Equals(IPAddress.Any) => IPAddress.Loopback,
        var any when any.Equals(IPAddress.IPv6Any) => IPAddress.IPv6Loopback,
        var address => address,
    };

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (!TryAddress(out _)) yield return new("an IP address or localhost needed", [nameof(Address)]);
        if (PortBase is > 0 and < 1024) yield return new("0, or at least 1024 allowed", [nameof(PortBase)]);
        int[] ports = [.. MeshTopology.Services.SelectMany(service => new[] { GrpcPortOf(service), HttpPortOf(service), AdminPortOf(service) }).Where(port => port != 0)];
        foreach (int port in ports.GroupBy(port => port).Where(group => group.Count() > 1).Select(group => group.Key))
            yield return new($"two listeners would share port {port}", [port == HttpPort ? nameof(HttpPort) : nameof(GrpcPort)]);
    }

    internal int GrpcPortOf(MeshService service) => service.Name == MeshTopology.Gateway ? GrpcPort : Shift(service.GrpcPort);

    internal int HttpPortOf(MeshService service) => service.Name == MeshTopology.Gateway ? HttpPort : Shift(service.HttpPort);

    /// <summary>0 also for services without an admin listener.</summary>
    internal int AdminPortOf(MeshService service) => service.AdminPort == 0 ? 0 : Shift(service.AdminPort);

    private int Shift(int port) => PortBase == 0 ? 0 : PortBase + port - MeshTopology.DefaultPortBase;
}
