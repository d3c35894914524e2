using CorrMesh.Geometry;
using CorrMesh.Rendering.Augmentation;
using CorrMesh.Rendering.Meshes;
using CorrMesh.Rendering.Raster;
using CorrMesh.Rendering.Views;
using CorrMesh.Training.Finetuning;

namespace CorrMesh.Training.Jobs;

/// <summary>Pictures of one mesh from all sides, as the paper renders its objects: each drawn once, when it is first asked for, and kept.</summary>
public sealed class MeshViews : ITrainingViews
{
    /// <summary>The paper's number: corners and edge middles of an icosahedron.</summary>
    public const int PaperCount = 42;

    /// <summary>Fewest and most views; 128 of them take about 0.5 GB.</summary>
    public const int MinCount = 8, MaxCount = 128;

    private const int Size = 512;

    // Streams of the recipe's seed, and of an augmentation's.
    private const ulong PlaceStream = 0x504C_4143_4553, AugmentationStream = 0x4155_474D;

    private readonly RigidPose[] poses;
    private readonly Lazy<(ObjectView View, float[] Points, float[] ObjectPoints)>[] views;

    /// <param name="mesh">Scaled to the unit box here.</param>
    /// <param name="name">The object's.</param>
    /// <param name="count">Views; <see cref="PaperCount"/> for the paper's places, any other number for places drawn evenly over the sphere.</param>
    /// <param name="seed">Decides those.</param>
    /// <exception cref="MeshRejectedException">The mesh has no extent.</exception>
    public MeshViews(TriangleMesh mesh, string name, int count, int seed)
    {
        ArgumentNullException.ThrowIfNull(mesh);
        if (count is < MinCount or > MaxCount) throw new ArgumentException($"view_count: {MinCount} to {MaxCount} needed, {count} given", nameof(count));
        TriangleMesh unit = mesh.ToUnitBox();
        Objects = [name];
        poses = count == PaperCount ? ViewSphere.Icosphere(unit.Up) : ViewSphere.Draw(new SeededRandom((ulong)seed, PlaceStream), count, unit.Up);
        views = [.. poses.Select(pose => new Lazy<(ObjectView, float[], float[])>(() => Draw(unit, pose)))];
    }

    public IReadOnlyList<string> Objects { get; }

    public int CountViews(int objectIndex) => poses.Length;

    public double AngleBetween(int objectIndex, int first, int second) => poses[first].AngleTo(poses[second]);

    public TrainingView Load(int objectIndex, int viewIndex, ulong? augmentation)
    {
        (ObjectView view, float[] points, float[] objectPoints) = views[viewIndex].Value;
        if (augmentation is not { } seed) return new TrainingView(view.Image, points, objectPoints);
        AugmentedView changed = ViewAugmenter.Apply(view.Image, view.Mask, new SeededRandom(seed, AugmentationStream));
        Homography movement = changed.Movement.ToCornerOrigin();
        var moved = new float[points.Length];
        for (int i = 0; i < points.Length; i += 2)
        {
            (double x, double y) = movement.Apply(points[i], points[i + 1]);
            (moved[i], moved[i + 1]) = ((float)x, (float)y);
        }
        return new TrainingView(changed.Image, moved, objectPoints);
    }

    private static (ObjectView View, float[] Points, float[] ObjectPoints) Draw(TriangleMesh mesh, RigidPose pose)
    {
        ObjectView view = Renderer.Render(mesh, PinholeCamera.ThirtyFive(Size), pose);
        RigidPose cameraToObject = pose.Inverse();
        List<float> points = [], objectPoints = [];
        for (int y = 0; y < Size; y++)
        {
            for (int x = 0; x < Size; x++)
            {
                float depth = view.DepthMetres![y * Size + x];
                if (view.Mask[y * Size + x] == 0 || !(depth > 0)) continue;
                (double objectX, double objectY, double objectZ) = cameraToObject.Apply(view.Camera.Unproject(x, y, depth));
                points.AddRange(x + 0.5f, y + 0.5f);
                objectPoints.AddRange((float)objectX, (float)objectY, (float)objectZ);
            }
        }
        return (view, [.. points], [.. objectPoints]);
    }
}
