namespace CorrMesh.Pose.Objects;

/// <summary>Descriptors of an object's points, and which of its pictures show each.</summary>
/// <param name="Channels">Numbers of a descriptor.</param>
/// <param name="Points">[3 N], object frame, metres.</param>
/// <param name="Descriptors">[2 N C] bytes: float16, little-endian, of unit length.</param>
/// <param name="Colours">[3 N]: what the pictures show there, sRGB.</param>
/// <param name="RowsOfPicture">For each picture the rows that it shows, ascending.</param>
internal sealed record DescriptorRows(int Channels, float[] Points, byte[] Descriptors, byte[] Colours, int[][] RowsOfPicture)
{
    public int Count => Points.Length / 3;

    public long Bytes => 4L * Points.Length + Descriptors.Length + Colours.Length + RowsOfPicture.Sum(rows => 4L * rows.Length);

    /// <summary>The rows that some pictures show, ascending.</summary>
    public int[] Of(IEnumerable<int> pictures) => [.. pictures.SelectMany(picture => RowsOfPicture[picture]).Distinct().Order()];

    /// <summary>The descriptors of some rows, [2 n C] bytes.</summary>
    public byte[] Take(ReadOnlySpan<int> rows)
    {
        int size = 2 * Channels;
        var taken = new byte[rows.Length * size];
        for (int i = 0; i < rows.Length; i++) Descriptors.AsSpan(rows[i] * size, size).CopyTo(taken.AsSpan(i * size));
        return taken;
    }
}
