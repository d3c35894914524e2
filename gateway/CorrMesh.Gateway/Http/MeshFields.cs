using CorrMesh.Gateway.OpenApi;
using CorrMesh.Hosting.Errors;
using CorrMesh.Hosting.Options;
using CorrMesh.Protos.Training.V1;
using Microsoft.AspNetCore.Http;
using Microsoft.OpenApi;

namespace CorrMesh.Gateway.Http;

/// <summary>What the forms of new jobs have in common: a mesh with its resources, posed views, or an earlier job's of either; and an id that makes the call safe to repeat.</summary>
internal static class MeshFields
{
    public const int MaxResources = 63;

    private static readonly string[] Files = ["mesh", "views"];

    // What is sent beside the files themselves.
    private const int Overhead = 64 << 10;

    /// <summary>The fields as the API document shows them.</summary>
    public static FormField[] Fields(MeshLimits limits) =>
    [
        FormField.File("mesh", $"The mesh: glTF, GLB, OBJ or PLY; with its resources within {limits.MessageBytes} bytes. This, views or mesh_of_job."),
        Resources,
        FormField.File("views", "Instead of a mesh: a zip of posed views with depth (BOP, OnePose or rendered views), 6 to 128."),
        new("object_id", false, new OpenApiSchema { Type = JsonSchemaType.Integer, Description = "Which object of a BOP scene. Absent: the only one." }),
        FormField.Text("mesh_of_job", "Instead of a mesh: the id of an earlier job with the same one, or with the same views."),
    ];

    public static FormField Resources => FormField.Files("resource", MaxResources, "What the mesh refers to (buffers, material libraries, textures), by its file name there.");

    /// <param name="request">Its body is read to the end.</param>
    /// <param name="files">Names of files besides the mesh and its resources.</param>
    /// <param name="texts">Names of texts besides those that say what the object is.</param>
    /// <param name="limits">The mesh's limits; all files may be as large as a message.</param>
    public static Task<MultipartForm> ReadAsync(HttpRequest request, string[] files, string[] texts, MeshLimits limits) =>
        MultipartForm.ReadAsync(
            request, files.Concat(["mesh", "resource", "views"]).ToDictionary(name => name, name => new FileBounds(name == "resource" ? MaxResources : 1, limits.MessageBytes - Overhead)),
            [.. texts, "mesh_of_job", "object_id"], limits);

    /// <summary>The caller's id, or one of our own: a call may be repeated on its way to the service.</summary>
    public static string RequestId(MultipartForm form) => form.Text("request_id") ?? $"gateway-{Guid.NewGuid():N}";

    /// <summary>Whether anything is given that says what the object is.</summary>
    public static bool IsIn(MultipartForm form) => Files.Any(form.HasFile) || form.HasFile("resource") || form.Text("mesh_of_job") is not null || form.Text("object_id") is not null;

    /// <summary>Which of the three the object is; a mesh when none is given.</summary>
    /// <exception cref="FieldException">More than one is given, or something that goes with another.</exception>
    public static (MeshUpload? Mesh, ViewsUpload? Views, string? Job) Source(MultipartForm form)
    {
        string? job = form.Text("mesh_of_job"), objectId = form.Text("object_id");
        string[] given = [.. Files.Where(form.HasFile), .. job is null ? (string[])[] : ["mesh_of_job"]];
        if (given.Length > 1) throw new FieldException(given[0], $"one of mesh, views and mesh_of_job allowed, {string.Join(" and ", given)} given");
        if (!form.HasFile("views"))
        {
            if (objectId is not null) throw new FieldException("object_id", "only with views allowed");
            return job is null ? (Upload(form), null, null) : (null, null, job);
        }
        if (form.HasFile("resource")) throw new FieldException("resource", "only with a mesh allowed");
        var views = new ViewsUpload { Archive = form.File("views") };
        if (objectId is not null) views.ObjectId = FormValues.Whole("object_id", objectId);
        return (null, views, null);
    }

    private static MeshUpload Upload(MultipartForm form)
    {
        var upload = new MeshUpload { Files = { new MeshFile { Content = form.File("mesh") } } };
        if (!form.HasFile("resource")) return upload;
        upload.Files.AddRange(form.Files("resource").Zip(form.FileNames("resource"), (content, name) => new MeshFile { Name = name, Content = content }));
        return upload;
    }
}
