using System.Diagnostics;
using System.Globalization;
using System.Numerics;
using CorrMesh.Geometry;
using CorrMesh.Metrics;
using CorrMesh.Pose.Objects;
using CorrMesh.Pose.Symmetries;
using CorrMesh.Rendering.Files;
using CorrMesh.Rendering.Meshes;
using CorrMesh.TestKit;
using CorrMesh.Vision.Images;
using Xunit;

namespace CorrMesh.Pose.Tests.Symmetries;

public sealed class SymmetryDetectorTests
{
    private static readonly Vector3 Grey = new(0.4f);

    // Directions and places of found symmetries, against what the shape's equation says.
    private const double DegreesOff = 1;

    // Goal: the rotations of known solids, all of them and no more. Method: number of discrete motions and of axes.
    [Theory]
    [InlineData("box", 3, 0)]
    [InlineData("square prism", 7, 0)]
    [InlineData("cube", 23, 0)]
    [InlineData("icosahedron", 59, 0)]
    [InlineData("pentagon prism", 9, 0)]
    [InlineData("prism of 12", 23, 0)]
    [InlineData("prism of 24", 1, 1)]
    [InlineData("pyramid", 3, 0)]
    [InlineData("cylinder", 1, 1)]
    [InlineData("cylinder of equal moments", 1, 1)]
    [InlineData("open tube", 1, 1)]
    [InlineData("cone", 0, 1)]
    [InlineData("ball", 0, 2)]
    [InlineData("plate", 3, 0)]
    [InlineData("mug", 0, 0)]
    [InlineData("two handles", 1, 0)]
    [InlineData("letter L", 1, 0)]
    [InlineData("bent wedge", 0, 0)]
    public void Detect_Solid_FindsItsRotations(string name, int discrete, int axes)
    {
        TriangleMesh mesh = Shape(name);
        SymmetrySet found = Timed(mesh, name);
        Assert.Equal((discrete, axes), (found.Discrete.Count, found.Continuous.Count));
        RequireGroup(found);
    }

    // Goal: the motions are the right ones, in the mesh's own frame and unit. Method: solids somewhere else and at another
    // scale; each motion must map the corners onto corners.
    [Theory]
    [InlineData("box", 1, 3)]
    [InlineData("square prism", 0.001f, 7)]
    [InlineData("pentagon prism", 200, 9)]
    public void Detect_MovedAndScaled_MotionsMoveWithIt(string name, float scale, int discrete)
    {
        TriangleMesh mesh = Moved(Shape(name), scale);
        SymmetrySet found = Timed(mesh, $"{name}, moved");
        Assert.Equal((discrete, 0), (found.Discrete.Count, found.Continuous.Count));
        float worst = 0;
        foreach (RigidPose motion in found.Discrete)
            foreach (Vector3 corner in mesh.Positions)
            {
                (double x, double y, double z) = motion.Apply((corner.X, corner.Y, corner.Z));
                worst = MathF.Max(worst, mesh.Positions.Min(other => Vector3.Distance(other, new Vector3((float)x, (float)y, (float)z))));
            }
        Assert.InRange(worst / scale, 0, 0.01);
    }

    // Goal: the axis of a cylinder lies where the cylinder's does. Method: a moved one; direction, and distance of the axis from the middle.
    [Fact]
    public void Detect_MovedCylinder_AxisMovesWithIt()
    {
        TriangleMesh mesh = Moved(Shape("cylinder"), 0.1f);
        SymmetrySet found = SymmetryDetector.Detect(mesh);
        SymmetryAxis axis = Assert.Single(found.Continuous);
        Vector3 direction = Vector3.Transform(Vector3.UnitZ, Turn), middle = 0.1f * Shift;
        var way = new Vector3((float)axis.Direction.X, (float)axis.Direction.Y, (float)axis.Direction.Z);
        Assert.InRange(Degrees(direction, way), 0, DegreesOff);
        Vector3 offset = new Vector3((float)axis.Offset.X, (float)axis.Offset.Y, (float)axis.Offset.Z) - middle;
        Assert.InRange(Vector3.Cross(offset, direction).Length(), 0, 0.0005f);
        (double x, double y, double z) = Assert.Single(found.Discrete).Apply((middle.X, middle.Y, middle.Z));
        Assert.InRange(Vector3.Distance(middle, new Vector3((float)x, (float)y, (float)z)), 0, 0.0005f);
        Assert.InRange(Degrees(direction, Rotated(found.Discrete[0], direction)), 0, 2 * DegreesOff);
    }

