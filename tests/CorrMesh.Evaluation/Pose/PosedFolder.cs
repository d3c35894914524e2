using System.Globalization;
using System.Text.Json;
using CorrMesh.Geometry;
using CorrMesh.Protos.Common.V1;
using CorrMesh.Rendering.Files;
using CorrMesh.Rendering.Meshes;
using RigidPose = CorrMesh.Geometry.RigidPose;

namespace CorrMesh.Evaluation.Pose;

/// <summary>A folder of one object: frames/INDEX.jpg, poses.json (intrinsics, units, frames with index, R, t), one mesh, and perhaps a video of which the frames are some.</summary>
internal sealed class PosedFolder
{
    private readonly string folder;

    private PosedFolder(string folder, string meshPath, string? videoPath, Size size, double unit, LensDistortion? lens, PinholeCamera camera, Camera wire, SortedDictionary<int, RigidPose> poses, int[] extracted)
    {
        (this.folder, MeshPath, VideoPath, Width, Height, UnitMetres, Lens, Camera, WireCamera, Poses, Extracted) = (folder, meshPath, videoPath, size.Width, size.Height, unit, lens, camera, wire, poses, extracted);
        TriangleMesh mesh = MeshFile.Load(meshPath);
        (System.Numerics.Vector3 least, System.Numerics.Vector3 greatest) = mesh.Bounds();
        System.Numerics.Vector3[] corners = [.. mesh.Indices.Select(index => mesh.Positions[index]).Distinct()];
        // A mesh of many vertices is known by its box.
        if (corners.Length > 64) corners = [.. Enumerable.Range(0, 8).Select(i => new System.Numerics.Vector3((i & 1) == 0 ? least.X : greatest.X, (i & 2) == 0 ? least.Y : greatest.Y, (i & 4) == 0 ? least.Z : greatest.Z))];
        Corners = [.. corners.Select(corner => (unit * corner.X, unit * corner.Y, unit * corner.Z))];
    }

    public string MeshPath { get; }

    public string? VideoPath { get; }

    public int Width { get; }

    public int Height { get; }

    /// <summary>Metres of one unit of the mesh and the poses.</summary>
    public double UnitMetres { get; }

    public LensDistortion? Lens { get; }

    public PinholeCamera Camera { get; }

    public Camera WireCamera { get; }

    /// <summary>Reference poses by frame, metres.</summary>
    public SortedDictionary<int, RigidPose> Poses { get; }

    /// <summary>Frames that are there as pictures.</summary>
    public int[] Extracted { get; }

    /// <summary>The mesh's, metres.</summary>
    public (double X, double Y, double Z)[] Corners { get; }

