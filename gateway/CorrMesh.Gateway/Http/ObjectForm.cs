using System.Text.Json;
using System.Text.Json.Serialization;
using CorrMesh.Gateway.OpenApi;
using CorrMesh.Hosting.Errors;
using CorrMesh.Hosting.Options;
using CorrMesh.Protos.Common.V1;
using CorrMesh.Protos.Pose.V1;
using Google.Protobuf;
using Microsoft.AspNetCore.Http;

namespace CorrMesh.Gateway.Http;

/// <summary>The form of `POST /v1/objects`, as the messages of an upload. What a number may be is the pose service's to say.</summary>
internal static class ObjectForm
{
    private const int MaxPictures = 128, PartBytes = 1 << 20;

    private static readonly (string Name, string Meaning, Action<ObjectConfig, uint> Set)[] WholeNumbers =
    [
        ("view_count", "Pictures that are rendered of the mesh when there are no others, 8 to 162. Absent: 42.", (config, value) => config.ViewCount = value),
        ("roll_count", "Turns about the optical axis in which each rendered picture is looked at, 1 to 8. Absent: 4; 1: upright alone.", (config, value) => config.RollCount = value),
    ];

    private static readonly string[] OfPictures = ["poses", "camera", "depth", "mask"];

    private static readonly string[] Texts =
    [
        "id", "display_name", "request_id", "object_id", "poses", "camera", DepthFields.Unit, .. FormValues.SpecFields, "mesh_unit_m", .. WholeNumbers.Select(field => field.Name), "symmetries", "detect_symmetries", "box",
    ];

    /// <summary>The fields as the API document shows them.</summary>
    public static FormField[] Fields(MeshLimits limits) =>
    [
        FormField.Text("id", "The object's id: a-z, 0-9, dot, dash, underscore, at most 64, beginning with a letter or digit. One that is taken is a 409.") with { Required = true },
        FormField.Text("display_name", "A name for people, at most 100 characters."),
        FormField.Text("request_id", "Makes the call safe to repeat: 1 to 128 characters of your choice, new for each object."),
        FormField.File("mesh", "The mesh: glTF, GLB, OBJ or PLY. A mesh, or pictures (views or image), or a mesh with pictures."),
        MeshFields.Resources,
        FormField.File("views", "A zip of posed pictures: a BOP scene, a OnePose sequence or the paper's renderings; at most 128."),
        FormField.Count("object_id", "Which object of a BOP scene in views, by its obj_id. Absent: the only one."),
        FormField.Files("image", MaxPictures, $"Instead of views: pictures whose poses are known, one part each; 2 to {MaxPictures}, 1 with depth or a mesh. Each at most {limits.EncodedBytes} bytes."),
        FormField.Text(
            "poses",
            """JSON, an entry for each image, in order: [{"object_to_camera":[4][4],"camera":{}}]. object_to_camera maps object points to the camera frame (x to the right, y down, z forward), metres; """
            + "camera, where that picture has one of its own, is as the field of that name."),
        FormField.Text("camera", $"The camera of all pictures without one of their own: JSON, {CameraFields.Json}."),
        FormField.Files("depth", MaxPictures, $"One for each image, in order: {DepthFields.Content}. Absent: the mesh gives it, or what several pictures show is triangulated."),
        DepthFields.UnitField,
        FormField.Files("mask", MaxPictures, "One for each image, in order, of its size: not black on the object. Absent: the mesh says so, or the whole picture counts."),
        FormField.Model,
        FormField.Adapter,
        FormField.Tokens(limits),
        FormField.Number("mesh_unit_m", "Metres of one unit of the mesh, above 0 and at most 1000. Absent: 1, as glTF has it; 0.001 for meshes of BOP."),
        .. WholeNumbers.Select(field => FormField.Count(field.Name, field.Meaning)),
        FormField.Text(
            "symmetries",
            """JSON, motions that leave the object looking the same, as BOP declares them: {"discrete":[[4][4]],"continuous":[{"direction":[3],"offset":[3]}]}, object frame, metres; at most 64 and 2. Absent: none."""),
        FormField.Switch("detect_symmetries", "true or false: find further symmetries from the mesh. Absent: false."),
        FormField.Text("box", """JSON, {"least":[3],"greatest":[3]}, object frame, metres: only points within belong to the object, for pictures without masks. Absent: all do."""),
    ];