    // Goal: what colours tell apart is not symmetric, and what they repeat is. Method: solids that are painted, by textures and by colours at vertices.
    [Theory]
    [InlineData("cylinder with a dot", 0, 0)]
    [InlineData("cylinder with a texture", 0, 0)]
    [InlineData("cylinder with a ring", 0, 1)]
    [InlineData("cylinder with a ring in the middle", 1, 1)]
    [InlineData("cylinder with stripes", 7, 0)]
    [InlineData("cylinder with grain", 1, 1)]
    [InlineData("printed box", 0, 0)]
    [InlineData("box with a red side", 1, 0)]
    [InlineData("cube with a red side", 3, 0)]
    [InlineData("ball with a dot", 0, 1)]
    [InlineData("patterned ball", 0, 0)]
    public void Detect_Painted_ColoursCount(string name, int discrete, int axes)
    {
        SymmetrySet found = Timed(Shape(name), name);
        Assert.Equal((discrete, axes), (found.Discrete.Count, found.Continuous.Count));
        RequireGroup(found);
    }

    // Goal: a scan's noise does not hide symmetries. Method: finely cut solids, each vertex moved by a normal deviate that is a share of the diameter: less
    // where slivers of faces meet, which it turns the most.
    [Theory]
    [InlineData("box", 0.002f, 3, 0)]
    [InlineData("square prism", 0.002f, 7, 0)]
    [InlineData("cylinder", 0.001f, 1, 1)]
    [InlineData("cone", 0.001f, 0, 1)]
    public void Detect_NoisyVertices_SameSymmetries(string name, float share, int discrete, int axes)
    {
        TriangleMesh mesh = Noisy(Refined(Shape(name), 0.05f), share);
        SymmetrySet found = Timed(mesh, $"{name}, noisy");
        Assert.Equal((discrete, axes), (found.Discrete.Count, found.Continuous.Count));
    }

    // Goal: real objects are what people say they are. Method: files of several kinds. The bottle has a symmetric shape but another print on
    // each side, on hundredths of its surface; the others differ in shape.
    [Theory]
    [InlineData("WaterBottle/WaterBottle.gltf", 0, 0)]
    [InlineData("Avocado/Avocado.gltf", 0, 0)]
    [InlineData("BoomBox/BoomBox.gltf", 0, 0)]
    [InlineData("Duck.glb", 0, 0)]
    [InlineData("CesiumMilkTruck.glb", 0, 0)]
    [InlineData("ycb_banana/textured_simple_reoriented.obj", 0, 0)]
    [InlineData("plain/cow.obj", 0, 0)]
    [InlineData("plain/spot.obj", 0, 0)]
    [InlineData("plain/suzanne.obj", 0, 0)]
    [InlineData("plain/teapot.obj", 0, 0)]
    public void Detect_RealMesh_WhatPeopleSay(string name, int discrete, int axes)
    {
        SymmetrySet found = Timed(MeshFile.Load(SharedData.Require($"data/meshes/{name}")), name);
        Assert.Equal((discrete, axes), (found.Discrete.Count, found.Continuous.Count));
    }

    // Goal: many faces take no longer than a request may. Method: a ball and a mug of more than 100,000 faces; only a generous bound, as cores are shared.
    [Theory]
    [InlineData("ball", 0, 2)]
    [InlineData("mug", 0, 0)]
    public void Detect_ManyFaces_TimeIsBounded(string name, int discrete, int axes)
    {
        TriangleMesh mesh = Shape(name);
        while (mesh.FaceCount < 100_000) mesh = Split(mesh);
        long started = Stopwatch.GetTimestamp();
        SymmetrySet found = Timed(mesh, $"{name}, {mesh.FaceCount} faces");
        Assert.Equal((discrete, axes), (found.Discrete.Count, found.Continuous.Count));
        Assert.InRange(Stopwatch.GetElapsedTime(started).TotalSeconds, 0, 20);
    }

