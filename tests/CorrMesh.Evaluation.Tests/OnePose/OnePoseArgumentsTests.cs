using Xunit;

namespace CorrMesh.Evaluation.OnePose.Tests;

public class OnePoseArgumentsTests
{
    [Fact]
    public void Parse_Folder_TakesTheDefaults() => Assert.Equal(new OnePoseArguments("data", null, null, null, null, false, 2, "onepose"), OnePoseArguments.Parse(["data"]));

    [Fact]
    public void Parse_Everything_IsTaken() => Assert.Equal(
        new OnePoseArguments("data", "m.pth", "a.ckpt", 2, "r.csv", true, 1, "mini"),
        OnePoseArguments.Parse(["--model", "m.pth", "--adapter", "a.ckpt", "--heads", "2", "data", "--reference", "r.csv", "--strict", "--threads", "1", "--name", "mini"]));

    [Theory]
    [InlineData("DIR")]
    [InlineData("--speed", "data", "--speed")]
    [InlineData("more", "data", "more")]
    [InlineData("--heads", "data", "--heads", "65")]
    [InlineData("--model", "data", "--model")]
    [InlineData("--strict", "data", "--strict")]
    public void Parse_UnknownOrIncompleteArgument_NamesIt(string named, params string[] arguments) =>
        Assert.Contains(named, Assert.Throws<ArgumentException>(() => OnePoseArguments.Parse(arguments)).Message, StringComparison.Ordinal);
}
