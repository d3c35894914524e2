using Xunit;

namespace CorrMesh.Evaluation.Pairs.Tests;

public class PairsCommandTests
{
    [Theory]
    [InlineData("--speed")]
    [InlineData("--model")]
    [InlineData("--count", "many")]
    [InlineData("--count", "-1")]
    public void Run_UnknownOrIncompleteArgument_SaysWhatThereIs(params string[] arguments)
    {
        string message = Assert.Throws<ArgumentException>(() => PairsCommand.Run(arguments)).Message;
        Assert.Contains(arguments[0], message, StringComparison.Ordinal);
        Assert.Contains("--strict, --model PATH and --count", message, StringComparison.Ordinal);
    }

    [Fact]
    public void Run_ModelDoesNotExist_NamesIt()
    {
        IOException problem = Assert.ThrowsAny<IOException>(() => PairsCommand.Run(["--model", "/nowhere/compact.safetensors"]));
        Assert.Contains("/nowhere/compact.safetensors", problem.Message, StringComparison.Ordinal);
    }
}
