using CorrMesh.Gateway.Http;
using CorrMesh.Hosting.Options;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.OpenApi;

namespace CorrMesh.Gateway.OpenApi;

/// <summary>Says in the API document what a route's handler reads and writes by itself.</summary>
internal static class RouteDescriptions
{
    public static RouteHandlerBuilder Describe(this RouteHandlerBuilder route, string tag, string name, string summary, string? description = null)
    {
        route.WithTags(tag).WithName(name).WithSummary(summary);
        return description is null ? route : route.WithDescription(description);
    }

    public static RouteHandlerBuilder ProducesProblems(this RouteHandlerBuilder route, params int[] statuses)
    {
        foreach (int status in statuses) route.Produces<Problem>(status, "application/problem+json");
        return route;
    }

    /// <param name="route">A route that reads multipart/form-data.</param>
    /// <param name="describe">Its fields, with the bounds that this server enforces.</param>
    public static RouteHandlerBuilder TakesForm(this RouteHandlerBuilder route, Func<MeshLimits, FormField[]> describe) =>
        route.AddOpenApiOperationTransformer((operation, context, _) =>
        {
            var fields = describe(context.ApplicationServices.GetRequiredService<MeshLimits>());
            var schema = new OpenApiSchema
            {
                Type = JsonSchemaType.Object,
                Properties = fields.ToDictionary(field => field.Name, field => (IOpenApiSchema)field.Schema),
                Required = fields.Where(field => field.Required).Select(field => field.Name).ToHashSet(),
                AdditionalPropertiesAllowed = false,
            };
            operation.RequestBody = new OpenApiRequestBody
            {
                Required = true,
                Content = new Dictionary<string, OpenApiMediaType> { ["multipart/form-data"] = new() { Schema = schema } },
            };
            return Task.CompletedTask;
        });

    /// <summary>A route that reads JSON by itself. ASP.NET's own way of saying so answers other types before the route can, without a word of what is needed.</summary>
    public static RouteHandlerBuilder TakesJson<T>(this RouteHandlerBuilder route) =>
        route.AddOpenApiOperationTransformer(async (operation, context, cancellation) => operation.RequestBody = new OpenApiRequestBody
        {
            Required = true,
            Content = new Dictionary<string, OpenApiMediaType> { ["application/json"] = new() { Schema = await context.GetOrCreateSchemaAsync(typeof(T), cancellationToken: cancellation).ConfigureAwait(false) } },
        });

    /// <summary>Adds formats without a schema of their own to the route's 200.</summary>
    public static RouteHandlerBuilder ProducesBinary(this RouteHandlerBuilder route, params string[] formats) =>
        route.AddOpenApiOperationTransformer((operation, _, _) =>
        {
            if (operation.Responses?["200"] is OpenApiResponse { Content: { } content })
                foreach (string format in formats)
                    content[format] = new OpenApiMediaType { Schema = new OpenApiSchema { Type = JsonSchemaType.String, Format = "binary" } };
            return Task.CompletedTask;
        });
}
