using CorrMesh.Training.Finetuning;
using Xunit;

namespace CorrMesh.Evaluation.Finding.Tests;

public class FindingArgumentsTests
{
    [Fact]
    public void Parse_Nothing_IsThePapersRecipeAt40TokensForThreeObjects()
    {
        FindingArguments asked = FindingArguments.Parse([]);
        Assert.Equal((3, "finding"), (asked.ObjectCount, asked.Name));
        Assert.Equal(new FinetuneRecipe { Iterations = 1000, Tokens = 40 }.ToJson(), asked.Recipe.ToJson());
        Assert.False(asked.Recipe.CacheTrunk);
    }

    [Fact]
    public void Parse_Everything_IsTaken()
    {
        FindingArguments asked = FindingArguments.Parse(["--steps", "7", "--cache-trunk", "--tokens", "16", "--threads", "2", "--objects", "1", "--name", "a_b-1"]);
        Assert.Equal((1, "a_b-1"), (asked.ObjectCount, asked.Name));
        Assert.Equal(new FinetuneRecipe { Iterations = 7, Tokens = 16, Threads = 2, CacheTrunk = true }.ToJson(), asked.Recipe.ToJson());
    }

    [Theory]
    [InlineData("--speed: unknown", "--speed")]
    [InlineData("--steps: a value needed", "--steps")]
    [InlineData("--steps: a number needed, 'many' given", "--steps", "many")]
    [InlineData("--objects: 1 to 3 needed, 4 given", "--objects", "4")]
    [InlineData("tokens: 8 to 160 needed, 7 given", "--tokens", "7")]
    [InlineData("--name: 1 to 64 letters, digits, - and _ needed, '' given", "--name", "")]
    public void Parse_Impossible_SaysWhy(string expected, params string[] arguments) =>
        Assert.Contains(expected, Assert.Throws<ArgumentException>(() => FindingArguments.Parse(arguments)).Message, StringComparison.Ordinal);
}
