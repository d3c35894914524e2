using CorrMesh.Hosting;
using Xunit;

namespace CorrMesh.Conventions.Tests;

/// <summary>The scripts that people run say and do what the program does.</summary>
public sealed class RunningTests
{
    [Fact]
    public void DeployRun_Help_ListsTheProgramsOptions()
    {
        (int code, string output, string error) = Repository.Run("deploy/run", "--help");
        Assert.True(code == 0, error);
        Assert.Equal(MeshArguments.Usage, output[(output.IndexOf("Options:\n", StringComparison.Ordinal) + "Options:\n".Length)..]);
    }

    [Theory]
    [InlineData("keys")]
    [InlineData("add-model")]
    [InlineData("add-adapter")]
    [InlineData("draw-matches")]
    [InlineData("healthcheck")]
    [InlineData("make-samples")]
    [InlineData("mesh")]
    [InlineData("train-compact")]
    public void DeployRun_Command_IsTheProgramsOwn(string command)
    {
        Assert.Contains(command, Repository.Run("deploy/run", "--help").Output, StringComparison.Ordinal);
        (int code, string output, string error) = Repository.Run("dotnet", Path.Combine(AppContext.BaseDirectory, "CorrMesh.Host.dll"), command, "--help");
        Assert.True(code == 0, output + error);
    }

    // Goal: whoever clones can make the sample pictures again. Method: the program's own command, compared byte by byte.
    [Theory]
    [InlineData("left.jpg")]
    [InlineData("right.jpg")]
    public void MakeSamples_Again_GivesTheCommittedPictures(string name)
    {
        string folder = Directory.CreateTempSubdirectory("corrmesh-samples-").FullName;
        try
        {
            (int code, _, string error) = Repository.Run("dotnet", Path.Combine(AppContext.BaseDirectory, "CorrMesh.Host.dll"), "make-samples", folder);
            Assert.True(code == 0, error);
            byte[] committed = File.ReadAllBytes(Repository.PathOf($"deploy/samples/{name}"));
            Assert.InRange(committed.Length, 1, 150_000);
            Assert.True(committed.AsSpan().SequenceEqual(File.ReadAllBytes(Path.Combine(folder, name))), $"{name} differs from deploy/samples/{name}");
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public void TestsRun_LintsTheContract() => Assert.Contains("\"$buf\" lint protos", Repository.Read("tests/run"), StringComparison.Ordinal);

    [Fact]
    public void CiRun_CallsTestsRun() => Assert.Contains("/../tests/run\"", Repository.Read(".ci/run"), StringComparison.Ordinal);

    [Theory]
    [InlineData("--filter")]
    [InlineData("--fast")]
    public void TestsRun_WrongArguments_AreRefused(string argument) => Assert.Equal(2, Repository.Run("tests/run", argument).Code);
}
