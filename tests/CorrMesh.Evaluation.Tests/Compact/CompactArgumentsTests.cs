using CorrMesh.Training.Measuring;
using Xunit;

namespace CorrMesh.Evaluation.Compact.Tests;

public class CompactArgumentsTests
{
    [Fact]
    public void Parse_Nothing_IsFiftyObjectsAt40Tokens()
    {
        CompactArguments asked = CompactArguments.Parse([]);
        Assert.Equal(new CompactArguments(null, false, 2, 50, "compact"), asked);
        Assert.Equal(new EvaluationSettings { Threads = 2 }, asked.Settings);
        Assert.Equal(40, asked.Settings.Tokens);
    }

    [Fact]
    public void Parse_Everything_IsTaken() => Assert.Equal(
        new CompactArguments("m.safetensors", true, 3, 0, "a_b-1"),
        CompactArguments.Parse(["--model", "m.safetensors", "--strict", "--threads", "3", "--count", "0", "--name", "a_b-1"]));

    [Theory]
    [InlineData("--speed: unknown", "--speed")]
    [InlineData("--model: a value needed", "--model")]
    [InlineData("--count: 0 to 100000 needed, -1 given", "--count", "-1")]
    [InlineData("--count: 0 to 100000 needed, many given", "--count", "many")]
    [InlineData("--threads: 1 to 256 needed, 0 given", "--threads", "0")]
    [InlineData("--name: 1 to 64 letters, digits, - and _ needed, '../x' given", "--name", "../x")]
    public void Parse_Impossible_SaysWhy(string expected, params string[] arguments) =>
        Assert.Contains(expected, Assert.Throws<ArgumentException>(() => CompactArguments.Parse(arguments)).Message, StringComparison.Ordinal);
}
