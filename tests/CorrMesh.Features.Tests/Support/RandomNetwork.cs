using CorrMesh.Vision.Weights;

namespace CorrMesh.Features.Tests.Support;

/// <summary>Weight files of small seeded networks, written without Torch.</summary>
internal static class RandomNetwork
{
    /// <summary>A vision transformer of 48 channels, 3 blocks and patch 14, its position table 4 x 4; heads are to be told (3).</summary>
    public static string Write(string path, int seed = 1, int width = 48, int depth = 3)
    {
        var random = new Random(seed);
        var state = new StateDict(path);
        void Add(string name, double scale, double centre, params long[] shape)
        {
            var values = new float[shape.Aggregate(1L, (product, size) => product * size)];
            for (int i = 0; i < values.Length; i++) values[i] = (float)(centre + scale * (random.NextDouble() * 2 - 1));
            state.Add(name, WeightArray.FromFloats(values, shape));
        }

        Add("cls_token", 0.1, 0, 1, 1, width);
        Add("pos_embed", 0.1, 0, 1, 17, width);
        Add("patch_embed.proj.weight", 0.1, 0, width, 3, 14, 14);
        Add("patch_embed.proj.bias", 0.1, 0, width);
        for (int block = 0; block < depth; block++)
        {
            string at = $"blocks.{block}.";
            foreach (string norm in new[] { "norm1", "norm2" })
            {
                Add(at + norm + ".weight", 0.1, 1, width);
                Add(at + norm + ".bias", 0.1, 0, width);
            }

            Add(at + "attn.qkv.weight", 0.3, 0, 3 * width, width);
            Add(at + "attn.qkv.bias", 0.1, 0, 3 * width);
            Add(at + "attn.proj.weight", 0.2, 0, width, width);
            Add(at + "attn.proj.bias", 0.1, 0, width);
            Add(at + "ls1.gamma", 0.1, 0.5, width);
            Add(at + "ls2.gamma", 0.1, 0.5, width);
            Add(at + "mlp.fc1.weight", 0.2, 0, 4 * width, width);
            Add(at + "mlp.fc1.bias", 0.1, 0, 4 * width);
            Add(at + "mlp.fc2.weight", 0.1, 0, width, 4 * width);
            Add(at + "mlp.fc2.bias", 0.1, 0, width);
        }

        Add("norm.weight", 0.1, 1, width);
        Add("norm.bias", 0.1, 0, width);
        SafeTensorsFile.Write(path, state);
        return path;
    }
}
