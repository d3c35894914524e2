using CorrMesh.Vision.Features;

namespace CorrMesh.Vision.Similarity;

/// <summary>Where the whole pixels of one image axis fall between its tokens.</summary>
/// <remarks>
/// A cell is the span between two neighbouring tokens (one cell without extent when there is a single token), cut into
/// <see cref="Parts"/> equal parts. A part may hold no pixel, when tokens are denser than pixels.
/// </remarks>
internal sealed class AxisSamples
{
    /// <summary>Parts a cell is cut into for bounding.</summary>
    public const int Parts = 4;

    private AxisSamples(int[] pixels, double[] fractions, int[] starts)
    {
        Pixels = pixels;
        Fractions = fractions;
        Starts = starts;
    }

    /// <summary>Pixel of each sample, ascending.</summary>
    public int[] Pixels { get; }

    /// <summary>Position of each sample inside its cell, 0 at the first token and 1 at the second.</summary>
    public double[] Fractions { get; }

    /// <summary>[cells * Parts + 1] first sample of each part of each cell.</summary>
    public int[] Starts { get; }

    public int CellCount => (Starts.Length - 1) / Parts;

    /// <summary>Samples an axis at every pixel centre.</summary>
    /// <param name="axis">Tokens against corner-origin pixel coordinates.</param>
    /// <param name="size">Pixels along the axis.</param>
    /// <param name="collapse">
    /// Keeps only the first of the pixels that clamping puts on the same place: they score the same, and the first of equals wins.
    /// </param>
    public static AxisSamples Create(TokenAxis axis, int size, bool collapse)
    {
        int cells = Math.Max(1, axis.Count - 1);
        var pixels = new List<int>(collapse ? Math.Min(size, 1 << 16) : size);
        var fractions = new List<double>(pixels.Capacity);
        var starts = new int[(cells * Parts) + 1];
        int part = 0;
        float previous = float.NaN;
        for (int pixel = 0; pixel < size; pixel++)
        {
            float index = axis.IndexOf(pixel + 0.5f);
            if (collapse && index == previous)
            {
                continue;
            }

            previous = index;
            int cell = Math.Min((int)index, cells - 1);
            double fraction = (double)index - cell;
            int owner = (cell * Parts) + Math.Min(Parts - 1, (int)(fraction * Parts));
            while (part < owner)
            {
                starts[++part] = pixels.Count;
            }

            pixels.Add(pixel);
            fractions.Add(fraction);
        }

        while (part < cells * Parts)
        {
            starts[++part] = pixels.Count;
        }

        return new AxisSamples([.. pixels], [.. fractions], starts);
    }
}