    // Goal: the same mesh gives the same answer. Method: twice, compared exactly.
    [Fact]
    public void Detect_Twice_Same()
    {
        SymmetrySet first = SymmetryDetector.Detect(Shape("pyramid")), second = SymmetryDetector.Detect(Shape("pyramid"));
        Assert.Equal(first.Discrete, second.Discrete);
    }

    // Goal: degenerate meshes have no symmetries, rather than an exception. Method: no area; a single triangle; a speck far from the origin.
    [Fact]
    public void Detect_Degenerate_None()
    {
        Vector3[] line = [Vector3.Zero, Vector3.UnitX, 2 * Vector3.UnitX], point = [Vector3.One, Vector3.One, Vector3.One];
        Assert.True(SymmetryDetector.Detect(Mesh(line, [0, 1, 2])).IsEmpty);
        Assert.True(SymmetryDetector.Detect(Mesh(point, [0, 1, 2])).IsEmpty);
        Vector3[] triangle = [Vector3.Zero, 3 * Vector3.UnitX, new(0.6f, 1.4f, 0)];
        Assert.True(SymmetryDetector.Detect(Mesh(triangle, [0, 1, 2])).IsEmpty);
    }

    // Goal: what is declared stays, and what is found beside it comes once. Method: a cylinder and a cube, with some, other or none of their symmetries declared.
    [Fact]
    public void Extend_Declared_DuplicatesDropped()
    {
        TriangleMesh cylinder = Shape("cylinder"), cube = Shape("cube");
        var axis = new SymmetryAxis((0, 0, -1), (0, 0, 5));
        RigidPose flip = RigidPose.FromQuaternion(0.6, 0.8, 0, 0);
        SymmetrySet all = SymmetryDetector.Extend(new SymmetrySet([flip], [axis]), cylinder);
        Assert.Equal([flip], all.Discrete);
        Assert.Equal([axis], all.Continuous);
        SymmetrySet one = SymmetryDetector.Extend(new SymmetrySet([], [axis]), cylinder);
        Assert.Single(one.Discrete);
        Assert.Equal([axis], one.Continuous);
        Assert.Equal((1, 1), Counts(SymmetryDetector.Extend(SymmetrySet.None, cylinder)));
        RigidPose quarter = RigidPose.FromQuaternion(0, 0, Math.Sqrt(0.5), Math.Sqrt(0.5));
        SymmetrySet added = SymmetryDetector.Extend(new SymmetrySet([quarter], []), cube);
        Assert.Equal((23, 0), Counts(added));
        Assert.Equal(quarter, added.Discrete[0]);
    }

    private static (int, int) Counts(SymmetrySet set) => (set.Discrete.Count, set.Continuous.Count);

