using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Hosting;

namespace CorrMesh.Hosting;

/// <summary>A service of the mesh as a library: all that a host sees of it.</summary>
/// <remarks>
/// Each module gets a container, a gRPC listener and an HTTP/1.1 listener of its own, also when several share a process, so
/// that both ways of running take the same paths. Already registered when <see cref="AddServices"/> runs: gRPC with error
/// mapping and limits, <see cref="Health.ModuleHealth"/>, <see cref="Options.MeshLimits"/>, the mesh's gRPC clients,
/// <see cref="TimeProvider"/>, logging and routing.
/// </remarks>
public interface IMeshModule
{
    /// <summary>The module's row in <see cref="MeshTopology"/>.</summary>
    string Name { get; }

    /// <summary>Registers what the module is made of. Options go through <see cref="Options.MeshOptions.AddMeshOptions"/>.</summary>
    void AddServices(IHostApplicationBuilder builder);

    /// <summary>Adds middleware in front of routing; most modules need none.</summary>
    void Configure(IApplicationBuilder app)
    {
    }

    /// <summary>Maps the module's gRPC services (and routes of its HTTP/1.1 port, if it has any).</summary>
    /// <remarks>Runs after the services that this one needs listen, so their addresses are known.</remarks>
    void MapEndpoints(IEndpointRouteBuilder endpoints);
}
