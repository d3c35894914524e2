using System.Numerics.Tensors;
using System.Runtime.InteropServices;

namespace CorrMesh.Pose.Objects;

/// <summary>Gathers the descriptors of an object's pictures and leaves out those that say nothing new.</summary>
/// <remarks>
/// A descriptor says nothing new when one that is kept lies within the radius of the same place and is at least as similar as asked for: then that
/// one stands for both, and is seen in both pictures. Kept ones are never changed, so the place of each is exact.
/// </remarks>
/// <param name="channels">Numbers of a descriptor.</param>
/// <param name="radius">Metres, above 0.</param>
/// <param name="similarity">Cosine, at most 1; above 1 nothing is left out.</param>
internal sealed class RowMerger(int channels, double radius, double similarity)
{
    private readonly Dictionary<(int, int, int), List<int>> cells = [];
    private readonly List<float> points = [];
    private readonly List<Half> descriptors = [];
    private readonly List<float> wide = [];
    private readonly List<byte> colours = [];
    private readonly List<int[]> rowsOfPicture = [];

    public int Count => points.Count / 3;

    /// <summary>Adds the descriptors of the next picture.</summary>
    /// <param name="places">[N].</param>
    /// <param name="values">[N C] of unit length.</param>
    /// <param name="pixels">[3 N].</param>
    public void Add(ReadOnlySpan<(double X, double Y, double Z)> places, ReadOnlySpan<Half> values, ReadOnlySpan<byte> pixels)
    {
        var seen = new SortedSet<int>();
        float[] row = new float[channels];
        for (int i = 0; i < places.Length; i++)
        {
            ReadOnlySpan<Half> value = values.Slice(i * channels, channels);
            TensorPrimitives.ConvertToSingle(value, row);
            int found = Find(places[i], row);
            if (found < 0) found = Keep(places[i], value, row, pixels.Slice(3 * i, 3));
            seen.Add(found);
        }
        rowsOfPicture.Add([.. seen]);
    }

    public DescriptorRows ToRows() => new(channels, [.. points], MemoryMarshal.AsBytes(CollectionsMarshal.AsSpan(descriptors)).ToArray(), [.. colours], [.. rowsOfPicture]);

    private int Find((double X, double Y, double Z) place, float[] row)
    {
        (int x, int y, int z) = Cell(place);
        int best = -1;
        float most = (float)similarity;
        ReadOnlySpan<float> all = CollectionsMarshal.AsSpan(wide), at = CollectionsMarshal.AsSpan(points);
        for (int near = 0; near < 27; near++)
        {
            if (!cells.TryGetValue((x + near % 3 - 1, y + near / 3 % 3 - 1, z + near / 9 - 1), out List<int>? rows)) continue;
            foreach (int kept in rows)
            {
                double dx = at[3 * kept] - place.X, dy = at[3 * kept + 1] - place.Y, dz = at[3 * kept + 2] - place.Z;
                if (dx * dx + dy * dy + dz * dz > radius * radius) continue;
                float cosine = TensorPrimitives.Dot(all.Slice(kept * channels, channels), row);
                if (cosine >= most) (best, most) = (kept, cosine);
            }
        }
        return best;
    }

    private int Keep((double X, double Y, double Z) place, ReadOnlySpan<Half> value, float[] row, ReadOnlySpan<byte> pixel)
    {
        int index = Count;
        points.AddRange([(float)place.X, (float)place.Y, (float)place.Z]);
        descriptors.AddRange(value);
        wide.AddRange(row);
        colours.AddRange(pixel);
        (int, int, int) cell = Cell(place);
        if (!cells.TryGetValue(cell, out List<int>? rows)) cells[cell] = rows = [];
        rows.Add(index);
        return index;
    }

    private (int, int, int) Cell((double X, double Y, double Z) place) =>
        ((int)Math.Floor(place.X / radius), (int)Math.Floor(place.Y / radius), (int)Math.Floor(place.Z / radius));
}