    private static SymmetrySet Timed(TriangleMesh mesh, string name)
    {
        long started = Stopwatch.GetTimestamp();
        SymmetrySet found = SymmetryDetector.Detect(mesh);
        TestContext.Current.TestOutputHelper!.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name}: {found.Discrete.Count} discrete, {found.Continuous.Count} continuous, {Stopwatch.GetElapsedTime(started).TotalMilliseconds:F0} ms"));
        return found;
    }

    // Any two motions together are a third, or none.
    private static void RequireGroup(SymmetrySet found)
    {
        if (found.Continuous.Count > 0) return;
        foreach (RigidPose one in found.Discrete)
            foreach (RigidPose other in found.Discrete)
                Assert.InRange(found.Discrete.Prepend(RigidPose.Identity).Min(motion => motion.AngleTo(one * other)), 0, 0.1);
    }

    private static readonly Quaternion Turn = Quaternion.CreateFromAxisAngle(Vector3.Normalize(new Vector3(0.3f, -0.5f, 0.7f)), 1.1f);
    private static readonly Vector3 Shift = new(0.7f, -0.2f, 1.3f);

    private static TriangleMesh Moved(TriangleMesh mesh, float scale) => new(
        Array.ConvertAll(mesh.Positions, p => scale * (Vector3.Transform(p, Turn) + Shift)), mesh.Indices, mesh.Parts, null,
        mesh.TextureCoordinates.Length > 0 ? mesh.TextureCoordinates : null, mesh.Colours.Length > 0 ? mesh.Colours : null);

    private static Vector3 Rotated(RigidPose motion, Vector3 v)
    {
        (double x, double y, double z) = motion.Rotate((v.X, v.Y, v.Z));
        return new Vector3((float)x, (float)y, (float)z);
    }

    // Between lines.
    private static double Degrees(Vector3 one, Vector3 other) => double.RadiansToDegrees(Math.Acos(Math.Min(1, Math.Abs(Vector3.Dot(one, other)) / one.Length() / other.Length())));

    private static TriangleMesh Shape(string name) => name switch
    {
        "box" => Box(new(0.3f, 0.5f, 0.8f)),
        "square prism" => Box(new(0.4f, 0.4f, 0.7f)),
        "cube" => Box(new(0.5f)),
        "icosahedron" => Icosahedron(),
        "pentagon prism" => Lathe(5, (0, -0.4f), (0.5f, -0.4f), (0.5f, 0.4f), (0, 0.4f)),
        "prism of 12" => Lathe(12, (0, -0.5f), (0.5f, -0.5f), (0.5f, 0.5f), (0, 0.5f)),
        "prism of 24" => Lathe(24, (0, -0.5f), (0.5f, -0.5f), (0.5f, 0.5f), (0, 0.5f)),
        "pyramid" => Lathe(4, (0, -0.5f), (0.5f, -0.5f), (0, 0.5f)),
        "cylinder" => Cylinder(),
        "cylinder of equal moments" => Lathe(64, (0, -0.354f), (0.4f, -0.354f), (0.4f, 0.354f), (0, 0.354f)),
        "open tube" => Lathe(48, (0.3f, -0.5f), (0.3f, 0.5f)),
        "cone" => Lathe(64, (0, -0.5f), (0.5f, -0.5f), (0, 0.5f)),
        "ball" => Ball(_ => Grey),
        "plate" => Mesh([new(-1, -0.6f, 0), new(1, -0.6f, 0), new(1, 0.6f, 0), new(-1, 0.6f, 0)], [0, 1, 2, 0, 2, 3]),
        "mug" => Join(Lathe(64, (0, -0.45f), (0.4f, -0.45f), (0.4f, 0.45f), (0.36f, 0.45f), (0.36f, -0.4f), (0, -0.4f)), Handle(1)),
        "two handles" => Join(Lathe(64, (0, -0.45f), (0.4f, -0.45f), (0.4f, 0.45f), (0.36f, 0.45f), (0.36f, -0.4f), (0, -0.4f)), Join(Handle(1), Handle(-1))),
        "letter L" => Extruded(0.2f, new(0, 0), new(1, 0), new(1, 0.3f), new(0.3f, 0.3f), new(0.3f, 1), new(0, 1)),
        "bent wedge" => Extruded(0.3f, new(0, 0), new(1, 0), new(0.2f, 0.9f)) is var flat
            ? Mesh([.. flat.Positions.Select(p => p.Z > 0 ? p + new Vector3(0.2f, 0.1f, 0.1f * p.X) : p)], flat.Indices) : flat,
        "cylinder with a dot" => Painted(Refined(Cylinder(), 0.03f), p => p.X > 0 && new Vector2(p.Y, p.Z - 0.15f).Length() < 0.12f ? Red : Grey),
        "cylinder with a texture" => Textured((u, v) => (u * 7 % 1 > 0.5f) ^ (v > 0.2f + 0.3f * u)),
        "cylinder with a ring" => Textured((_, v) => v is > 0.6f and < 0.8f),
        "cylinder with a ring in the middle" => Textured((_, v) => v is > 0.4f and < 0.6f),
        "cylinder with stripes" => Textured((u, _) => u * 4 % 1 < 0.5f),
        "cylinder with grain" => Painted(Refined(Cylinder(), 0.012f), p => Grey + new Vector3(0.2f * (Noise(4000 * p) - 0.5f))),
        "printed box" => PrintedBox(),
        "box with a red side" => Painted(Refined(Box(new(0.3f, 0.5f, 0.8f)), 0.04f), p => p.X > 0.299f ? Red : Grey),
        "cube with a red side" => Painted(Refined(Box(new(0.5f)), 0.04f), p => p.X > 0.499f ? Red : Grey),
        "ball with a dot" => Ball(p => p.Z > 0.42f ? Red : Grey),
        "patterned ball" => Ball(p => Noise(8 * p) > 0.5f ? Red : Grey),
        _ => throw new ArgumentOutOfRangeException(nameof(name)),
    };

    // One number for each cell of size 1.
    private static float Noise(Vector3 p) => new SeededRandom((ulong)(((int)MathF.Floor(p.X) * 8191L + (int)MathF.Floor(p.Y)) * 8191 + (int)MathF.Floor(p.Z)), 1).Unit();

    private static readonly Vector3 Red = new(0.6f, 0.05f, 0.05f);

    private static TriangleMesh Mesh(Vector3[] positions, int[] indices) => new(positions, indices, [new MeshPart(0, indices.Length, new Material { BaseColour = Grey })]);

    private static TriangleMesh Box(Vector3 half)
    {
        Vector3[] corners = [.. Enumerable.Range(0, 8).Select(i => new Vector3((i & 1) == 0 ? -half.X : half.X, (i & 2) == 0 ? -half.Y : half.Y, (i & 4) == 0 ? -half.Z : half.Z))];
        return Mesh(corners, [0, 2, 1, 1, 2, 3, 4, 5, 6, 5, 7, 6, 0, 1, 4, 1, 5, 4, 2, 6, 3, 3, 6, 7, 0, 4, 2, 2, 4, 6, 1, 3, 5, 3, 7, 5]);
    }

    private static TriangleMesh Icosahedron()
    {
        float g = (1 + MathF.Sqrt(5)) / 2;
        Vector3[] corners = [.. from a in new[] { -1f, 1f } from b in new[] { -g, g } from p in new Vector3[] { new(0, a, b), new(a, b, 0), new(b, 0, a) } select p];
        int[] all = [.. Enumerable.Range(0, corners.Length)];
        int[] faces = [.. from i in all from j in all from k in all where i < j && j < k && Near(i, j) && Near(j, k) && Near(i, k) from index in new[] { i, j, k } select index];
        return Mesh(corners, faces);

        bool Near(int i, int j) => Vector3.Distance(corners[i], corners[j]) < 2.1f;
    }

    // A polygon turned about z; its profile is (radius, height).
    private static TriangleMesh Lathe(int sides, params (float Radius, float Height)[] profile)
    {
        var positions = new List<Vector3>();
        var indices = new List<int>();
        for (int i = 0; i < sides; i++)
        {
            (float sine, float cosine) = MathF.SinCos(MathF.Tau * i / sides);
            positions.AddRange(profile.Select(p => new Vector3(p.Radius * cosine, p.Radius * sine, p.Height)));
            for (int k = 0; k + 1 < profile.Length; k++)
            {
                int a = i * profile.Length + k, b = (i + 1) % sides * profile.Length + k;
                indices.AddRange([a, b, a + 1, b, b + 1, a + 1]);
            }
        }
        return Mesh([.. positions], [.. indices]);
    }

    private static TriangleMesh Cylinder() => Lathe(64, (0, -0.6f), (0.3f, -0.6f), (0.3f, 0.6f), (0, 0.6f));

    private static TriangleMesh Ball(Func<Vector3, Vector3> colour) =>
        Painted(Lathe(128, [.. Enumerable.Range(0, 65).Select(i => (0.5f * MathF.Sin(MathF.PI * i / 64), -0.5f * MathF.Cos(MathF.PI * i / 64)))]), colour);

    // Half a ring beside a mug.
    private static TriangleMesh Handle(int side)
    {
        const int columns = 12, rows = 24;
        Vector3[] positions = [.. from row in Enumerable.Range(0, rows + 1) from column in Enumerable.Range(0, columns) select At(MathF.PI * row / rows, MathF.Tau * column / columns)];
        int[] indices =
        [
            .. from row in Enumerable.Range(0, rows) from column in Enumerable.Range(0, columns)
               let a = row * columns + column let b = row * columns + (column + 1) % columns
               from index in new[] { a, b, a + columns, b, b + columns, a + columns } select index,
        ];
        return Mesh(positions, indices);

        Vector3 At(float along, float around) => new(
            side * (0.39f + MathF.Sin(along) * (0.22f + 0.04f * MathF.Cos(around))), 0.04f * MathF.Sin(around), MathF.Cos(along) * (0.25f + 0.04f * MathF.Cos(around)));
    }

    private static TriangleMesh Extruded(float height, params Vector2[] outline)
    {
        int n = outline.Length;
        Vector3[] positions = [.. outline.Select(p => new Vector3(p, 0)), .. outline.Select(p => new Vector3(p, height))];
        var indices = new List<int>();
        for (int i = 0; i < n; i++) indices.AddRange([i, (i + 1) % n, n + i, (i + 1) % n, n + (i + 1) % n, n + i]);
        // The letter's corners are numbered so that a fan from the inner one covers it; a triangle's from any.
        int hub = n == 6 ? 3 : 0;
        for (int i = 1; i + 1 < n; i++)
            foreach (int level in new[] { 0, n }) indices.AddRange([level + hub, level + (hub + i) % n, level + (hub + i + 1) % n]);
        return Mesh(positions, [.. indices]);
    }

    private static TriangleMesh Join(TriangleMesh one, TriangleMesh other) =>
        Mesh([.. one.Positions, .. other.Positions], [.. one.Indices, .. other.Indices.Select(index => index + one.Positions.Length)]);

    // Each face in four.
    private static TriangleMesh Split(TriangleMesh mesh)
    {
        var positions = new List<Vector3>(mesh.Positions);
        var middles = new Dictionary<(int, int), int>();
        var indices = new List<int>(4 * mesh.Indices.Length);
        for (int i = 0; i < mesh.Indices.Length; i += 3)
        {
            (int a, int b, int c) = (mesh.Indices[i], mesh.Indices[i + 1], mesh.Indices[i + 2]);
            (int ab, int bc, int ca) = (Middle(a, b), Middle(b, c), Middle(c, a));
            indices.AddRange([a, ab, ca, b, bc, ab, c, ca, bc, ab, bc, ca]);
        }
        return Mesh([.. positions], [.. indices]);

        int Middle(int a, int b)
        {
            (int, int) key = (Math.Min(a, b), Math.Max(a, b));
            if (middles.TryGetValue(key, out int at)) return at;
            positions.Add((positions[a] + positions[b]) / 2);
            return middles[key] = positions.Count - 1;
        }
    }

    // Longest edges are halved until none is longer.
    private static TriangleMesh Refined(TriangleMesh mesh, float edge)
    {
        var positions = new List<Vector3>(mesh.Positions);
        var middles = new Dictionary<(int, int), int>();
        var open = new Stack<(int A, int B, int C)>();
        var indices = new List<int>();
        for (int i = 0; i < mesh.Indices.Length; i += 3) open.Push((mesh.Indices[i], mesh.Indices[i + 1], mesh.Indices[i + 2]));
        while (open.TryPop(out var face))
        {
            (int a, int b, int c) = face;
            float ab = Vector3.Distance(positions[a], positions[b]), bc = Vector3.Distance(positions[b], positions[c]), ca = Vector3.Distance(positions[c], positions[a]);
            if (MathF.Max(ab, MathF.Max(bc, ca)) <= edge)
            {
                indices.AddRange([a, b, c]);
                continue;
            }
            if (bc >= ab && bc >= ca) (a, b, c) = (b, c, a);
            else if (ca >= ab) (a, b, c) = (c, a, b);
            (int, int) key = (Math.Min(a, b), Math.Max(a, b));
            if (!middles.TryGetValue(key, out int middle))
            {
                middles[key] = middle = positions.Count;
                positions.Add((positions[a] + positions[b]) / 2);
            }
            open.Push((a, middle, c));
            open.Push((middle, b, c));
        }
        return Mesh([.. positions], [.. indices]);
    }

    private static TriangleMesh Painted(TriangleMesh mesh, Func<Vector3, Vector3> colour) =>
        new(mesh.Positions, mesh.Indices, [new MeshPart(0, mesh.Indices.Length, new Material())], colours: Array.ConvertAll(mesh.Positions, p => colour(p)));

    private static TriangleMesh Noisy(TriangleMesh mesh, float share)
    {
        (Vector3 least, Vector3 greatest) = mesh.Bounds();
        var random = new SeededRandom(11, 1);
        float size = share * (greatest - least).Length();
        return Mesh(Array.ConvertAll(mesh.Positions, p => p + size * new Vector3(Normal(), Normal(), Normal())), mesh.Indices);

        float Normal() => MathF.Sqrt(-2 * MathF.Log(1 - random.Unit())) * MathF.Cos(MathF.Tau * random.Unit());
    }

    private static Texture Picture(Func<float, float, bool> isDark) => new(new RgbImage(256, 256,
        [.. from y in Enumerable.Range(0, 256) from x in Enumerable.Range(0, 256) from level in isDark((x + 0.5f) / 256, (y + 0.5f) / 256) ? new byte[] { 40, 40, 160 } : [220, 210, 190] select level]));

    // A cylinder without ends, a picture around it.
    private static TriangleMesh Textured(Func<float, float, bool> isDark)
    {
        const int columns = 64;
        (Vector3 At, Vector2 Texture)[] corners = [.. Enumerable.Range(0, 2 * (columns + 1)).Select(i => (i / 2 / (float)columns, i % 2) is var (u, v) ? (new Vector3(0.3f * MathF.Cos(MathF.Tau * u), 0.3f * MathF.Sin(MathF.Tau * u), 1.2f * (v - 0.5f)), new Vector2(u, v)) : default)];
        int[] indices = [.. Enumerable.Range(0, columns).SelectMany(i => new[] { 2 * i, 2 * i + 2, 2 * i + 1, 2 * i + 2, 2 * i + 3, 2 * i + 1 })];
        return new TriangleMesh([.. corners.Select(corner => corner.At)], indices, [new MeshPart(0, indices.Length, new Material { Pattern = Picture(isDark) })], textureCoordinates: [.. corners.Select(corner => corner.Texture)]);
    }

    // Lettering of blocks on every side, each side another part of the picture.
    private static TriangleMesh PrintedBox()
    {
        TriangleMesh box = Box(new(0.3f, 0.5f, 0.8f));
        int[] indices = [.. Enumerable.Range(0, box.Indices.Length)];
        Vector2[] coordinates = [.. indices.Select(i => (i / 6, box.Positions[box.Indices[i]]) is var (side, p) ? new Vector2((side % 3 + (side / 2 == 2 ? p.Y + 0.5f : (p.X + 0.3f) / 0.6f)) / 3, (side / 3 + (side / 2 == 0 ? p.Y + 0.5f : (p.Z + 0.8f) / 1.6f)) / 2) : default)];
        return new TriangleMesh(
            [.. indices.Select(i => box.Positions[box.Indices[i]])], indices, [new MeshPart(0, indices.Length, new Material { Pattern = Picture((u, v) => Noise(new Vector3(24 * u, 24 * v, 0)) > 0.6f) })], textureCoordinates: coordinates);
    }
}
