using System.Numerics;
using CorrMesh.Geometry;
using CorrMesh.Rendering.Procedural;
using CorrMesh.Rendering.Raster;
using CorrMesh.Rendering.Views;
using CorrMesh.Vision.Images;

namespace CorrMesh.Training.Data;

/// <summary>Makes procedural objects seen from several sides, before random scenes, with exact correspondence by depth.</summary>
/// <remarks>
/// The answer depends on the seed, the index and the other arguments alone. One instance serves one thread at a time (it keeps its buffers). Objects have seeds below
/// <see cref="FirstEvaluationSeed"/> and families outside <see cref="HeldOutShapes"/> and <see cref="HeldOutMaterials"/>, so that nothing measured was ever trained on.
/// </remarks>
/// <param name="seed">Another seed gives other objects and views at every index.</param>
public sealed class ObjectViewGenerator(ulong seed)
{
    /// <summary>Objects from this seed on are kept for evaluation.</summary>
    public const int FirstEvaluationSeed = 1_000_000;

    // Other streams than the flat scenes'.
    private const ulong Stream = 1UL << 40;

    private readonly SeededRandom random = new(0, 0);
    private readonly SceneComposer composer = new();
    private readonly Photometry photometry = new();
    private readonly Backdrop backdrop = new();
    private readonly Raster picture = new();

    /// <summary>Shape families kept for evaluation.</summary>
    public static IReadOnlyList<string> HeldOutShapes { get; } = ["horn", "extrusion", "carved"];

    /// <summary>Material families kept for evaluation.</summary>
    public static IReadOnlyList<string> HeldOutMaterials { get; } = ["marble", "camouflage", "tiles"];

    private static readonly string[] Shapes = [.. ProceduralObjects.Shapes.Except(HeldOutShapes)], Materials = [.. ProceduralObjects.Materials.Except(HeldOutMaterials)];

    /// <summary>Makes one object and its views.</summary>
    /// <param name="index">Which draw, at least 0.</param>
    /// <param name="difficulty">0 (views up to 15 degrees apart, slight change of light) to 1 (up to 70 degrees, any light, things before the object).</param>
    /// <param name="size">Side of each view, pixels.</param>
    /// <param name="viewCount">2 to 4.</param>
    public ObjectViewSet Generate(long index, double difficulty, int size, int viewCount)
    {
        ProceduralObject made = DrawObject(index).Made;
        composer.Restart();
        backdrop.Restart();
        (Vector3 centre, Vector3 up) = (Direction(), made.Mesh.Up);
        double spread = (15 + 55 * difficulty) * Math.PI / 180, roll = 0.2 * random.Normal();
        double distance = random.Range(1.6f, 3.5f), share = random.Range(0.5f, 1);
        // Half of the scenes are lit alike in every view: what shading tells about a smooth surface is worth learning, and worth distrusting.
        Lighting? common = random.Chance(0.5f) ? DrawLighting(distance) : null;
        var views = new ObjectView[viewCount];
        var pixels = new byte[viewCount][];
        for (int view = 0; view < viewCount; view++)
        {
            Vector3 place = view == 0 ? centre : Near(centre, spread / (viewCount > 2 ? 1.5 : 1) * MathF.Sqrt(random.Unit()));
            double tilt = roll + (random.Chance(0.1f * (float)difficulty) ? random.Range(-1, 1) * 0.8 : (0.03 + 0.1 * difficulty) * random.Normal());
            // The object, half a unit or so to each side, takes the share of the picture; each view stands a little nearer or farther, and off the middle.
            double zoom = Math.Exp((0.05 + 0.2 * difficulty) * random.Normal()), focal = Math.Min(share * zoom, 1.15) * size * distance;
            double wander = Math.Max(0.08, 0.5 * (1 - share)) * 0.7 * size;
            var camera = new PinholeCamera(size, size, focal, focal, (size - 1) / 2.0 + random.Range(-1, 1) * wander, (size - 1) / 2.0 + random.Range(-1, 1) * wander);
            var options = new RenderOptions
            {
                Lighting = common ?? DrawLighting(distance),
                BackgroundImage = random.Chance(0.9f) ? backdrop.Make(random, size) : null,
                Background = new Vector3(random.Unit() * random.Unit()),
            };
            views[view] = Renderer.Render(made.Mesh, camera, ViewSphere.Looking((place.X, place.Y, place.Z), distance, up, tilt), options);
            pixels[view] = Photograph(views[view], difficulty, size);
        }
        return new ObjectViewSet(views, pixels);
    }

    /// <summary>The object of an index, as the first draws of its random sequence decide.</summary>
    internal (int Seed, ProceduralObject Made) DrawObject(long index)
    {
        random.Reseed(seed, Stream + (ulong)index);
        while (true)
        {
            int drawn = random.Below(FirstEvaluationSeed);
            ProceduralObject made = ProceduralObjects.Make((ulong)drawn, Shapes, Materials);
            if (!made.IsSymmetric) return (drawn, made);   // a symmetric one's correspondences are ambiguous
        }
    }

    // Things before the object leave its mask.
    private byte[] Photograph(ObjectView view, double difficulty, int size)
    {
        picture.Resize(size, size);
        byte[] bytes = view.Image.Pixels;
        for (int i = 0; i < size * size; i++) picture.Pixels[i] = new Vector4(bytes[3 * i], bytes[3 * i + 1], bytes[3 * i + 2], 0) / 255;
        if (random.Chance(0.3f * (float)difficulty))
            for (int count = 1 + random.Below(3); count > 0; count--)
                composer.Occlude(picture, view.Mask, random, size * random.PowerLaw(0.02f, 0.12f, 1));
        if (random.Chance(0.85f)) photometry.Apply(picture, random, (float)(0.8 * difficulty));
        else Photometry.Clamp(picture);
        return picture.ToBytes();
    }

    private Lighting DrawLighting(double distance) => random.Chance(0.5f) ? Lighting.Paper : Lighting.Draw(random, (float)distance);

    private Vector3 Direction()
    {
        float z = random.Range(-1, 1), around = random.Range(0, MathF.Tau), level = MathF.Sqrt(1 - z * z);
        return new Vector3(level * MathF.Cos(around), level * MathF.Sin(around), z);
    }

    // A direction so many radians from another, on a side drawn evenly.
    private Vector3 Near(Vector3 direction, double angle)
    {
        Vector3 side = Direction();
        side -= Vector3.Dot(side, direction) * direction;
        side = side.LengthSquared() > 1e-6f ? Vector3.Normalize(side) : Vector3.Zero;
        (double sine, double cosine) = Math.SinCos(angle);
        return (float)cosine * direction + (float)sine * side;
    }
}
