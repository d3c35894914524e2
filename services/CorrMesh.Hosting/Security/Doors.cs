using Google.Rpc;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace CorrMesh.Hosting.Security;

/// <summary>What every module's doors have in common.</summary>
public static class Doors
{
    /// <summary>Whether a request is a gRPC call; gRPC-Web has become one when the middleware for it has run.</summary>
    public static bool IsGrpc(this HttpContext context) =>
        HttpProtocol.IsHttp2(context.Request.Protocol) && context.Request.ContentType?.StartsWith("application/grpc", StringComparison.OrdinalIgnoreCase) == true;

    /// <summary>Whether a request is a gRPC-Web call that no middleware has turned into a gRPC call.</summary>
    public static bool IsGrpcWeb(this HttpContext context) => context.Request.ContentType?.StartsWith("application/grpc-web", StringComparison.OrdinalIgnoreCase) == true;

    internal static IServiceCollection AddDoors(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddSingleton<MeshCertificate>();
        services.AddSingleton<MeshTrust>();
        services.AddSingleton(provider => ActivatorUtilities.CreateInstance<ApiKeys>(provider, configuration));
        return services;
    }

    /// <summary>Keeps the admin contracts to their listener and everything else from it, and lets only admins in when keys are in force.</summary>
    internal static void UseAdminListener(this IApplicationBuilder app, MeshService service)
    {
        if (service.AdminContracts.Count == 0) return;
        var keys = app.ApplicationServices.GetRequiredService<ApiKeys>();
        app.Use((context, next) =>
        {
            bool byAdminListener = context.ListenerOf() == Listener.Admin;
            bool ofAdmin = service.AdminContracts.Any(contract => context.Request.Path.StartsWithSegments($"/{contract.FullName}"));
            if (!byAdminListener && !ofAdmin) return next(context);
            var refusal = byAdminListener ? keys.Check(context, KeyRole.Admin) : null;
            if (refusal is null && byAdminListener && ofAdmin) return next(context);
            refusal ??= new Refusal(StatusCodes.Status404NotFound, Code.Unimplemented, "UNIMPLEMENTED", $"{context.Request.Path}: not served by this listener");
            refusal.WriteGrpc(context.Response);
            return Task.CompletedTask;
        });
    }
}