    /// <summary>The messages of the upload: the config, parts of the mesh's files or of the archive, and pictures one by one.</summary>
    /// <exception cref="FieldException">A text is no such thing as it should be, or things are given that do not go together.</exception>
    /// <exception cref="TooLargeException">A picture does not fit into a message.</exception>
    public static async Task<IReadOnlyList<CreateObjectRequest>> ReadAsync(HttpRequest request, MeshLimits limits, JsonSerializerOptions json)
    {
        // The body's own bound holds for files that travel in parts.
        var files = new Dictionary<string, FileBounds>
        {
            ["mesh"] = new(Bytes: limits.UploadBytes),
            ["resource"] = new(MeshFields.MaxResources, limits.UploadBytes),
            ["views"] = new(Bytes: limits.UploadBytes),
            ["image"] = new(MaxPictures),
            ["depth"] = new(MaxPictures),
            ["mask"] = new(MaxPictures),
        };
        MultipartForm form = await MultipartForm.ReadAsync(request, files, Texts, limits).ConfigureAwait(false);
        if (!form.HasFile("mesh") && !form.HasFile("views") && !form.HasFile("image")) throw new FieldException("mesh", "a mesh, views or images needed, none given");
        if (form.HasFile("views") && form.HasFile("image")) throw new FieldException("views", "one of views and image allowed, both given");
        if (form.HasFile("resource") && !form.HasFile("mesh")) throw new FieldException("resource", "only with a mesh allowed");
        var messages = new List<CreateObjectRequest> { new() { Config = Config(form, limits, json) } };
        messages.AddRange(Mesh(form, limits));
        if (form.HasFile("views")) messages.AddRange(Parts(form.File("views"), limits).Select(part => new CreateObjectRequest { Archive = part }));
        if (form.HasFile("image"))
            messages.AddRange(Pictures(form, limits, json, request.HttpContext));
        else if (OfPictures.FirstOrDefault(name => form.HasFile(name) || form.Text(name) is not null) is { } stray)
            throw new FieldException(stray, "only with image allowed");
        else if (form.Text(DepthFields.Unit) is not null)
            throw new FieldException(DepthFields.Unit, "only with depth allowed");
        if (form.HasFile("views")) request.HttpContext.Features.Set<FormNames>(new ObjectFormNames(FromViews: true));
        return messages;
    }

    private static ObjectConfig Config(MultipartForm form, MeshLimits limits, JsonSerializerOptions json)
    {
        var config = new ObjectConfig
        {
            Id = form.Text("id") ?? throw new FieldException("id", "an id needed, none given"),
            DisplayName = form.Text("display_name") ?? "",
            RequestId = MeshFields.RequestId(form),
            Spec = FormValues.Spec(form, limits),
            DetectSymmetries = FormValues.Switch(form, "detect_symmetries"),
            Symmetries = FormJson.Read<SymmetriesBody>(form, "symmetries", json)?.ToMessage(),
            Box = FormJson.Read<BoxBody>(form, "box", json)?.ToMessage(),
        };
        // In the contract 0 stands for the default.
        if (form.Text("mesh_unit_m") is { } unit) config.MeshUnitM = FormValues.Number("mesh_unit_m", unit) is var metres and not 0 ? metres : throw new FieldException("mesh_unit_m", "above 0 and at most 1000 allowed, 0 given");
        foreach (var (name, _, set) in WholeNumbers)
            if (form.Text(name) is { } text) set(config, FormValues.Whole(name, text) is var value and not 0 ? value : throw new FieldException(name, "a whole number above 0 needed, 0 given"));
        if (form.Text("object_id") is { } objectId)
        {
            if (!form.HasFile("views")) throw new FieldException("object_id", "only with views allowed");
            config.ArchiveObject = FormValues.Whole("object_id", objectId) is var id and < int.MaxValue ? id + 1 : throw new FieldException("object_id", $"less than {int.MaxValue} allowed, {objectId} given");
        }
        return config;
    }

