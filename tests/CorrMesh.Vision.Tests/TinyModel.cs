using CorrMesh.Vision.Adapters;
using CorrMesh.Vision.Backbones;
using CorrMesh.Vision.Images;
using TorchSharp;

namespace CorrMesh.Vision.Tests;

/// <summary>Small networks and pictures out of formulas: no file, no generator whose sequence may change.</summary>
internal static class TinyModel
{
    public static readonly VisionTransformerConfig Plain = new(Width: 24, Depth: 4, Heads: 2, PatchSize: 14, TableSide: 5, Registers: 0, FeedForwardKind.Mlp, HiddenWidth: 96);

    public static readonly VisionTransformerConfig Gated = Plain with { Registers = 4, FeedForward = FeedForwardKind.SwiGlu, HiddenWidth = 64 };

    /// <summary>A network whose every parameter is generic: no zero, no one, all different.</summary>
    public static VisionTransformer Create(VisionTransformerConfig config)
    {
        using var noGrad = torch.no_grad();
        var network = new VisionTransformer(config);
        foreach ((string name, var parameter) in network.named_parameters())
        {
            using var scope = torch.NewDisposeScope();
            bool isMatrix = parameter.shape.Length is 2 or 4 && name.EndsWith("weight", StringComparison.Ordinal);
            bool isFactor = name.EndsWith("gamma", StringComparison.Ordinal) || (name.Contains("norm", StringComparison.Ordinal) && name.EndsWith("weight", StringComparison.Ordinal));
            float centre = isFactor ? 1 : 0;
            float spread = isMatrix ? MathF.Sqrt(3f * parameter.shape[0] / parameter.numel()) : 0.5f;
            parameter.copy_(torch.tensor(Values(name, (int)parameter.numel(), centre, spread)).reshape(parameter.shape));
        }
        return network;
    }

    /// <summary>An adapter of rank 4 on the last blocks with generic values.</summary>
    public static Adapter CreateAdapter(int width, int blocks, int refine)
    {
        const int Rank = 4;
        float down = 1 / MathF.Sqrt(width);
        return new Adapter(width, Rank,
            [.. Enumerable.Range(0, blocks).Select(i => new LoraBlock(Values($"qa{i}", Rank * width, 0, down), Values($"qb{i}", Rank * width, 0, 0.5f), Values($"va{i}", Rank * width, 0, down), Values($"vb{i}", Rank * width, 0, 0.5f)))],
            [.. Enumerable.Range(0, refine).Select(i => new RefineLayer(Values($"weight{i}", width * width * 9, 0, 1 / (3 * MathF.Sqrt(width))), Values($"bias{i}", width, 0, 0.1f)))]);
    }

    /// <summary>A picture of smooth waves and a block edge.</summary>
    public static RgbImage Picture(int width, int height, int phase = 0)
    {
        var pixels = new byte[width * height * 3];
        for (int i = 0; i < pixels.Length; i++)
        {
            int x = i / 3 % width, y = i / 3 / width, channel = i % 3;
            double wave = Math.Sin(0.31 * x + 0.17 * y * (channel + 1) + phase) + Math.Cos(0.05 * (x + phase) * (y + 3 * channel));
            pixels[i] = (byte)Math.Clamp(127 + 55 * wave + (x > width / 2 && y > height / 3 ? 25 : 0), 0, 255);
        }
        return new RgbImage(width, height, pixels);
    }

    /// <summary>Values in centre +- spread that depend on the name and position alone.</summary>
    public static float[] Values(string name, int count, float centre, float spread)
    {
        // SplitMix64 (Steele, Lea and Flood 2014), started at the name's FNV-1a hash.
        ulong state = name.Aggregate(14695981039346656037UL, (hash, c) => (hash ^ c) * 1099511628211UL);
        var values = new float[count];
        for (int i = 0; i < count; i++)
        {
            ulong z = state += 0x9e3779b97f4a7c15UL;
            z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9UL;
            z = (z ^ (z >> 27)) * 0x94d049bb133111ebUL;
            values[i] = centre + spread * (((z ^ (z >> 31)) >> 40) / 8388608f - 1);
        }
        return values;
    }
}
