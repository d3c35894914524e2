namespace CorrMesh.Vision.Features;

/// <summary>One axis of a separable resize: which inputs make each output, and how much of each.</summary>
/// <remarks>Positions are half-pixel unless said otherwise: output i is centred at (i + 0.5) * inputs / outputs.</remarks>
public sealed class AxisWeights
{
    private readonly int[] first;
    private readonly double[][] weights;
    private readonly float[][] rounded;

    private AxisWeights(int inputs, int outputs, Func<int, (int First, double[] Weights)> build)
    {
        if (inputs < 1 || outputs < 1) throw new ArgumentException($"size: at least 1 needed, {inputs} to {outputs} given");
        Inputs = inputs;
        first = new int[outputs];
        weights = new double[outputs][];
        rounded = new float[outputs][];
        for (int i = 0; i < outputs; i++)
        {
            (first[i], weights[i]) = build(i);
            rounded[i] = Array.ConvertAll(weights[i], weight => (float)weight);
        }
    }

    public int Inputs { get; }

    public int Outputs => first.Length;

    /// <summary>Bilinear with antialias, as torch's: a triangle widened by the scale when shrinking, plain bilinear when enlarging.</summary>
    public static AxisWeights Triangle(int inputs, int outputs) => Kernel(inputs, outputs, 1, x => Math.Max(0, 1 - Math.Abs(x)));

    /// <summary>Lanczos with three lobes and antialias, as PIL's.</summary>
    public static AxisWeights Lanczos(int inputs, int outputs) => Kernel(inputs, outputs, 3, x => Math.Abs(x) < 3 ? Sinc(x) * Sinc(x / 3) : 0);

    /// <summary>Bilinear between the two neighbours at any scale, as OpenCV's; shrinking skips inputs.</summary>
    public static AxisWeights Neighbours(int inputs, int outputs) => new(inputs, outputs, i => Between((i + 0.5) * inputs / outputs - 0.5, inputs));

    /// <summary>Bilinear with the outermost inputs exactly on the outermost outputs.</summary>
    public static AxisWeights AlignedCorners(int inputs, int outputs) =>
        new(inputs, outputs, i => Between(outputs > 1 ? (double)i * (inputs - 1) / (outputs - 1) : 0, inputs));

    internal ReadOnlySpan<double> Weights(int output, out int firstInput)
    {
        firstInput = first[output];
        return weights[output];
    }

    internal ReadOnlySpan<float> SingleWeights(int output, out int firstInput)
    {
        firstInput = first[output];
        return rounded[output];
    }

    private static AxisWeights Kernel(int inputs, int outputs, double support, Func<double, double> kernel)
    {
        double scale = (double)inputs / outputs, widen = Math.Max(scale, 1);
        return new AxisWeights(inputs, outputs, i =>
        {
            double centre = (i + 0.5) * scale;
            int from = Math.Max((int)(centre - support * widen + 0.5), 0);
            int end = Math.Min((int)(centre + support * widen + 0.5), inputs);
            var values = new double[end - from];
            double total = 0;
            for (int k = 0; k < values.Length; k++) total += values[k] = kernel((k + from - centre + 0.5) / widen);
            for (int k = 0; k < values.Length; k++) values[k] /= total;
            return (from, values);
        });
    }

    private static (int First, double[] Weights) Between(double position, int inputs)
    {
        position = Math.Clamp(position, 0, inputs - 1);
        int lower = Math.Min((int)position, Math.Max(inputs - 2, 0));
        double share = position - lower;
        return inputs == 1 ? (0, [1]) : (lower, [1 - share, share]);
    }

    private static double Sinc(double x) => x == 0 ? 1 : Math.Sin(x * Math.PI) / (x * Math.PI);
}
