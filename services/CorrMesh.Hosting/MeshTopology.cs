using CorrMesh.Protos.Admin.V1;
using CorrMesh.Protos.Features.V1;
using CorrMesh.Protos.Matching.V1;
using CorrMesh.Protos.Pose.V1;
using CorrMesh.Protos.Training.V1;
using Google.Protobuf.Reflection;

namespace CorrMesh.Hosting;

/// <summary>One row of the mesh's table: a module that can be a target of its own.</summary>
/// <param name="Name">The service's one word: its target, its configuration section, its tag in metrics.</param>
/// <param name="GrpcPort">Default port of gRPC over cleartext HTTP/2.</param>
/// <param name="HttpPort">Default HTTP/1.1 port: operations (`/livez`, `/readyz`, `/metrics`), and for the gateway its API too.</param>
/// <param name="Contracts">The gRPC services it implements itself.</param>
/// <param name="Needs">Names of the services that it calls.</param>
public sealed record MeshService(string Name, int GrpcPort, int HttpPort, IReadOnlyList<ServiceDescriptor> Contracts, IReadOnlyList<string> Needs)
{
    /// <summary>The gRPC services for operators: on a listener of their own, always loopback, never offered by the gateway.</summary>
    public IReadOnlyList<ServiceDescriptor> AdminContracts { get; init; } = [];

    /// <summary>Default port of <see cref="AdminContracts"/>; 0 without any.</summary>
    public int AdminPort { get; init; }
}

/// <summary>The mesh's table: which services there are, where they listen and what they need.</summary>
public static class MeshTopology
{
    public const string Features = "features";
    public const string Matching = "matching";
    public const string Pose = "pose";
    public const string Training = "training";
    public const string Gateway = "gateway";

    /// <summary>Where the services' ports start unless `CorrMesh:Listen:PortBase` says otherwise.</summary>
    public const int DefaultPortBase = 5100;

    /// <summary>Every service, in starting order: what a service needs stands above it.</summary>
    public static IReadOnlyList<MeshService> Services { get; } =
    [
        new(Features, 5101, 6101, [FeatureService.Descriptor], []) { AdminContracts = [AdminService.Descriptor], AdminPort = 7101 },
        new(Matching, 5102, 6102, [MatchingService.Descriptor], [Features]),
        new(Training, 5103, 6103, [TrainingService.Descriptor], [Features]),
        new(Pose, 5104, 6104, [PoseService.Descriptor], [Features, Matching]),
        new(Gateway, 8081, 8080, [], [Features, Matching, Training, Pose]),
    ];

    /// <summary>The contracts of the whole mesh, as the gateway offers them at one address.</summary>
    public static IEnumerable<ServiceDescriptor> Contracts => Services.SelectMany(service => service.Contracts);

    /// <exception cref="ArgumentException">The table has no such service.</exception>
    public static MeshService Get(string name) => Services.FirstOrDefault(service => service.Name == name)
        ?? throw new ArgumentException($"{name}: no such service; there are {string.Join(", ", Services.Select(service => service.Name))}", nameof(name));
}
