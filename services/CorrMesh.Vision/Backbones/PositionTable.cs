using TorchSharp;
using static TorchSharp.torch;

namespace CorrMesh.Vision.Backbones;

/// <summary>How a table of learned positions is resized to another token grid.</summary>
public enum PositionConvention
{
    /// <summary>Bicubic (a = -0.75) without antialias at scale (n + 0.1) / side: DINOv2 without registers, and every model at a reduced stride.</summary>
    Offset,

    /// <summary>Bicubic (a = -0.5) with antialias to the exact size: DINOv2 with registers.</summary>
    Antialiased,
}

/// <summary>Resizes a square table of position embeddings by two small matrices, one per axis; differentiable.</summary>
public static class PositionTable
{
    // The public code enlarges the target by a tenth of a token so that a rounded scale never loses a row; trained weights expect it.
    private const double SizeOffset = 0.1;

    /// <summary>Resizes the table to <paramref name="rows"/> x <paramref name="columns"/>; the table itself when it already fits.</summary>
    /// <param name="table">[side * side, D], row-major.</param>
    /// <returns>[rows * columns, D]; may be <paramref name="table"/> itself.</returns>
    public static Tensor Resize(Tensor table, int side, int rows, int columns, PositionConvention convention)
    {
        if (rows == side && columns == side) return table;
        using Tensor vertical = Matrix(side, rows, convention).to(table.device);         // [rows, side]
        using Tensor horizontal = Matrix(side, columns, convention).to(table.device);    // [columns, side]
        long width = table.shape[1];
        Tensor tall = vertical.matmul(table.reshape(side, side * width));                // [rows, side * D]
        Tensor grid = horizontal.matmul(tall.reshape(rows, side, width));                // [rows, columns, D]
        return grid.reshape(rows * (long)columns, width);
    }

    private static Tensor Matrix(int side, int count, PositionConvention convention)
    {
        float[] weights = convention == PositionConvention.Offset ? OffsetWeights(side, count) : AntialiasedWeights(side, count);
        return torch.tensor(weights, count, side);
    }

    // Sample i sits at (i + 0.5) / s - 0.5 with s = (count + 0.1) / side; neighbours outside repeat the border.
    private static float[] OffsetWeights(int side, int count)
    {
        var weights = new double[count * side];
        double scale = (count + SizeOffset) / side;
        for (int i = 0; i < count; i++)
        {
            double position = (i + 0.5) / scale - 0.5;
            int first = (int)Math.Floor(position);
            for (int k = -1; k <= 2; k++)
                weights[i * side + Math.Clamp(first + k, 0, side - 1)] += Cubic(position - (first + k), -0.75);
        }
        return Array.ConvertAll(weights, w => (float)w);
    }

    // Half-pixel positions; when shrinking the kernel is widened by the scale; weights outside are dropped and the rest renormalised.
    private static float[] AntialiasedWeights(int side, int count)
    {
        var weights = new float[count * side];
        double step = (double)side / count;
        double widen = Math.Max(step, 1);
        double support = 2 * widen;
        for (int i = 0; i < count; i++)
        {
            double centre = step * (i + 0.5);
            int first = Math.Max((int)(centre - support + 0.5), 0);
            int end = Math.Min((int)(centre + support + 0.5), side);
            double total = 0;
            for (int k = first; k < end; k++) total += Cubic((k - centre + 0.5) / widen, -0.5);
            for (int k = first; k < end; k++) weights[i * side + k] = (float)(Cubic((k - centre + 0.5) / widen, -0.5) / total);
        }
        return weights;
    }

    // Keys' cubic convolution kernel with free parameter a (Keys 1981).
    private static double Cubic(double x, double a)
    {
        x = Math.Abs(x);
        if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
        return x < 2 ? a * (((x - 5) * x + 8) * x - 4) : 0;
    }
}
