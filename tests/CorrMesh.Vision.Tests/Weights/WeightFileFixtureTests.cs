using CorrMesh.TestKit;
using CorrMesh.Vision.Adapters;
using CorrMesh.Vision.Weights;
using Xunit;

namespace CorrMesh.Vision.Tests.Weights;

public class WeightFileFixtureTests
{
    [Fact]
    public void Read_EveryWeightFileOfTheFixtures_GivesNumbers()
    {
        string[] files = [.. Directory.GetFiles(SharedData.Require("fixtures"), "*", SearchOption.AllDirectories).Where(IsWeightFile).Order(StringComparer.Ordinal)];
        Assert.NotEmpty(files);
        foreach (string file in files)
        {
            StateDict state = WeightFile.Read(file);
            Assert.True(state.Count > 0, file);
            foreach ((string name, WeightArray array) in state)
                Assert.True(array.ToFloats().Any(float.IsNaN) is false, $"{file}: {name}");
        }
    }

    // Goal: the checkpoint's numbers are taken from the right storages, device tags or not. Method: the same numbers stored as plain arrays. Tolerance: equal.
    [Fact]
    public void Read_Checkpoint_HoldsTheNumbersOfThePlainArrays()
    {
        int compared = 0;
        foreach (Fixture fixture in SharedData.Family("finetune_").Where(fixture => fixture.Has("lora_plain.npz")))
        {
            Dictionary<string, NpyArray> plain = NpyFile.ReadArchive(fixture.PathOf("lora_plain.npz"));
            Adapter adapter = FixtureModels.Adapter(fixture);
            Assert.Equal(fixture.Config("lora_r", 4), adapter.Rank);
            for (int i = 0; i < adapter.Blocks.Count; i++)
            {
                LoraBlock block = adapter.Blocks[i];
                Assert.Equal(plain[$"w_a_{2 * i:000}"].Floats(), block.QueryA);
                Assert.Equal(plain[$"w_b_{2 * i:000}"].Floats(), block.QueryB);
                Assert.Equal(plain[$"w_a_{2 * i + 1:000}"].Floats(), block.ValueA);
                Assert.Equal(plain[$"w_b_{2 * i + 1:000}"].Floats(), block.ValueB);
                compared += 4;
            }
            Assert.Equal(plain.Single(pair => pair.Key.EndsWith("weight", StringComparison.Ordinal)).Value.Floats(), adapter.Refine.Single().Weight);
            Assert.Equal(plain.Single(pair => pair.Key.EndsWith("bias", StringComparison.Ordinal)).Value.Floats(), adapter.Refine.Single().Bias);
        }
        Assert.True(compared > 0, "no fixture holds plain arrays to compare with");
    }

    [Fact]
    public void Load_BackboneForAnotherAdapter_NamesBothWidths()
    {
        Fixture[] two = [.. SharedData.Family("finetune_").Concat(SharedData.Family("stride7")).DistinctBy(fixture => fixture.Config("embed_dim", 0)).Take(2)];
        Assert.SkipWhen(two.Length < 2, "all fixtures have one width");
        using var backbone = FixtureModels.Backbone(two[0], "backbone.pth");
        Adapter adapter = FixtureModels.Adapter(two[1]);
        var refusal = Assert.Throws<ArgumentException>(() => adapter.RequireFit(backbone.Config));
        Assert.Contains($"{adapter.Width}", refusal.Message, StringComparison.Ordinal);
        Assert.Contains($"{backbone.Config.Width}", refusal.Message, StringComparison.Ordinal);
    }

    private static bool IsWeightFile(string path) => Path.GetExtension(path) is ".pth" or ".ckpt" or ".safetensors";
}
