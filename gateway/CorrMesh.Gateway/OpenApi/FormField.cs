using System.Globalization;
using CorrMesh.Hosting.Options;
using Microsoft.OpenApi;

namespace CorrMesh.Gateway.OpenApi;

/// <summary>One part of a route's multipart form, as the API document shows it.</summary>
internal sealed record FormField(string Name, bool Required, OpenApiSchema Schema)
{
    public static FormField Model => Text("model", "A model's name, as GET /v1/models lists it. Absent: the default.");

    public static FormField Adapter => Text("adapter", "An adapter of the model, by name or name@sha256:... Absent: none.");

    public static FormField Tokens(MeshLimits limits) =>
        Whole("tokens", limits.MinTokens, limits.MaxTokens, "Tokens along the longer side of the image. Absent: the model's default.");

    public static FormField Image(string name, string description, MeshLimits limits) => new(name, true, new OpenApiSchema
    {
        Type = JsonSchemaType.String,
        Format = "binary",
        Description = $"{description}: JPEG, PNG, WebP, GIF or BMP, at most {limits.EncodedBytes} bytes and {limits.ImagePixels} pixels.",
    });

    public static FormField Images(string name, string description, MeshLimits limits) => new(name, true, new OpenApiSchema
    {
        Type = JsonSchemaType.Array,
        Items = Image(name, description, limits).Schema,
        MinItems = 1,
        MaxItems = limits.RenderImages,
    });

    public static FormField File(string name, string description) => new(name, false, new OpenApiSchema { Type = JsonSchemaType.String, Format = "binary", Description = description });

    public static FormField Files(string name, int most, string description) => new(name, false, new OpenApiSchema
    {
        Type = JsonSchemaType.Array,
        Items = new OpenApiSchema { Type = JsonSchemaType.String, Format = "binary" },
        MaxItems = most,
        Description = description,
    });

    public static FormField Number(string name, string description) => new(name, false, new OpenApiSchema { Type = JsonSchemaType.Number, Description = description });

    public static FormField Count(string name, string description) => new(name, false, new OpenApiSchema { Type = JsonSchemaType.Integer, Description = description });

    public static FormField Switch(string name, string description) => new(name, false, new OpenApiSchema { Type = JsonSchemaType.Boolean, Description = description });

    public static FormField Text(string name, string description) =>
        new(name, false, new OpenApiSchema { Type = JsonSchemaType.String, Description = description });

    public static FormField Whole(string name, int min, int max, string description) => new(name, false, new OpenApiSchema
    {
        Type = JsonSchemaType.Integer,
        Minimum = min.ToString(CultureInfo.InvariantCulture),
        Maximum = max.ToString(CultureInfo.InvariantCulture),
        Description = description,
    });
}
