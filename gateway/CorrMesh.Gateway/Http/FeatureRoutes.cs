using System.Globalization;
using System.Runtime.InteropServices;
using CorrMesh.Gateway.OpenApi;
using CorrMesh.Hosting.Options;
using CorrMesh.Protos.Common.V1;
using CorrMesh.Protos.Features.V1;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace CorrMesh.Gateway.Http;

/// <summary>`GET /v1/models` and `POST /v1/features`.</summary>
internal static class FeatureRoutes
{
    private const int ChunkValues = 16 << 10;

    public static void MapModels(this IEndpointRouteBuilder endpoints) =>
        endpoints.MapGet("/v1/models", async (HttpContext context, FeatureService.FeatureServiceClient features, GatewayOptions options, TimeProvider time) =>
                ModelsReply.From(await features.ListModelsAsync(new ListModelsRequest(), deadline: options.Deadline(time), cancellationToken: context.RequestAborted)))
            .Describe("Features", "ListModels", "Models, their adapters and token sizes, and the default.")
            .Produces<ModelsReply>()
            .ProducesProblems(503, 504, 500);

    public static void MapFeatures(this IEndpointRouteBuilder endpoints) =>
        endpoints.MapPost("/v1/features", ExtractAsync)
            .WithMetadata(new FormNames("image"))
            .Describe(
                "Features",
                "ExtractFeatures",
                "Dense features of an image.",
                "Accept: application/json (the default) gives the map's key, geometry and origin; application/x-npy and application/octet-stream give its raw "
                + "values, float32 little-endian in C order [rows, columns, channels], with the shape in the header Features-Shape and the key in Features-Key.")
            .TakesForm(limits => [FormField.Image("image", "The picture", limits), FormField.Model, FormField.Adapter, FormField.Tokens(limits)])
            .Produces<FeaturesReply>()
            .ProducesBinary(Accepts.Npy, Accepts.Octets)
            .ProducesProblems(400, 404, 406, 413, 415, 429, 503, 504, 500);

    private static async Task<IResult> ExtractAsync(
        HttpRequest request, FeatureService.FeatureServiceClient features, MeshLimits limits, GatewayOptions options, TimeProvider time)
    {
        string format = Accepts.Choose(request, Accepts.Json, Accepts.Npy, Accepts.Octets);
        var form = await MultipartForm.ReadAsync(request, ["image"], FormValues.SpecFields, limits).ConfigureAwait(false);
        var call = new ExtractFeaturesRequest
        {
            Source = FormValues.Source(form, "image"),
            Spec = FormValues.Spec(form, limits),
            // Maps are kept, and rounded, in float16, so half the bytes travel here and nothing is lost.
            ReturnValues = format == Accepts.Json ? DataType.Unspecified : DataType.F16,
        };
        var response = await features.ExtractFeaturesAsync(call, deadline: options.Deadline(time), cancellationToken: request.HttpContext.RequestAborted).ConfigureAwait(false);
        return format == Accepts.Json ? Results.Ok(FeaturesReply.From(response)) : new ValuesResult(response, format);
    }

    /// <summary>A map's values as float32, after an npy header if one is wanted.</summary>
    private sealed class ValuesResult(ExtractFeaturesResponse response, string format) : IResult
    {
        public async Task ExecuteAsync(HttpContext httpContext)
        {
            var values = response.Values;
            byte[] header = format == Accepts.Npy ? Npy.Float32Header(values.Shape) : [];
            long count = values.Shape.Aggregate(1L, (product, size) => product * size);
            var reply = httpContext.Response;
            reply.ContentType = format;
            reply.ContentLength = header.Length + count * sizeof(float);
            reply.Headers["Features-Shape"] = string.Join(',', values.Shape.Select(size => size.ToString(CultureInfo.InvariantCulture)));
            reply.Headers["Features-Key"] = response.Reference.FeaturesKey;
            await reply.Body.WriteAsync(header, httpContext.RequestAborted).ConfigureAwait(false);
            float[] chunk = new float[ChunkValues];
            for (int start = 0; start < count; start += ChunkValues)
            {
                int length = (int)Math.Min(ChunkValues, count - start);
                Widen(values, start, chunk.AsSpan(0, length));
                await reply.Body.WriteAsync(MemoryMarshal.AsBytes(chunk.AsSpan(0, length)).ToArray(), httpContext.RequestAborted).ConfigureAwait(false);
            }
        }

        private static void Widen(Tensor values, int start, Span<float> target)
        {
            if (values.DataType == DataType.F32)
            {
                MemoryMarshal.Cast<byte, float>(values.Data.Span).Slice(start, target.Length).CopyTo(target);
                return;
            }

            var halves = MemoryMarshal.Cast<byte, Half>(values.Data.Span).Slice(start, target.Length);
            for (int i = 0; i < target.Length; i++) target[i] = (float)halves[i];
        }
    }
}
