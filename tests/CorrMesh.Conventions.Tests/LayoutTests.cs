using Xunit;

namespace CorrMesh.Conventions.Tests;

public sealed class LayoutTests
{
    private const int MaxFileSize = 13 << 20;   // the built-in model is the largest, at most 12 MiB

    private static readonly string[] TopLevel =
    [
        "protos", "services", "gateway", "tests", "deploy", "README.md", "Mesh.sln", "docker-compose.yml", "tye.yaml", "global.json", "LICENSE",
    ];

    [Fact]
    public void TopLevel_Entries_AreTheFixedOnes() =>
        Assert.All(
            Repository.TrackedFiles().Select(file => file.Split('/')[0]).Distinct(),
            entry => Assert.True(TopLevel.Contains(entry) || entry.StartsWith('.') || entry.StartsWith("Directory.", StringComparison.Ordinal), entry));

    [Fact]
    public void Files_Tracked_StaySmall() =>
        Assert.All(Repository.TrackedFiles(), file => Assert.True(new FileInfo(Repository.PathOf(file)).Length <= MaxFileSize, file));

    [Fact]
    public void DecisionRecords_Each_HoldsProblemOptionsChoiceAndReversal()
    {
        string[] records = [.. Directory.EnumerateFiles(Repository.PathOf("services/decisions"), "*.md").Where(file => Path.GetFileName(file) != "README.md")];
        Assert.NotEmpty(records);
        Assert.All(records, file =>
        {
            Assert.Matches(@"^\d{4}-[a-z0-9-]+\.md$", Path.GetFileName(file));
            string text = File.ReadAllText(file);
            Assert.All(["## Problem", "## Options", "## Choice", "## What would reverse it"], heading => Assert.Contains(heading, text, StringComparison.Ordinal));
            Assert.Contains("Do nothing", text, StringComparison.Ordinal);
        });
        Assert.Distinct(records.Select(file => Path.GetFileName(file)[..4]));
    }
}
