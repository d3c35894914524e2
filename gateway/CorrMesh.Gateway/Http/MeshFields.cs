using CorrMesh.Gateway.OpenApi;
using CorrMesh.Hosting.Errors;
using CorrMesh.Hosting.Options;
using CorrMesh.Protos.Training.V1;
using Microsoft.AspNetCore.Http;
using Microsoft.OpenApi;

namespace CorrMesh.Gateway.Http;

/// <summary>What the forms of new jobs have in common: a mesh with its resources, or an earlier job's, and an id that makes the call safe to repeat.</summary>
internal static class MeshFields
{
    private const int MaxResources = 63;

    // What is sent beside the files themselves.
    private const int Overhead = 64 << 10;

    /// <summary>The fields as the API document shows them.</summary>
    public static FormField[] Fields(MeshLimits limits) =>
    [
        File("mesh", $"The mesh: glTF, GLB, OBJ or PLY; with its resources within {limits.MessageBytes} bytes. This or mesh_of_job."),
        new("resource", false, new OpenApiSchema
        {
            Type = JsonSchemaType.Array,
            Items = new OpenApiSchema { Type = JsonSchemaType.String, Format = "binary" },
            MaxItems = MaxResources,
            Description = "What the mesh refers to (buffers, material libraries, textures), by its file name there.",
        }),
        FormField.Text("mesh_of_job", "Instead of a mesh: the id of an earlier job with the same one."),
    ];

    public static FormField File(string name, string description) => new(name, false, new OpenApiSchema { Type = JsonSchemaType.String, Format = "binary", Description = description });

    /// <param name="request">Its body is read to the end.</param>
    /// <param name="files">Names of files besides the mesh and its resources.</param>
    /// <param name="texts">Names of texts.</param>
    /// <param name="limits">The mesh's limits; all files may be as large as a message.</param>
    public static Task<MultipartForm> ReadAsync(HttpRequest request, string[] files, string[] texts, MeshLimits limits) =>
        MultipartForm.ReadAsync(request, [.. files, "mesh", "resource"], texts, limits, "resource", MaxResources, limits.MessageBytes - Overhead);

    /// <summary>The caller's id, or one of our own: a call may be repeated on its way to the service.</summary>
    public static string RequestId(MultipartForm form) => form.Text("request_id") ?? $"gateway-{Guid.NewGuid():N}";

    /// <returns>The job whose mesh is meant; null when the mesh comes along.</returns>
    /// <exception cref="FieldException">Both are given.</exception>
    public static string? Source(MultipartForm form)
    {
        string? job = form.Text("mesh_of_job");
        return job is null || !form.HasFile("mesh") ? job : throw new FieldException("mesh", "one of mesh and mesh_of_job allowed, both given");
    }

    /// <exception cref="FieldException">There is no mesh.</exception>
    public static MeshUpload Upload(MultipartForm form)
    {
        var upload = new MeshUpload { Files = { new MeshFile { Content = form.File("mesh") } } };
        if (!form.HasFile("resource")) return upload;
        upload.Files.AddRange(form.Files("resource").Zip(form.FileNames("resource"), (content, name) => new MeshFile { Name = name, Content = content }));
        return upload;
    }
}
