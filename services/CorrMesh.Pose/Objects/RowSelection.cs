using CorrMesh.Geometry;

namespace CorrMesh.Pose.Objects;

/// <summary>Descriptors of an object that a picture is compared with, and where they are looked for.</summary>
/// <param name="Channels">Numbers of a descriptor.</param>
/// <param name="Rows">[n] of the object's, ascending.</param>
/// <param name="Points">[3 n], object frame, metres.</param>
/// <param name="Descriptors">[2 n C] bytes: float16, little-endian, of unit length.</param>
internal sealed record RowSelection(int Channels, int[] Rows, float[] Points, byte[] Descriptors)
{
    public int Count => Rows.Length;

    /// <summary>All of them, where they are.</summary>
    public static RowSelection All(DescriptorRows rows) => new(rows.Channels, [.. Enumerable.Range(0, rows.Count)], rows.Points, rows.Descriptors);

    /// <summary>Those that some pictures show, each picture's moved as it says; what several show, as the first of them says.</summary>
    public static RowSelection Of(DescriptorRows rows, IReadOnlyList<(int Picture, RigidPose Motion)> pictures)
    {
        var motions = new SortedDictionary<int, RigidPose>();
        foreach ((int picture, RigidPose motion) in pictures)
            foreach (int row in rows.RowsOfPicture[picture]) motions.TryAdd(row, motion);
        int[] taken = [.. motions.Keys];
        float[] points = new float[3 * taken.Length];
        foreach ((int i, (int row, RigidPose motion)) in motions.Index())
        {
            var point = motion.Apply((rows.Points[3 * row], rows.Points[3 * row + 1], rows.Points[3 * row + 2]));
            (points[3 * i], points[3 * i + 1], points[3 * i + 2]) = ((float)point.X, (float)point.Y, (float)point.Z);
        }
        return new RowSelection(rows.Channels, taken, points, Gather(rows.Descriptors, 2 * rows.Channels, taken));
    }

    /// <summary>At most so many of them, evenly from first to last.</summary>
    public RowSelection Thinned(int most)
    {
        if (Count <= most) return this;
        int[] kept = [.. Enumerable.Range(0, most).Select(i => (int)((long)i * Count / most))];
        return new RowSelection(Channels, [.. kept.Select(i => Rows[i])], [.. kept.SelectMany(i => Points[(3 * i)..(3 * i + 3)])], Gather(Descriptors, 2 * Channels, kept));
    }

    private static byte[] Gather(byte[] all, int size, int[] rows)
    {
        var taken = new byte[rows.Length * size];
        for (int i = 0; i < rows.Length; i++) all.AsSpan(rows[i] * size, size).CopyTo(taken.AsSpan(i * size));
        return taken;
    }
}
