using System.Runtime.InteropServices;
using System.Security.Cryptography;
using CorrMesh.Geometry;
using CorrMesh.Rendering.Meshes;
using CorrMesh.Rendering.Raster;
using CorrMesh.Rendering.Views;
using CorrMesh.Training.Data;
using CorrMesh.Vision.Images;

namespace CorrMesh.Training.Measuring;

/// <summary>Points of one view that another sees, too.</summary>
/// <param name="Source">Position of the view that they are given in.</param>
/// <param name="Target">Position of the view that they are to be found in.</param>
/// <param name="Points">[N * 2]: x, y of object pixels' centres in the source, corner-origin.</param>
/// <param name="Truths">[N * 2]: x, y where the same places of the object are seen in the target, pixels with the origin in the first one's centre.</param>
public sealed record ProbePair(int Source, int Target, float[] Points, double[] Truths)
{
    public int PointCount => Truths.Length / 2;
}

/// <summary>Pictures of one object and true correspondences between them: what any number of models can be measured on.</summary>
public sealed class ObjectProbe
{
    // Streams of the seed.
    private const ulong PlaceStream = 1, BackdropStream = 2, PointStream = 1UL << 32;

    private ObjectProbe(string name, bool isSymmetric, int seed, IReadOnlyList<RgbImage> pictures, IReadOnlyList<ProbePair> pairs) =>
        (Name, IsSymmetric, Seed, Pictures, Pairs) = (name, isSymmetric, seed, pictures, pairs);

    public string Name { get; }

    /// <summary>A rotation maps the object onto itself, so that its correspondences are ambiguous.</summary>
    public bool IsSymmetric { get; }

    /// <summary>Of the settings that it was made by.</summary>
    public int Seed { get; }

    public IReadOnlyList<RgbImage> Pictures { get; }

    /// <summary>Both directions of each pair of views, ordered by source, then target. At least one; each has points.</summary>
    public IReadOnlyList<ProbePair> Pairs { get; }

    /// <summary>Renders an object from places drawn evenly over the sphere, by the paper's lens, distance and lamps, before random backgrounds.</summary>
    /// <param name="name">For reports.</param>
    /// <param name="mesh">Any size: it is brought into the unit box.</param>
    /// <param name="settings">Views, backgrounds and points.</param>
    /// <param name="isSymmetric">A rotation maps the object onto itself.</param>
    /// <param name="cancellation">Looked at between views.</param>
    /// <exception cref="ArgumentException">The settings have faults.</exception>
    /// <exception cref="InvalidOperationException">No two views see one place of the object.</exception>
    public static ObjectProbe Render(string name, TriangleMesh mesh, EvaluationSettings settings, bool isSymmetric = false, CancellationToken cancellation = default)
    {
        settings.Validate();
        TriangleMesh unit = mesh.ToUnitBox();
        var camera = PinholeCamera.ThirtyFive(settings.Size);
        RigidPose[] poses = ViewSphere.Draw(new SeededRandom((ulong)settings.Seed, PlaceStream), settings.ViewCount, unit.Up);
        var random = new SeededRandom((ulong)settings.Seed, BackdropStream);
        var backdrop = new Backdrop();
        var views = new List<ObjectView>();
        foreach (RigidPose pose in poses)
        {
            cancellation.ThrowIfCancellationRequested();
            views.Add(Renderer.Render(unit, camera, pose, new RenderOptions { BackgroundImage = backdrop.Make(random, settings.Size), Threads = settings.Threads }));
        }
        return FromViews(name, views, settings, isSymmetric, cancellation);
    }

