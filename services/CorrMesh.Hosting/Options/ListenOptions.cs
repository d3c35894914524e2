using System.ComponentModel.DataAnnotations;
using System.Net;

namespace CorrMesh.Hosting.Options;

/// <summary>Where the modules of this process listen; section `CorrMesh:Listen`.</summary>
public sealed class ListenOptions : IValidatableObject
{
    public const string Section = "CorrMesh:Listen";

    /// <summary>The address of every listener; beyond loopback only with <see cref="Insecure"/>.</summary>
    public string Address { get; init; } = "127.0.0.1";

    /// <summary>Whether to listen beyond loopback although nothing is encrypted.</summary>
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

    internal IPAddress IPAddress => Address == "localhost" ? IPAddress.Loopback : IPAddress.Parse(Address);

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (Address != "localhost" && !IPAddress.TryParse(Address, out _) && Insecure)
            yield return new("an IP address or localhost needed", [nameof(Address)]);
        if (Address != "localhost" && !(IPAddress.TryParse(Address, out var address) && IPAddress.IsLoopback(address)) && !Insecure)
            yield return new("only loopback (127.0.0.1, ::1 or localhost) is allowed without Insecure, for nothing here is encrypted or authenticated", [nameof(Address)]);
        if (PortBase is > 0 and < 1024) yield return new("0, or at least 1024 allowed", [nameof(PortBase)]);
        int[] ports = [.. MeshTopology.Services.SelectMany(service => new[] { GrpcPortOf(service), HttpPortOf(service) }).Where(port => port != 0)];
        foreach (int port in ports.GroupBy(port => port).Where(group => group.Count() > 1).Select(group => group.Key))
            yield return new($"two listeners would share port {port}", [port == HttpPort ? nameof(HttpPort) : nameof(GrpcPort)]);
    }

    internal int GrpcPortOf(MeshService service) => service.Name == MeshTopology.Gateway ? GrpcPort : Shift(service.GrpcPort);

    internal int HttpPortOf(MeshService service) => service.Name == MeshTopology.Gateway ? HttpPort : Shift(service.HttpPort);

    private int Shift(int port) => PortBase == 0 ? 0 : PortBase + port - MeshTopology.DefaultPortBase;
}
