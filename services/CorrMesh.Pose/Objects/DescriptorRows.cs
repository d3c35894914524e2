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
}
