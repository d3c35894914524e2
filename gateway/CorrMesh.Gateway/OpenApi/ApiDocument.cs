using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.OpenApi;
using Scalar.AspNetCore;

namespace CorrMesh.Gateway.OpenApi;

/// <summary>`/openapi/v1.json` and the page that shows it at `/docs`.</summary>
internal static class ApiDocument
{
    private const string DocumentPath = "/openapi/v1.json";

    // The page and all it uses come from this server; with this header a browser could not fetch them elsewhere either.
    private const string OnlyFromHere = "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; base-uri 'self'; frame-ancestors 'none'";

    public static void AddApiDocument(this IServiceCollection services) => services.AddOpenApi("v1", options =>
        options.AddDocumentTransformer((document, _, _) =>
        {
            document.Info.Title = "CorrMesh";
            document.Info.Version = "v1";
            document.Info.Description = "3D-consistent visual features and correspondence. Errors are RFC 9457 problem details.";
            // What is null is left out of an answer, so it is not required, wherever a record has it.
            foreach (var schema in document.Components?.Schemas?.Values ?? [])
                foreach (var (name, property) in schema.Properties ?? new Dictionary<string, IOpenApiSchema>())
                    if (IsNullable(property) || (property.OneOf ?? []).Any(IsNullable)) schema.Required?.Remove(name);
            return Task.CompletedTask;

            static bool IsNullable(IOpenApiSchema schema) => schema.Type is { } type && type.HasFlag(JsonSchemaType.Null);
        }));

    public static void MapApiDocument(this IEndpointRouteBuilder endpoints)
    {
        endpoints.MapOpenApi("/openapi/{documentName}.json");
        endpoints.MapScalarApiReference("/docs", options => options
                .WithTitle("CorrMesh API")
                .WithOpenApiRoutePattern(DocumentPath)
                .DisableDefaultFonts()
                .DisableTelemetry()
                .DisableAgent()
                .DisableMcp()
                .HideDeveloperTools())
            .AddEndpointFilter(async (context, next) =>
            {
                context.HttpContext.Response.Headers.ContentSecurityPolicy = OnlyFromHere;
                return await next(context).ConfigureAwait(false);
            });
    }
}
