using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using CorrMesh.Metrics;
using CorrMesh.TestKit;
using Xunit;

namespace CorrMesh.Metrics.Tests;

// Goal: the figures are those that can be read from the paper; its public code holds no numbers to compare with. Method: the written definition's thresholds
// and comparison against ours.
public partial class DenseCorrespondenceFixtureTests
{
    [Fact]
    public void Thresholds_OfTheDefinition_AreOurs()
    {
        Fixture fixture = SharedData.Fixture("dense_correspondence_definition");
        JsonElement definition = fixture.Meta.GetProperty("inferred_from_the_paper");
        string text = definition.GetProperty("PCDP").GetString()!;
        double[] thresholds = [.. Number().Matches(text).Select(match => double.Parse(match.Value, CultureInfo.InvariantCulture))];
        Assert.Equal(thresholds, DenseCorrespondence.Thresholds);
        Assert.Contains("'within' is <", text, StringComparison.Ordinal);
        DenseCorrespondence figures = DenseCorrespondence.OfPair(thresholds);
        Assert.Equal((0, 1 / 3.0, 2 / 3.0), (figures.Pcdp05, figures.Pcdp10, figures.Pcdp20));
        Assert.Contains("mean", definition.GetProperty("APE").GetString(), StringComparison.Ordinal);
        Assert.Equal(thresholds.Average(), figures.Ape, 1e-15);
    }

    [GeneratedRegex(@"\b0\.\d+")]
    private static partial Regex Number();
}
