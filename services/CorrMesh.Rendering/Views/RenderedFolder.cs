using System.Text.Json;
using CorrMesh.Geometry;
using CorrMesh.Vision.Images;

namespace CorrMesh.Rendering.Views;

/// <summary>The paper's folder of one object: color_%06d.png, depth_%06d.png (16 bits, millimetres), mask_%06d.png.</summary>
/// <remarks>
/// Folders that are written here also hold camera.json and their own obj_poses.npy. The paper's, made with BlenderProc, have neither: one
/// obj_poses.npy serves all objects from a folder above, and the camera is that of its training code, focal length 560 and principal point 256
/// for integer pixels of 512 x 512.
/// </remarks>
public sealed class RenderedFolder : IViewSource
{
    private const string PosesFile = "obj_poses.npy", CameraFile = "camera.json";
    private const double MetresPerUnit = 1e-3;
    private static readonly JsonSerializerOptions Json = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, WriteIndented = true, UnmappedMemberHandling = System.Text.Json.Serialization.JsonUnmappedMemberHandling.Disallow };
    private static readonly string[] Kinds = ["color", "depth", "mask"];
    private readonly string folder;
    private readonly PinholeCamera? camera;

    private RenderedFolder(string folder, IReadOnlyList<RigidPose> poses, PinholeCamera? camera) => (this.folder, Poses, this.camera) = (folder, poses, camera);

    /// <inheritdoc/>
    public IReadOnlyList<RigidPose> Poses { get; }

    /// <summary>Opens a folder; the pictures are looked at when they are loaded.</summary>
    /// <param name="folder">One object's.</param>
    /// <param name="posesPath">obj_poses.npy; when null, that of the folder or of the nearest folder above.</param>
    /// <exception cref="InvalidDataException">There are no poses, or a file is not what it should be.</exception>
    public static RenderedFolder Open(string folder, string? posesPath = null)
    {
        string cameraPath = Path.Combine(folder, CameraFile);
        posesPath ??= Above(folder).Select(at => Path.Combine(at, PosesFile)).FirstOrDefault(File.Exists) ?? throw new InvalidDataException($"{PosesFile}: needed in the folder or above it, none found");
        return new RenderedFolder(folder, NpyPoses.Read(posesPath), File.Exists(cameraPath) ? ReadCamera(cameraPath) : null);
    }

    /// <summary>Writes views as such a folder; the same views give the same bytes.</summary>
    /// <param name="folder">Made when it is not there; files of the same names are replaced.</param>
    /// <param name="views">At least one, with depth below 65.535 m, all from one camera.</param>
    /// <returns>How many were written.</returns>
    /// <exception cref="ArgumentException">No views, other cameras, or depth that is missing or too large for 16 bits of millimetres.</exception>
    public static int Write(string folder, IEnumerable<ObjectView> views)
    {
        ArgumentNullException.ThrowIfNull(views);
        Directory.CreateDirectory(folder);
        PinholeCamera? camera = null;
        var poses = new List<RigidPose>();
        foreach (ObjectView view in views)
        {
            camera ??= view.Camera;
            if (view.Camera != camera) throw new ArgumentException($"views[{poses.Count}]: the camera of the first needed, another given", nameof(views));
            string stem = $"{poses.Count:D6}.png";
            ushort[] millimetres = Millimetres(view, poses.Count);
            File.WriteAllBytes(Path.Combine(folder, "color_" + stem), PngEncoder.Encode(view.Image));
            File.WriteAllBytes(Path.Combine(folder, "depth_" + stem), GreyPng.Encode(millimetres, view.Camera.Width, view.Camera.Height));
            File.WriteAllBytes(Path.Combine(folder, "mask_" + stem), GreyPng.Encode(view.Mask, view.Camera.Width, view.Camera.Height));
            poses.Add(view.ObjectToCamera);
        }
        if (camera is not { } c) throw new ArgumentException("views: at least 1 needed, 0 given", nameof(views));
        NpyPoses.Write(Path.Combine(folder, PosesFile), poses);
        File.WriteAllBytes(Path.Combine(folder, CameraFile), JsonSerializer.SerializeToUtf8Bytes(new CameraRecord(c.Width, c.Height, c.FocalX, c.FocalY, c.CentreX, c.CentreY), Json));
        return poses.Count;
    }

    /// <inheritdoc/>
    public ObjectView Load(int index)
    {
        if (index < 0 || index >= Poses.Count) throw new ArgumentOutOfRangeException(nameof(index), index, $"index: 0 to {Poses.Count - 1} needed, {index} given");
        string stem = $"{index:D6}.png";
        RgbImage image = ViewPictures.Colour(Path.Combine(folder, "color_" + stem));
        PinholeCamera own = camera ?? new PinholeCamera(image.Width, image.Height, 35.0 * image.Width / 32, 35.0 * image.Width / 32, image.Width / 2.0, image.Height / 2.0);
        if ((image.Width, image.Height) != (own.Width, own.Height)) throw new InvalidDataException($"color_{stem}: {own.Width} x {own.Height} pixels needed, {image.Width} x {image.Height} given");
        return new ObjectView(
            image,
            ViewPictures.Depth(Path.Combine(folder, "depth_" + stem), own.Width, own.Height, MetresPerUnit),
            ViewPictures.Mask(Path.Combine(folder, "mask_" + stem), own.Width, own.Height),
            own, Poses[index]);
    }

    /// <summary>Whether all files of a view are there; the paper's folders may lack some.</summary>
    public bool Has(int index) => Kinds.All(kind => File.Exists(Path.Combine(folder, $"{kind}_{index:D6}.png")));

    private static ushort[] Millimetres(ObjectView view, int index)
    {
        if (view.DepthMetres is not { } depth) throw new ArgumentException($"views[{index}]: depth needed, none given");
        return Array.ConvertAll(depth, metres =>
        {
            double value = Math.Round(metres / MetresPerUnit);
            return value is >= 0 and <= ushort.MaxValue ? (ushort)value : throw new ArgumentException($"views[{index}]: depth 0 to 65.535 m needed, {metres} given");
        });
    }

    private static PinholeCamera ReadCamera(string path)
    {
        try
        {
            CameraRecord r = JsonSerializer.Deserialize<CameraRecord>(File.ReadAllBytes(path), Json) ?? throw new InvalidDataException($"{CameraFile}: a camera needed, null given");
            return PoseFiles.Camera([r.FocalX, 0, r.CentreX, 0, r.FocalY, r.CentreY, 0, 0, 1], r.Width, r.Height, CameraFile);
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"{CameraFile}: {e.Message}", e);
        }
    }

    private static IEnumerable<string> Above(string folder)
    {
        for (DirectoryInfo? at = new(Path.GetFullPath(folder)); at is not null; at = at.Parent) yield return at.FullName;
    }

    private sealed record CameraRecord(int Width, int Height, double FocalX, double FocalY, double CentreX, double CentreY);
}
