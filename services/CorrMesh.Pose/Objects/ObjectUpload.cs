using System.Globalization;
using System.Security.Cryptography;
using CorrMesh.Geometry;
using CorrMesh.Hosting.Data;
using CorrMesh.Hosting.Errors;
using CorrMesh.Hosting.Images;
using CorrMesh.Hosting.Options;
using CorrMesh.Pose.Symmetries;
using CorrMesh.Protos.Common.V1;
using CorrMesh.Protos.Pose.V1;
using CorrMesh.Rendering.Files;
using CorrMesh.Rendering.Meshes;
using CorrMesh.Rendering.Views;
using CorrMesh.Vision.Images;
using Google.Protobuf;
using RigidPose = CorrMesh.Geometry.RigidPose;

namespace CorrMesh.Pose.Objects;

/// <summary>Takes an object's upload message by message, within bounds, and reads it in full: what is accepted here is what the object is made from.</summary>
/// <param name="images">Decodes pictures.</param>
/// <param name="limits">Of the mesh.</param>
/// <param name="options">Of this service.</param>
/// <param name="scratch">A folder for what is unpacked, made and removed here.</param>
internal sealed class ObjectUpload(ImageReader images, MeshLimits limits, PoseOptions options, string scratch) : IDisposable
{
    private const int MaxFiles = 64, MaxPictures = 128, MaxDisplayName = 100, MaxRequestId = 128, FewestViews = 8, MostViews = 162, MostRolls = 8;

    private readonly IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly List<(string Name, MemoryStream Content)> files = [];
    private readonly List<PosedPicture> pictures = [];
    private MemoryStream? archive;
    private long bytes, pixels;

    /// <summary>What was said first.</summary>
    public ObjectConfig Config { get; private set; } = new();

    /// <summary>Checks the first message.</summary>
    /// <exception cref="FieldException">It is no config, or a field of it is out of its bounds.</exception>
    public void Open(CreateObjectRequest first)
    {
        if (first.PartCase != CreateObjectRequest.PartOneofCase.Config) throw new FieldException("config", $"must be the first message, {(first.PartCase == CreateObjectRequest.PartOneofCase.None ? "none" : $"a {first.PartCase.ToString().ToLowerInvariant()}")} given");
        ObjectConfig config = first.Config;
        if (!DataDirectory.IsId(config.Id)) throw new FieldException("config.id", $"a-z, 0-9, dot, dash, underscore, at most 64, beginning with a letter or digit needed, '{Shorten(config.Id)}' given");
        if (config.DisplayName.Length > MaxDisplayName) throw new FieldException("config.display_name", $"at most {MaxDisplayName} characters allowed, {config.DisplayName.Length} given");
        if (config.RequestId.Length > MaxRequestId) throw new FieldException("config.request_id", $"at most {MaxRequestId} characters allowed, {config.RequestId.Length} given");
        if (config.MeshUnitM != 0 && !(config.MeshUnitM is > 0 and <= 1000)) throw new FieldException("config.mesh_unit_m", $"above 0 and at most 1000 allowed, {config.MeshUnitM.ToString(CultureInfo.InvariantCulture)} given");
        if (config.ViewCount != 0 && config.ViewCount is < FewestViews or > MostViews) throw new FieldException("config.view_count", $"{FewestViews} to {MostViews} allowed, {config.ViewCount} given");
        if (config.RollCount > MostRolls) throw new FieldException("config.roll_count", $"1 to {MostRolls} allowed, {config.RollCount} given");
        if (config.Spec is { } spec && (spec.PatchStride != 0 || spec.Stage != FeatureStage.Unspecified || spec.RegionOfInterest is not null || spec.Precision != Precision.Unspecified))
            throw new FieldException("config.spec", "model, adapter and tokens alone allowed, more given");
        if (config.Spec is { Tokens: not 0 } given && (given.Tokens < limits.MinTokens || given.Tokens > limits.MaxTokens)) throw new FieldException("config.spec.tokens", $"{limits.MinTokens} to {limits.MaxTokens} allowed, {given.Tokens} given");
        ReadBox(config.Box);
        SymmetrySet.Read(config.Symmetries, "config.symmetries");
        Config = config;
        Count(config);
    }