    /// <exception cref="InvalidDataException">A file is missing or not what it should be.</exception>
    public static PosedFolder Open(string folder)
    {
        using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "poses.json")));
        JsonElement root = document.RootElement, intrinsics = root.GetProperty("intrinsics");
        double unit = root.GetProperty("units").GetString()!.Split(' ')[0] switch
        {
            "metres" or "m" => 1,
            "centimetres" or "cm" => 0.01,
            "millimetres" or "mm" => 0.001,
            var other => throw new InvalidDataException($"poses.json: units of metres, centimetres or millimetres needed, '{other}' given"),
        };
        int[] size = [.. root.GetProperty("image_size").EnumerateArray().Select(value => value.GetInt32())];
        double Number(string name) => intrinsics.TryGetProperty(name, out JsonElement value) ? value.GetDouble() : 0;
        var camera = new PinholeCamera(size[0], size[1], Number("fx"), Number("fy"), Number("cx"), Number("cy"));
        double[] distortion = [Number("k1"), Number("k2"), Number("p1"), Number("p2"), Number("k3")];
        var wire = new Camera { Fx = camera.FocalX, Fy = camera.FocalY, Cx = camera.CentreX, Cy = camera.CentreY };
        bool isLens = distortion.Any(value => value != 0);
        if (isLens) wire.Plain = new PlainDistortion { Coefficients = { distortion } };
        var poses = new SortedDictionary<int, RigidPose>();
        foreach (JsonElement frame in root.GetProperty("frames").EnumerateArray())
        {
            double[] r = [.. frame.GetProperty("R").EnumerateArray().Select(value => value.GetDouble())], t = [.. frame.GetProperty("t").EnumerateArray().Select(value => unit * value.GetDouble())];
            poses[frame.GetProperty("index").GetInt32()] = RigidPose.FromRowMajor([r[0], r[1], r[2], t[0], r[3], r[4], r[5], t[1], r[6], r[7], r[8], t[2], 0, 0, 0, 1]);
        }
        int[] extracted = [.. Directory.EnumerateFiles(Path.Combine(folder, "frames"), "*.jpg").Select(file => int.Parse(Path.GetFileNameWithoutExtension(file), CultureInfo.InvariantCulture)).Where(poses.ContainsKey).Order()];
        string? mesh = Directory.EnumerateFiles(folder).Where(file => Path.GetExtension(file) is ".ply" or ".glb" or ".gltf" or ".obj").Order(StringComparer.Ordinal).FirstOrDefault();
        string? video = Directory.EnumerateFiles(folder).Where(file => Path.GetExtension(file) is ".mp4" or ".avi" or ".mkv").Order(StringComparer.Ordinal).FirstOrDefault();
        return new PosedFolder(
            folder, mesh ?? throw new InvalidDataException($"{folder}: a mesh (.ply, .glb, .gltf, .obj) needed, none found"), video, new Size(size[0], size[1]), unit,
            isLens ? LensDistortion.Plain(distortion) : null, camera, wire, poses, extracted);
    }

    public byte[] Picture(int frame) => File.ReadAllBytes(Path.Combine(folder, "frames", frame.ToString("D4", CultureInfo.InvariantCulture) + ".jpg"));

    /// <summary>How far a pose is from a frame's reference.</summary>
    public PoseOff Compare(int frame, RigidPose pose)
    {
        RigidPose truth = Poses[frame];
        double pixels = 0;
        foreach (var corner in Corners)
        {
            (double x, double y) = Project(pose.Apply(corner));
            (double u, double v) = Project(truth.Apply(corner));
            double off = Math.Sqrt((x - u) * (x - u) + (y - v) * (y - v));
            pixels = double.IsNaN(off) ? double.PositiveInfinity : Math.Max(pixels, off);
        }
        return PoseOff.Of(pose, truth, pixels);
    }

    private (double X, double Y) Project((double X, double Y, double Z) point)
    {
        if (!(point.Z > 0)) return (double.NaN, double.NaN);
        if (Lens is null) return Camera.Project(point);
        (double x, double y) = Lens.Distort(point.X / point.Z, point.Y / point.Z);
        return (Camera.FocalX * x + Camera.CentreX, Camera.FocalY * y + Camera.CentreY);
    }

    private readonly record struct Size(int Width, int Height);
}

/// <summary>How far a pose is from the truth.</summary>
/// <param name="Pixels">Of the mesh corner that is farthest off; infinite without a pose.</param>
/// <param name="Degrees">Of the rotation between them.</param>
/// <param name="Centimetres">Between the positions.</param>
internal readonly record struct PoseOff(double Pixels, double Degrees, double Centimetres)
{
    public static PoseOff Nothing { get; } = new(double.PositiveInfinity, double.PositiveInfinity, double.PositiveInfinity);

    public bool Within(double bound) => Degrees < bound && Centimetres < bound;

    public static PoseOff Of(RigidPose pose, RigidPose truth, double pixels)
    {
        double x = pose.X - truth.X, y = pose.Y - truth.Y, z = pose.Z - truth.Z;
        return new PoseOff(pixels, pose.AngleTo(truth), 100 * Math.Sqrt(x * x + y * y + z * z));
    }
}