    private static IEnumerable<CreateObjectRequest> Mesh(MultipartForm form, MeshLimits limits)
    {
        if (!form.HasFile("mesh")) return [];
        var files = new List<(string Name, ByteString Content)> { ("", form.File("mesh")) };
        if (form.HasFile("resource"))
            foreach (var (content, name) in form.Files("resource").Zip(form.FileNames("resource")))
            {
                string field = $"resource[{files.Count - 1}]";
                // Parts with one name would be taken for one file.
                if (name.Length == 0) throw new FieldException(field, "a file name needed, the one that the mesh refers to; none given");
                if (files.Any(file => file.Name == name)) throw new FieldException(field, $"each file name once allowed, '{FormValues.Shorten(name)}' given twice");
                files.Add((name, content));
            }
        return files.SelectMany(file => Parts(file.Content, limits).Select(part => new CreateObjectRequest { Mesh = new MeshPart { Name = file.Name, Content = part } }));
    }

    private static List<CreateObjectRequest> Pictures(MultipartForm form, MeshLimits limits, JsonSerializerOptions json, HttpContext context)
    {
        IReadOnlyList<ByteString> images = form.Files("image"), masks = form.HasFile("mask") ? form.Files("mask") : [];
        DepthImage[] depths = DepthFields.Read(form, "depth");
        PictureBody?[] poses = FormJson.Read<PictureBody?[]>(form, "poses", json) ?? throw new FieldException("poses", "one for each image needed, none given");
        foreach (var (name, count) in new[] { ("poses", poses.Length), ("depth", depths.Length), ("mask", masks.Count) })
            if (count != images.Count && (count > 0 || name == "poses")) throw new FieldException(name, $"{images.Count} needed, one for each image, {count} given");
        Camera? camera = FormJson.Read<CameraBody>(form, "camera", json)?.ToCamera("camera");
        var messages = new List<CreateObjectRequest>();
        for (int i = 0; i < images.Count; i++)
        {
            string field = $"poses[{i}]";
            PictureBody body = poses[i] ?? throw new FieldException(field, "an object needed, null given");
            var picture = new ObjectPicture
            {
                Image = new Image { Encoded = images[i] },
                Camera = body.Camera?.ToCamera($"{field}.camera") ?? camera ?? throw new FieldException($"{field}.camera", "a camera needed, here or as camera of all pictures, none given"),
                ObjectToCamera = Transforms.Read(body.ObjectToCamera, $"{field}.object_to_camera"),
            };
            if (depths.Length > 0) picture.Depth = depths[i];
            if (masks.Count > 0) picture.Mask = masks[i];
            var message = new CreateObjectRequest { Picture = picture };
            FormValues.CheckFits(message, $"image[{i}]", "a picture, its depth and its mask", limits);
            messages.Add(message);
        }
        context.Features.Set<FormNames>(new ObjectFormNames(OwnCameras: [.. poses.Select(body => body?.Camera is not null)]));
        return messages;
    }

    private static IEnumerable<ByteString> Parts(ByteString content, MeshLimits limits)
    {
        int size = Math.Min(PartBytes, limits.MessageBytes / 2);
        for (int start = 0; start < content.Length; start += size)
            yield return UnsafeByteOperations.UnsafeWrap(content.Memory.Slice(start, Math.Min(size, content.Length - start)));
    }
}

[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
internal sealed record PictureBody(double[][]? ObjectToCamera = null, CameraBody? Camera = null);

[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
internal sealed record SymmetriesBody(double[][][]? Discrete = null, AxisBody?[]? Continuous = null)
{
    public ObjectSymmetries ToMessage()
    {
        var message = new ObjectSymmetries();
        message.Discrete.AddRange((Discrete ?? []).Select((rows, i) => Transforms.Read(rows, $"symmetries.discrete[{i}]")));
        message.Continuous.AddRange((Continuous ?? []).Select((axis, i) => new SymmetryAxis
        {
            Direction = Transforms.Vector(axis?.Direction, $"symmetries.continuous[{i}].direction"),
            Offset = axis?.Offset is { } offset ? Transforms.Vector(offset, $"symmetries.continuous[{i}].offset") : null,
        }));
        return message;
    }
}

[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
internal sealed record AxisBody(double[]? Direction = null, double[]? Offset = null);

[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
internal sealed record BoxBody(double[]? Least = null, double[]? Greatest = null)
{
    public ObjectBox ToMessage() => new() { Least = Transforms.Vector(Least, "box.least"), Greatest = Transforms.Vector(Greatest, "box.greatest") };
}
