using CorrMesh.Evaluation.Objects;
using CorrMesh.Geometry;
using CorrMesh.Rendering.Meshes;
using CorrMesh.Rendering.Raster;
using CorrMesh.Rendering.Views;
using CorrMesh.Training.Data;
using CorrMesh.Vision.Images;

namespace CorrMesh.Evaluation.Pose;

/// <summary>An object of a known size, to be rendered.</summary>
/// <param name="Made">Which.</param>
/// <param name="Mesh">In its own unit.</param>
/// <param name="Metres">Of its longest edge.</param>
internal sealed record ScenicObject(EvaluatedObject Made, TriangleMesh Mesh, double Metres)
{
    /// <summary>The mesh in metres about its middle.</summary>
    public TriangleMesh Scaled { get; } = Scale(Mesh.ToUnitBox(), (float)Metres);

    private static TriangleMesh Scale(TriangleMesh unit, float metres) => new(
        Array.ConvertAll(unit.Positions, position => metres * position), unit.Indices, [.. unit.Parts.Select(part => part with { Material = Shrunk(part.Material, metres) })], unit.Normals,
        unit.TextureCoordinates.Length > 0 ? unit.TextureCoordinates : null, unit.Colours.Length > 0 ? unit.Colours : null, unit.Up);

    // Solid patterns are functions of the place in the unit box.
    private static Material Shrunk(Material material, float metres) => material.Pattern is null or Texture ? material : material with { Pattern = new ScaledPattern(material.Pattern, 1 / metres) };

    private sealed class ScaledPattern(ISurfaceColour pattern, float scale) : ISurfaceColour
    {
        public System.Numerics.Vector3 At(in SurfacePoint point) => pattern.At(point with { Position = scale * point.Position, Footprint = scale * point.Footprint });
    }
}

/// <summary>Photos that are rendered: an object anywhere, at any turn, in any light, before a random scene, partly hidden in a third of them, or not there at all.</summary>
internal sealed class RenderedScenes(ulong seed)
{
    public const int Width = 640, Height = 480;

    private const ulong Stream = 0x504F_5345;

    private readonly Backdrop backdrop = new();

    public static PinholeCamera Camera { get; } = new(Width, Height, 600, 600, (Width - 1) / 2.0, (Height - 1) / 2.0);

    /// <summary>One photo; equal arguments give the same bytes.</summary>
    /// <param name="shown">What is there; null for nothing.</param>
    /// <param name="index">Which.</param>
    public (RgbImage Picture, RigidPose Pose) Draw(ScenicObject? shown, long index)
    {
        var random = new SeededRandom(seed, Stream + (ulong)index);
        backdrop.Restart();
        RgbImage scene = Cropped(backdrop.Make(random, Width));
        RigidPose pose = Place(random, shown?.Metres ?? 0.15, shown?.Mesh.Up ?? System.Numerics.Vector3.UnitZ);
        if (shown is null) return (scene, pose);
        var options = new RenderOptions { Lighting = Lighting.Draw(random, (float)pose.Z), BackgroundImage = scene, NearMetres = 0.001 };
        ObjectView view = Renderer.Render(shown.Scaled, Camera, pose, options);
        return (random.Chance(0.33f) ? Hidden(view, Cropped(backdrop.Make(random, Width)), random) : view.Image, pose);
    }

    // The object's longest edge is a fifth to three fifths of the picture's height; any side, its own up turned by up to 30 degrees about the optical axis.
    private static RigidPose Place(SeededRandom random, double metres, System.Numerics.Vector3 up)
    {
        double share = random.Range(0.2f, 0.6f), distance = metres * Camera.FocalX / (share * Height);
        RigidPose pose = ViewSphere.Draw(random, 1, up, distance, distance, Math.PI / 6)[0];
        double x = random.Range(-0.3f, 0.3f) * Width, y = random.Range(-0.25f, 0.25f) * Height;
        return pose with { X = x * distance / Camera.FocalX, Y = y * distance / Camera.FocalY };
    }

    // A disc of another scene over up to a third of the object.
    private static RgbImage Hidden(ObjectView view, RgbImage over, SeededRandom random)
    {
        int[] on = [.. Enumerable.Range(0, view.Mask.Length).Where(at => view.Mask[at] != 0)];
        if (on.Length == 0) return view.Image;
        int centre = on[random.Below(on.Length)];
        double radius = Math.Sqrt(random.Range(0.08f, 0.33f) * on.Length / Math.PI);
        byte[] pixels = [.. view.Image.Pixels];
        for (int at = 0; at < view.Mask.Length; at++)
        {
            double dx = at % Width - centre % Width, dy = at / Width - centre / Width;
            if (dx * dx + dy * dy <= radius * radius) over.Pixels.AsSpan(3 * at, 3).CopyTo(pixels.AsSpan(3 * at));
        }
        return new RgbImage(Width, Height, pixels);
    }

    private static RgbImage Cropped(RgbImage square) => new(Width, Height, square.Pixels[..(3 * Width * Height)]);
}
