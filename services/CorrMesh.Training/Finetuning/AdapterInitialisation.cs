using CorrMesh.Geometry;
using CorrMesh.Vision.Adapters;

namespace CorrMesh.Training.Finetuning;

/// <summary>An adapter as training begins with it.</summary>
public static class AdapterInitialisation
{
    private const ulong Stream = 0x41;   // of the recipe's seed; steps use others

    /// <summary>The public code's initial values: A uniform in ±1/√D, B zero, so that LoRA adds nothing yet; convolutions uniform in ±1/√(9 D), weights and biases.</summary>
    /// <remarks>
    /// Both bounds are torch's defaults (Kaiming uniform with a = √5: He et al. 2015). Convolutions therefore change the features from the start: only a recipe
    /// without them begins at the bare backbone.
    /// </remarks>
    /// <param name="width">Embedding width D of the backbone.</param>
    public static Adapter Create(FinetuneRecipe recipe, int width)
    {
        var random = new SeededRandom((ulong)recipe.Seed, Stream);
        float lora = 1 / MathF.Sqrt(width), conv = 1 / MathF.Sqrt(9 * width);
        var blocks = new List<LoraBlock>();
        for (int i = 0; i < recipe.LoraBlocks; i++)
        {
            float[] query = Uniform(recipe.LoraRank * width, lora), value = Uniform(recipe.LoraRank * width, lora);
            blocks.Add(new LoraBlock(query, new float[query.Length], value, new float[value.Length]));
        }
        var layers = new List<RefineLayer>();
        for (int i = 0; i < recipe.ConvLayers; i++) layers.Add(new RefineLayer(Uniform(9 * width * width, conv), Uniform(width, conv)));
        return new Adapter(width, recipe.LoraRank, blocks, layers);

        float[] Uniform(int count, float bound)
        {
            var values = new float[count];
            for (int i = 0; i < count; i++) values[i] = random.Range(-bound, bound);
            return values;
        }
    }
}
