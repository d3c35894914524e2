using CorrMesh.Hosting;
using CorrMesh.Hosting.Security;
using CorrMesh.Protos.Status.V1;
using CorrMesh.Protos.Training.V1;
using Microsoft.AspNetCore.Http;

namespace CorrMesh.Gateway.Security;

/// <summary>Who may call what at the gateway once API keys are in force: the one table of it. What is not in it needs a key.</summary>
internal static class Access
{
    /// <summary>Paths that need no key: what says whether the mesh lives, and pages that hold nothing of anybody's.</summary>
    public static IReadOnlyList<string> OpenPaths { get; } =
    [
        "/",
        "/livez",
        "/readyz",
        "/healthz",
        "/openapi/v1.json",
        "/favicon.svg",
        "/poses",
    ];

    /// <summary>Folders whose contents need no key: the API's page, the files of the mesh's pages, the page of runs, and `grpc.health.v1`.</summary>
    public static IReadOnlyList<string> OpenFolders { get; } =
    [
        "/docs",
        "/assets",
        "/samples",
        "/runs",
        $"/{Grpc.Health.V1.Health.Descriptor.FullName}",
    ];

    /// <summary>Folders that need the role admin: what the gateway tells of its own process, and what changes the mesh. To the latter it passes nothing on: who may know that is told so.</summary>
    public static IReadOnlyList<string> AdminFolders { get; } =
    [
        $"/{StatusService.Descriptor.FullName}",
        .. MeshTopology.Services.SelectMany(service => service.AdminContracts).Select(contract => $"/{contract.FullName}"),
    ];

    /// <summary>Calls of contracts that are for everyone which change what everyone gets, and so need the role admin.</summary>
    public static IReadOnlyList<string> AdminCalls { get; } =
    [
        .. new[] { nameof(TrainingService.TrainingServiceClient.PublishAdapter), nameof(TrainingService.TrainingServiceClient.RollBackAdapter) }
            .Select(method => $"/{TrainingService.Descriptor.FullName}/{TrainingService.Descriptor.FindMethodByName(method).Name}"),
    ];

    // One name of an adapter, which can be set but not read; the list of all is for everyone.
    private const string Adapters = "/v1/adapters";

    /// <returns>The role that a path needs; null: none.</returns>
    public static KeyRole? Of(PathString path)
    {
        if (OpenPaths.Contains(path.Value, StringComparer.OrdinalIgnoreCase) || OpenFolders.Any(folder => path.StartsWithSegments(folder))) return null;
        return AdminFolders.Concat(AdminCalls).Any(folder => path.StartsWithSegments(folder)) || (path.StartsWithSegments(Adapters, out var name) && name.Value is not (null or "" or "/"))
            ? KeyRole.Admin
            : KeyRole.User;
    }
}
