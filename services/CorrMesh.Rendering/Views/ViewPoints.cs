using CorrMesh.Geometry;

namespace CorrMesh.Rendering.Views;

/// <summary>Pixels of a view with the points of the object that they show.</summary>
/// <param name="Pixels">Positions, whole numbers.</param>
/// <param name="ObjectPoints">Object frame, metres, in the same order.</param>
public sealed record ViewPoints((double X, double Y)[] Pixels, (double X, double Y, double Z)[] ObjectPoints)
{
    /// <summary>The paper's number of points a view.</summary>
    public const int PaperCount = 3000;

    /// <summary>The paper leaves out pairs of views whose rotation differs by more.</summary>
    public const double PaperMaxDegrees = 120;

    /// <summary>Draws pixels of the object evenly: each once, or, where the object has fewer than are asked for, with repeats, as the paper's code.</summary>
    /// <param name="view">With depth. Pixels of the mask whose depth is not known are left out.</param>
    /// <param name="count">How many, at least 0.</param>
    /// <param name="random">Decides.</param>
    /// <returns>As many as asked for; none when no pixel of the object has depth.</returns>
    /// <exception cref="ArgumentException">The view has no depth, or the count is negative.</exception>
    public static ViewPoints Draw(ObjectView view, int count, SeededRandom random)
    {
        ArgumentNullException.ThrowIfNull(view);
        ArgumentNullException.ThrowIfNull(random);
        if (count < 0) throw new ArgumentOutOfRangeException(nameof(count), count, $"count: at least 0 needed, {count} given");
        if (view.DepthMetres is not { } depth) throw new ArgumentException("view: depth needed, none given", nameof(view));
        int width = view.Camera.Width;
        int[] known = [.. Enumerable.Range(0, view.Mask.Length).Where(at => view.Mask[at] != 0 && depth[at] > 0)];
        if (known.Length == 0) return new ViewPoints([], []);
        var pixels = new (double X, double Y)[count];
        for (int i = 0; i < count; i++)
        {
            int pick = known.Length < count ? random.Below(known.Length) : i + random.Below(known.Length - i);
            if (known.Length >= count) (known[i], known[pick], pick) = (known[pick], known[i], i);
            pixels[i] = (known[pick] % width, known[pick] / width);
        }
        RigidPose toObject = view.ObjectToCamera.Inverse();
        return new ViewPoints(pixels, Array.ConvertAll(pixels, p => toObject.Apply(view.Camera.Unproject(p.X, p.Y, depth[(int)p.Y * width + (int)p.X]))));
    }

    /// <summary>Pairs of points, one of each set, that are one place of the object.</summary>
    /// <param name="other">Of another view of the same object.</param>
    /// <param name="distance">Metres; the paper counts what is closer than 0.005 in the unit box.</param>
    public IEnumerable<(int Own, int Other)> PairsWithin(ViewPoints other, double distance)
    {
        ArgumentNullException.ThrowIfNull(other);
        // Points by cells of the distance's size: partners lie in a point's own cell or beside it.
        var cells = other.ObjectPoints.Select((point, index) => (Cell: CellOf(point), index)).ToLookup(entry => entry.Cell, entry => entry.index);
        for (int own = 0; own < ObjectPoints.Length; own++)
        {
            var p = ObjectPoints[own];
            (long x, long y, long z) = CellOf(p);
            for (int near = 0; near < 27; near++)
                foreach (int index in cells[(x + near % 3 - 1, y + near / 3 % 3 - 1, z + near / 9 - 1)])
                {
                    var q = other.ObjectPoints[index];
                    double dx = p.X - q.X, dy = p.Y - q.Y, dz = p.Z - q.Z;
                    if (dx * dx + dy * dy + dz * dz < distance * distance) yield return (own, index);
                }
        }

        (long, long, long) CellOf((double X, double Y, double Z) point) => ((long)Math.Floor(point.X / distance), (long)Math.Floor(point.Y / distance), (long)Math.Floor(point.Z / distance));
    }
}
