using CorrMesh.Gateway.Health;
using CorrMesh.Gateway.OpenApi;
using CorrMesh.Hosting.Health;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.WebUtilities;
using static Grpc.Health.V1.HealthCheckResponse.Types;

namespace CorrMesh.Gateway.Http;

/// <summary>`GET /healthz`: 200 when every service serves.</summary>
internal static class HealthRoutes
{
    public static void MapHealthz(this IEndpointRouteBuilder endpoints) =>
        endpoints.MapGet("/healthz", CheckAsync)
            .Describe("Operations", "GetHealth", "Whether every service serves; if not, which one does not.")
            .Produces<HealthReply>()
            .ProducesProblems(503);

    private static async Task<IResult> CheckAsync(HttpContext context, MeshHealthProbe probe, ModuleHealth gateway)
    {
        var services = await probe.CheckAllAsync(context.RequestAborted).ConfigureAwait(false);
        ProblemField[] faults =
        [
            .. gateway.Reasons.Select(reason => new ProblemField(gateway.Service.Name, $"{reason.Key}: {reason.Value}")),
            .. services.Where(service => service.Status != ServingStatus.Serving).Select(service => new ProblemField(service.Service, Word(service.Status))),
        ];
        if (faults.Length == 0) return Results.Ok(new HealthReply(Word(ServingStatus.Serving), services.ToDictionary(service => service.Service, service => Word(service.Status))));
        context.Response.Headers.RetryAfter = "1";
        return ProblemMiddleware.ProblemResult(new Problem(
            "about:blank", ReasonPhrases.GetReasonPhrase(StatusCodes.Status503ServiceUnavailable), StatusCodes.Status503ServiceUnavailable,
            string.Join("; ", faults.Select(fault => $"{fault.Field}: {fault.Message}")), faults));
    }

    private static string Word(ServingStatus status) => status == ServingStatus.Serving ? "serving" : "not serving";
}
