using System.Text.Json;
using CorrMesh.Geometry;
using CorrMesh.TestKit;
using Xunit;

namespace CorrMesh.Metrics.Tests;

public class ObjectPoseErrorsFixtureTests
{
    // Goal: VSD, MSSD, MSPD, the symmetries and the average recall are the public toolkit's. Method: its stored pairs. Tolerance: the fixture's, 1e-6 and 1e-9.
    [Fact]
    public void Errors_EveryPair_AreTheToolkits()
    {
        Fixture fixture = SharedData.Fixture("bop_metrics");
        using JsonDocument models = JsonDocument.Parse(File.ReadAllBytes(fixture.PathOf("models_info.json")));
        int[] size = [.. fixture.Meta.GetProperty("image_size_hw").EnumerateArray().Select(value => value.GetInt32())];
        PinholeCamera camera = PinholeCamera.FromMatrix(fixture.Array("K.npy").Doubles(), size[1], size[0]);
        double tolerance = fixture.Meta.GetProperty("delta_mm").GetDouble(), worst = 0;
        double[] taus = Numbers(fixture.Meta.GetProperty("vsd_taus"));
        List<TargetErrors> targets = [];
        foreach (JsonElement pair in fixture.Meta.GetProperty("pairs").EnumerateArray())
        {
            int id = pair.GetProperty("obj_id").GetInt32();
            string name = $"pair{pair.GetProperty("pair").GetInt32():00}";
            JsonElement model = models.RootElement.GetProperty($"{id}");
            double diameter = model.GetProperty("diameter").GetDouble();
            IReadOnlyList<RigidPose> symmetries = Symmetries(model);
            double[] expectedSymmetries = fixture.Array($"obj_{id:000000}_symmetries.npy").Doubles();
            Assert.Equal(expectedSymmetries.Length, 12 * symmetries.Count);
            for (int i = 0; i < expectedSymmetries.Length; i++) Assert.Equal(expectedSymmetries[i], symmetries[i / 12].Matrix()[i % 12], 1e-9);
            RigidPose estimated = Pose(fixture, name, "est"), truth = Pose(fixture, name, "gt");
            double[] vertices = fixture.Array($"obj_{id:000000}_vertices.npy").Doubles();
            var depths = NpyFile.ReadArchive(fixture.PathOf($"{name}_depth.npz"));
            double[] vsd = ObjectPoseErrors.Vsd(depths["depth_est"].Floats(), depths["depth_gt"].Floats(), depths["depth_test"].Floats(), camera, tolerance, diameter, taus);
            var errors = new TargetErrors(vsd, ObjectPoseErrors.Mssd(estimated, truth, vertices, symmetries), ObjectPoseErrors.Mspd(estimated, truth, vertices, symmetries, camera), diameter, size[1]);
            double[] expected = [.. Numbers(pair.GetProperty("vsd")), pair.GetProperty("mssd").GetDouble(), pair.GetProperty("mspd").GetDouble()], actual = [.. vsd, errors.Mssd, errors.Mspd];
            for (int i = 0; i < expected.Length; i++)
            {
                Assert.Equal(expected[i], actual[i], 1e-6);
                worst = Math.Max(worst, Math.Abs(expected[i] - actual[i]));
            }
            targets.Add(errors);
        }
        Assert.NotEmpty(targets);
        AverageRecall recall = AverageRecall.Over(targets);
        JsonElement average = fixture.Meta.GetProperty("average_recall");
        Assert.Equal(average.GetProperty("vsd").GetDouble(), recall.Vsd, 1e-9);
        Assert.Equal(average.GetProperty("mssd").GetDouble(), recall.Mssd, 1e-9);
        Assert.Equal(average.GetProperty("mspd").GetDouble(), recall.Mspd, 1e-9);
        Assert.Equal(average.GetProperty("AR").GetDouble(), recall.Mean, 1e-9);
        TestContext.Current.TestOutputHelper?.WriteLine($"PARITY bop_metrics largest error {worst:0.0e+00}, AR {recall.Mean:0.0000}");
    }

    private static IReadOnlyList<RigidPose> Symmetries(JsonElement model) => ObjectSymmetries.Expand(
        model.TryGetProperty("symmetries_discrete", out JsonElement discrete) ? [.. discrete.EnumerateArray().Select(matrix => RigidPose.FromRowMajor(Numbers(matrix)))] : [],
        model.TryGetProperty("symmetries_continuous", out JsonElement continuous)
            ? [.. continuous.EnumerateArray().Select(axis => new SymmetryAxis(Triple(axis.GetProperty("axis")), Triple(axis.GetProperty("offset"))))]
            : []);

    private static RigidPose Pose(Fixture fixture, string name, string which)
    {
        double[] r = fixture.Array($"{name}_R_{which}.npy").Doubles(), t = fixture.Array($"{name}_t_{which}.npy").Doubles();
        return new RigidPose(r[0], r[1], r[2], t[0], r[3], r[4], r[5], t[1], r[6], r[7], r[8], t[2]);
    }

    private static (double X, double Y, double Z) Triple(JsonElement values) => Numbers(values) is [var x, var y, var z] ? (x, y, z) : throw new InvalidDataException("three numbers needed");

    private static double[] Numbers(JsonElement values) => [.. values.EnumerateArray().Select(value => value.GetDouble())];
}
