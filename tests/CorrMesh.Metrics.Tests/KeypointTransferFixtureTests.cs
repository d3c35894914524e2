using System.Globalization;
using System.Text.Json;
using CorrMesh.Metrics;
using CorrMesh.TestKit;
using Xunit;

namespace CorrMesh.Metrics.Tests;

// Goal: PCK is counted as the public script counts it. Method: its stored predictions and keypoints against the table it wrote. Tolerance: 1e-7, the
// table's shares are float32.
public class KeypointTransferFixtureTests
{
    [Fact]
    public void Share_StoredPredictions_GiveTheTableOfThePublicScript()
    {
        foreach (Fixture fixture in SharedData.Family("semantic_transfer"))
        {
            double size = fixture.Config("img_size", 840);
            string[][] table = [.. File.ReadLines(fixture.PathOf("semantic_transfer.csv")).Select(line => line.Split(','))];
            string[] categories = [.. table.Skip(1).Select(row => row[0])];
            Assert.Equal(["categories", "PCK0.05", "PCK0.10", "PCK0.15", "Weighted PCK0.05", "Weighted PCK0.10", "Weighted PCK0.15"], table[0]);
            double[][] errors = [.. categories.Select(category => Errors(fixture, category))];
            for (int column = 0; column < KeypointTransfer.Fractions.Count; column++)
            {
                double[] shares = [.. errors.Select(pooled => KeypointTransfer.Share(pooled, KeypointTransfer.Fractions[column], size)!.Value)];
                for (int i = 0; i < categories.Length; i++)
                {
                    Assert.Equal(double.Parse(table[i + 1][column + 1], CultureInfo.InvariantCulture), shares[i], 1e-7);
                    Assert.Equal(double.Parse(table[i + 1][column + 4], CultureInfo.InvariantCulture), KeypointTransfer.Weighted(shares), 1e-7);
                }
            }
        }
    }

    private static double[] Errors(Fixture fixture, string category)
    {
        var pooled = new List<double>();
        foreach (JsonElement pair in fixture.Meta.GetProperty("pairs").EnumerateArray().Where(pair => pair.GetProperty("category").GetString() == category))
        {
            string folder = $"{category}_pair{pair.GetProperty("pair").GetInt32()}";
            long[] predicted = fixture.Array($"{folder}/pred_xy.npy").Longs();
            float[] truth = fixture.Array($"{folder}/trg_kps.npy").Floats();
            long[] visible = fixture.Array($"{folder}/vis.npy").Longs();
            for (int i = 0; i < visible.Length; i++)
                if (visible[i] != 0) pooled.Add(Math.Sqrt(Math.Pow(predicted[2 * i] - truth[3 * i], 2) + Math.Pow(predicted[2 * i + 1] - truth[3 * i + 1], 2)));
        }
        return [.. pooled];
    }
}
