using CorrMesh.Vision.Backbones;

namespace CorrMesh.Training;

/// <summary>How the built-in model is trained from scratch; with the seed it determines the result on one machine type.</summary>
public sealed record CompactRecipe
{
    /// <summary>Updates in all. The learning rate falls over the last <see cref="DecayFraction"/> of them.</summary>
    public int Steps { get; init; } = 2000;

    /// <summary>Seeds weights, scenes, points and sizes.</summary>
    public int Seed { get; init; } = 1;

    /// <summary>Blocks of the network.</summary>
    public int Depth { get; init; } = 8;

    public double LearningRate { get; init; } = 1e-3;

    public double WeightDecay { get; init; } = 0.05;

    public double Temperature { get; init; } = 0.05;

    public int WarmUpSteps { get; init; } = 100;

    /// <summary>
    /// Share of the steps over which the learning rate goes linearly to zero and views get larger. Everything before depends on the
    /// absolute step alone, so a run may be prolonged or cut short from any checkpoint before this part begins (Hägele et al. 2024).
    /// </summary>
    public double DecayFraction { get; init; } = 0.2;

    /// <summary>Steps over which the hardest difficulty drawn rises from 0 to 1; 0 for any from the first step on, as goes with weights that know easy scenes.</summary>
    public int CurriculumSteps { get; init; } = 400;

    /// <summary>Corresponding points per ordered pair of views.</summary>
    public int PointCount { get; init; } = 192;

    /// <summary>Share of the scenes that are rendered objects; the rest are flat.</summary>
    public double ObjectFraction { get; init; } = 0.75;

    /// <summary>Digest of the weights that training starts from; null for random ones.</summary>
    public string? StartDigest { get; init; }

    /// <summary>Compute blocks and Muon's iteration in bfloat16; parameters, residuals, norms and loss stay in float32.</summary>
    public bool IsMixedPrecision { get; init; } = true;

    /// <summary>Use Muon for block matrices; otherwise AdamW for all.</summary>
    public bool UseMuon { get; init; } = true;

    /// <summary>The network: DINOv2's architecture at 192 channels, 3 heads, patch 14, a 16 x 16 position table (224 px).</summary>
    public VisionTransformerConfig Network => new(Width: 192, Depth, Heads: 3, PatchSize: 14, TableSide: 16, Registers: 0,
        FeedForwardKind.Mlp, HiddenWidth: 768);

    /// <summary>First step of the decay.</summary>
    public int DecayStart => (int)Math.Round(Steps * (1 - DecayFraction));

    /// <summary>Learning rate of a step counted from 0.</summary>
    public double LearningRateAt(int step)
    {
        double rate = LearningRate * Math.Min(1, (step + 1.0) / WarmUpSteps);
        return step < DecayStart ? rate : rate * (Steps - step) / (Steps - DecayStart);
    }

    /// <summary>The hardest difficulty of a step; scenes draw theirs evenly between 0 and it.</summary>
    public double HardestAt(int step) => CurriculumSteps == 0 ? 1 : Math.Min(1, (double)step / CurriculumSteps);

    /// <summary>Side of the views, pixels, and scenes and views a scene: about equal work in every step.</summary>
    public (int Size, int Scenes, int Views) BatchAt(int step)
    {
        double draw = new Random(HashCode(Seed, step)).NextDouble();
        if (step < DecayStart)
            return draw < 0.35 ? (168, 8, 3) : draw < 0.75 ? (224, 5, 3) : (280, 3, 3);
        return draw < 0.5 ? (280, 3, 3) : draw < 0.8 ? (392, 2, 2) : (448, 2, 2);
    }

    /// <summary>A well-mixed 31-bit seed from a few integers, equal on every machine.</summary>
    internal static int HashCode(params ReadOnlySpan<int> values)
    {
        ulong hash = 0x9E3779B97F4A7C15;
        foreach (int value in values)
        {
            hash = (hash ^ (uint)value) * 0xBF58476D1CE4E5B9;
            hash ^= hash >> 29;
        }
        return (int)(hash >> 33);
    }
}