    /// <summary>Takes the next message.</summary>
    /// <exception cref="FieldException">It is a second config, or what it holds is refused.</exception>
    public void Take(CreateObjectRequest message)
    {
        switch (message.PartCase)
        {
            case CreateObjectRequest.PartOneofCase.Mesh:
                Count(message.Mesh);
                if (files.Count == 0 || files[^1].Name != message.Mesh.Name)
                {
                    if (files.Count == MaxFiles) throw new FieldException("mesh", $"at most {MaxFiles} files allowed, more given");
                    if (files.Any(file => file.Name == message.Mesh.Name)) throw new FieldException("mesh.name", $"each name once allowed, '{Shorten(message.Mesh.Name)}' given again after another file");
                    files.Add((message.Mesh.Name, new MemoryStream()));
                }
                message.Mesh.Content.WriteTo(files[^1].Content);
                break;
            case CreateObjectRequest.PartOneofCase.Picture:
                Count(message.Picture);
                if (pictures.Count == MaxPictures) throw new FieldException("picture", $"at most {MaxPictures} allowed, more given");
                pictures.Add(ReadPicture(message.Picture, $"picture[{pictures.Count}]"));
                break;
            case CreateObjectRequest.PartOneofCase.Archive:
                Count(message);
                message.Archive.WriteTo(archive ??= new MemoryStream());
                break;
            default:
                throw new FieldException(message.PartCase == CreateObjectRequest.PartOneofCase.Config ? "config" : "part", message.PartCase == CreateObjectRequest.PartOneofCase.Config ? "once allowed, given twice" : "mesh, picture or archive needed, none given");
        }
    }

    /// <summary>What the object is to be made from, and the digest of what was sent.</summary>
    /// <exception cref="FieldException">Nothing was sent, or what was sent is refused or does not go together.</exception>
    public (ObjectOrder Order, string Digest) Finish(CancellationToken cancellation)
    {
        TriangleMesh? mesh = files.Count == 0 ? null : ReadMesh();
        Box? box = ReadBox(Config.Box);
        if (archive is not null)
        {
            if (pictures.Count > 0) throw new FieldException("archive", "pictures or an archive allowed, both given");
            box ??= ReadArchive(cancellation);
        }
        if (mesh is null && pictures.Count == 0) throw new FieldException("part", "a mesh, pictures or an archive needed, none given");
        if (mesh is null && Config.DetectSymmetries) throw new FieldException("config.detect_symmetries", "only with a mesh allowed");
        if (pictures.Count > 0 && (Config.ViewCount != 0 || Config.RollCount != 0)) throw new FieldException(Config.ViewCount != 0 ? "config.view_count" : "config.roll_count", "only without pictures of your own allowed");
        return (new ObjectOrder(Config, mesh, pictures, box, SymmetrySet.Read(Config.Symmetries, "config.symmetries")), Convert.ToHexStringLower(hash.GetCurrentHash()));
    }

    public void Dispose()
    {
        hash.Dispose();
        archive?.Dispose();
        foreach ((_, MemoryStream content) in files) content.Dispose();
    }

    private void Count(IMessage message)
    {
        byte[] content = message.ToByteArray();
        bytes += content.Length;
        if (bytes > options.UploadBytes) throw new FieldException("part", $"at most {options.UploadBytes} bytes of an object allowed, more given");
        hash.AppendData(content);
    }

    private PosedPicture ReadPicture(ObjectPicture picture, string field)
    {
        LensCamera camera = PoseWire.ReadCamera(picture.Camera, $"{field}.camera");
        RigidPose pose = PoseWire.ReadPose(picture.ObjectToCamera, $"{field}.object_to_camera");
        if (picture.Image is null) throw new FieldException($"{field}.image", "encoded bytes or raw pixels needed, none given");
        (RgbImage image, int width, int height) = images.Read(picture.Image, null, $"{field}.image");
        Keep(width, height, field);
        float[]? depth = picture.Depth is null ? null : DepthMap.Read(picture.Depth, width, height, $"{field}.depth");
        byte[]? mask = picture.Mask.IsEmpty ? null : ReadMask(picture.Mask, width, height, $"{field}.mask");
        if (picture.Points.Count > limits.Points) throw new FieldException($"{field}.points", $"at most {limits.Points} allowed, {picture.Points.Count} given");
        PicturePoint[]? points = picture.Points.Count == 0 ? null : [.. picture.Points.Select((point, i) => ReadPoint(point, width, height, $"{field}.points[{i}]"))];
        return new PosedPicture(image, picture.Image, camera, pose, depth, mask, points);
    }

    private static PicturePoint ReadPoint(Correspondence pair, int width, int height, string field)
    {
        if (pair.ObjectPoint is null) throw new FieldException($"{field}.object_point", "a point needed, none given");
        if (pair.ImagePoint is not { } seen) throw new FieldException($"{field}.image_point", "a point needed, none given");
        if (!(seen.X >= -0.5 && seen.Y >= -0.5 && seen.X < width - 0.5 && seen.Y < height - 0.5)) throw new FieldException($"{field}.image_point", $"inside the picture of {width} x {height} pixels needed, ({seen.X}, {seen.Y}) given");
        return new PicturePoint(seen.X, seen.Y, PoseWire.ReadVector(pair.ObjectPoint, $"{field}.object_point"));
    }

    private byte[] ReadMask(ByteString mask, int width, int height, string field)
    {
        (RgbImage image, int maskWidth, int maskHeight) = images.Read(new Image { Encoded = mask }, null, field);
        if ((maskWidth, maskHeight) != (width, height)) throw new FieldException(field, $"{width} x {height} pixels needed, {maskWidth} x {maskHeight} given");
        var values = new byte[width * height];
        for (int i = 0; i < values.Length; i++) values[i] = (image.Pixels[3 * i] | image.Pixels[3 * i + 1] | image.Pixels[3 * i + 2]) != 0 ? (byte)255 : (byte)0;
        return values;
    }

