using CorrMesh.Training.Finetuning;
using Xunit;

namespace CorrMesh.Evaluation.Finetuning.Tests;

public class FinetuneArgumentsTests
{
    [Fact]
    public void Parse_Nothing_IsThePapersRecipeAt40Tokens() =>
        Assert.Equal(new FinetuneRecipe { Iterations = 300, Tokens = 40 }.ToJson(), FinetuneArguments.Parse([]).Recipe.ToJson());

    [Fact]
    public void Parse_Everything_ReachesTheRecipe()
    {
        FinetuneArguments asked = FinetuneArguments.Parse(
            ["--mesh", "a.glb", "--steps", "7", "--tokens", "16", "--learning-rate", "2E-4", "--conv-layers", "0", "--seed", "9", "--threads", "2", "--stages", "5", "--model", "m.pth", "--name", "a_b-1"]);
        Assert.Equal(("a.glb", "m.pth", 5, "a_b-1"), (asked.Mesh, asked.Model, asked.Stages, asked.Name));
        Assert.Equal(new FinetuneRecipe { Iterations = 7, Tokens = 16, LearningRate = 2e-4, ConvLayers = 0, Seed = 9, Threads = 2 }.ToJson(), asked.Recipe.ToJson());
    }

    [Theory]
    [InlineData("--speed: unknown", "--speed", "1")]
    [InlineData("--steps: a value needed", "--steps")]
    [InlineData("--steps: a number needed, 'many' given", "--steps", "many")]
    [InlineData("--stages: 1 to 100 needed, 0 given", "--stages", "0")]
    [InlineData("--name: 1 to 64 letters, digits, - and _ needed, '../x' given", "--name", "../x")]
    public void Parse_Impossible_SaysWhy(string expected, params string[] arguments) =>
        Assert.Contains(expected, Assert.Throws<ArgumentException>(() => FinetuneArguments.Parse(arguments)).Message, StringComparison.Ordinal);

    [Fact]
    public void Run_RecipeOutOfRange_NamesTheField() =>
        Assert.Contains("tokens: 8 to 160 needed, 7 given", Assert.Throws<ArgumentException>(() => FinetuneCommand.Run(["--tokens", "7"])).Message, StringComparison.Ordinal);

    [Fact]
    public void Stages_Steps_EndAtTheLast()
    {
        Assert.Equal([100, 200, 300], FinetuneCommand.Stages(300, 3));
        Assert.Equal([1, 2], FinetuneCommand.Stages(2, 5));
        Assert.Empty(FinetuneCommand.Stages(0, 3));
    }
}