    /// <summary>Takes views as they are, also photographs; they decide size and background.</summary>
    /// <param name="name">For reports.</param>
    /// <param name="views">With depth, 2 or more; none of them is to have been trained on.</param>
    /// <param name="settings">Angle, points and seed.</param>
    /// <param name="isSymmetric">A rotation maps the object onto itself.</param>
    /// <param name="cancellation">Looked at between pairs.</param>
    /// <exception cref="ArgumentException">The settings have faults, or a view has no depth.</exception>
    /// <exception cref="InvalidOperationException">No two views see one place of the object.</exception>
    public static ObjectProbe FromViews(string name, IReadOnlyList<ObjectView> views, EvaluationSettings settings, bool isSymmetric = false, CancellationToken cancellation = default)
    {
        settings.Validate();
        for (int i = 0; i < views.Count; i++)
            if (views[i].DepthMetres is null) throw new ArgumentException($"views[{i}]: depth needed to know what another view sees, none given", nameof(views));
        var pairs = new List<ProbePair>();
        for (int source = 0; source < views.Count; source++)
        {
            (int X, int Y, (double X, double Y, double Z) Place)[] pixels = [.. ObjectPixels(views[source])];
            for (int target = 0; target < views.Count; target++)
            {
                cancellation.ThrowIfCancellationRequested();
                if (target == source || views[source].ObjectToCamera.AngleTo(views[target].ObjectToCamera) > settings.MaxAngle) continue;
                var random = new SeededRandom((ulong)settings.Seed, PointStream | (uint)(source * views.Count + target));
                if (Seen(pixels, views[target], random, settings.PointCount) is { PointCount: > 0 } seen) pairs.Add(seen with { Source = source, Target = target });
            }
        }
        if (pairs.Count == 0)
            throw new InvalidOperationException($"object '{name}': two views within max_angle {settings.MaxAngle} that see one place of it needed, none among {views.Count}");
        return new ObjectProbe(name, isSymmetric, settings.Seed, [.. views.Select(view => view.Image)], pairs);
    }

    /// <summary>SHA-256 of the pictures and the correspondences: equal digests mean that models were measured on the same.</summary>
    public string Digest()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (RgbImage picture in Pictures)
        {
            hash.AppendData(MemoryMarshal.AsBytes<int>([picture.Width, picture.Height]));
            hash.AppendData(picture.Pixels);
        }
        foreach (ProbePair pair in Pairs)
        {
            hash.AppendData(MemoryMarshal.AsBytes<int>([pair.Source, pair.Target]));
            hash.AppendData(MemoryMarshal.AsBytes<float>(pair.Points));
            hash.AppendData(MemoryMarshal.AsBytes<double>(pair.Truths));
        }
        return "sha256:" + Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static IEnumerable<(int X, int Y, (double X, double Y, double Z) Place)> ObjectPixels(ObjectView view)
    {
        RigidPose cameraToObject = view.ObjectToCamera.Inverse();
        PinholeCamera camera = view.Camera;
        for (int y = 0; y < camera.Height; y++)
            for (int x = 0; x < camera.Width; x++)
            {
                int at = y * camera.Width + x;
                float depth = view.DepthMetres![at];
                if (view.Mask[at] != 0 && depth > 0) yield return (x, y, cameraToObject.Apply(camera.Unproject(x, y, depth)));
            }
    }

    private static ProbePair Seen((int X, int Y, (double X, double Y, double Z) Place)[] pixels, ObjectView target, SeededRandom random, int most)
    {
        var seen = new List<(int X, int Y, double TrueX, double TrueY)>();
        foreach ((int x, int y, (double X, double Y, double Z) place) in pixels)
            if (target.See(place) is { } truth) seen.Add((x, y, truth.X, truth.Y));
        int count = Math.Min(most, seen.Count);

        // The first places of a Fisher-Yates shuffle.
        for (int i = 0; i < count && count < seen.Count; i++)
        {
            int other = i + random.Below(seen.Count - i);
            (seen[i], seen[other]) = (seen[other], seen[i]);
        }
        var pair = new ProbePair(0, 0, new float[2 * count], new double[2 * count]);
        for (int i = 0; i < count; i++)
        {
            (pair.Points[2 * i], pair.Points[2 * i + 1]) = (seen[i].X + 0.5f, seen[i].Y + 0.5f);
            (pair.Truths[2 * i], pair.Truths[2 * i + 1]) = (seen[i].TrueX, seen[i].TrueY);
        }
        return pair;
    }
}