    // Pictures stay in memory until the object is made.
    private void Keep(int width, int height, string field)
    {
        pixels += (long)width * height;
        if (pixels > options.PicturePixels) throw new FieldException(field, $"at most {options.PicturePixels} pixels of an object's pictures together allowed, {pixels} given so far; smaller ones do as well");
    }

    private TriangleMesh ReadMesh()
    {
        try
        {
            TriangleMesh mesh = MeshFile.Read(files[0].Content.ToArray(), MeshResources.Of(files.Skip(1).ToDictionary(file => file.Name, file => file.Content.ToArray(), StringComparer.Ordinal)));
            float unit = Config.MeshUnitM == 0 ? 1 : (float)Config.MeshUnitM;
            mesh.ToUnitBox();   // refuses one without extent
            return unit == 1 ? mesh : new TriangleMesh(
                Array.ConvertAll(mesh.Positions, position => unit * position), mesh.Indices, mesh.Parts, mesh.Normals,
                mesh.TextureCoordinates.Length > 0 ? mesh.TextureCoordinates : null, mesh.Colours.Length > 0 ? mesh.Colours : null, mesh.Up);
        }
        catch (MeshRejectedException exception)
        {
            throw new FieldException("mesh", exception.Message.StartsWith("mesh: ", StringComparison.Ordinal) ? exception.Message["mesh: ".Length..] : exception.Message, exception);
        }
    }

    private Box? ReadArchive(CancellationToken cancellation)
    {
        try
        {
            Directory.CreateDirectory(scratch);
            ViewArchive.Extract(archive!.GetBuffer().AsMemory(0, (int)archive.Length), scratch, 4 * options.UploadBytes, cancellation);
            IViewSource source = ViewFolder.Open(scratch, Config.ArchiveObject == 0 ? null : (int)Config.ArchiveObject - 1);
            for (int i = 0; i < source.Poses.Count; i++)
            {
                cancellation.ThrowIfCancellationRequested();
                if (source is RenderedFolder folder && !folder.Has(i)) continue;   // the paper's may lack some
                if (pictures.Count == MaxPictures) throw new FieldException("archive", $"at most {MaxPictures} pictures allowed, {source.Poses.Count} given");
                ObjectView view = source.Load(i);
                Keep(view.Image.Width, view.Image.Height, "archive");
                byte[]? mask = Array.TrueForAll(view.Mask, value => value != 0) ? null : view.Mask;
                pictures.Add(new PosedPicture(view.Image, PosedPicture.Raw(view.Image), new LensCamera(view.Camera, null), view.ObjectToCamera, view.DepthMetres, mask));
            }
            if (pictures.Count == 0) throw new FieldException("archive", "at least 1 picture needed, none found");
            return Directory.EnumerateFiles(scratch, "box3d_corners.txt", SearchOption.AllDirectories).FirstOrDefault() is { } corners ? ReadCorners(corners) : null;
        }
        catch (ObjectChoiceException exception)
        {
            throw new FieldException("config.archive_object", exception.Message, exception);
        }
        catch (InvalidDataException exception)
        {
            throw new FieldException("archive", exception.Message, exception);
        }
        finally
        {
            if (Directory.Exists(scratch)) Directory.Delete(scratch, recursive: true);
        }
    }

    // OnePose: eight corners about the object, a row each.
    private static Box? ReadCorners(string path)
    {
        var corners = new List<(double X, double Y, double Z)>();
        foreach (string line in File.ReadLines(path).Take(MaxFiles))
        {
            double[] row = [.. line.Split([' ', '\t', ','], StringSplitOptions.RemoveEmptyEntries).Select(text => double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double value) ? value : double.NaN)];
            if (row.Length == 0) continue;
            if (row.Length != 3 || row.Any(value => !double.IsFinite(value))) throw new InvalidDataException($"box3d_corners.txt: 3 numbers a row needed, '{Shorten(line)}' given");
            corners.Add((row[0], row[1], row[2]));
        }
        return corners.Count == 0 ? null : Box.Around(corners, 0);
    }

    private static Box? ReadBox(ObjectBox? box)
    {
        if (box is null) return null;
        if (box.Least is null || box.Greatest is null) throw new FieldException(box.Least is null ? "config.box.least" : "config.box.greatest", "a corner needed, none given");
        var read = new Box(PoseWire.ReadVector(box.Least, "config.box.least"), PoseWire.ReadVector(box.Greatest, "config.box.greatest"));
        return read.Least.X < read.Greatest.X && read.Least.Y < read.Greatest.Y && read.Least.Z < read.Greatest.Z ? read : throw new FieldException("config.box", $"least below greatest along each axis needed, {read.Least} and {read.Greatest} given");
    }

    private static string Shorten(string text) => text.Length <= 80 ? text : text[..80] + "...";
}
