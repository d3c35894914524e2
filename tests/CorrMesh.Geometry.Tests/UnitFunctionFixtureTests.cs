using CorrMesh.Geometry;
using CorrMesh.TestKit;
using Xunit;

namespace CorrMesh.Geometry.Tests;

public class UnitFunctionFixtureTests
{
    // Goal: object coordinates are the public code's, rounding quirk included. Method: its stored cases. Tolerance: 1e-9, doubles of order 1 throughout.
    [Fact]
    public void FromPixels_EveryCase_MatchesImgCoord2ObjCoord() => Assert.All(SharedData.Family("unit_functions"), CompareCoordinates);

    private static void CompareCoordinates(Fixture fixture)
    {
        string[] cases = [.. fixture.Files.Where(file => file.StartsWith("img_coord_2_obj_coord/", StringComparison.Ordinal) && file.EndsWith("_expected.npy", StringComparison.Ordinal))];
        Assert.NotEmpty(cases);
        double worst = 0;
        foreach (string file in cases)
        {
            string name = file[..^"expected.npy".Length];
            NpyArray keypoints = fixture.Array($"{name}kp2d.npy"), depth = fixture.Array($"{name}depth.npy"), k = fixture.Array($"{name}K.npy");
            double[] uv = [.. keypoints.Doubles().Where((_, i) => i % keypoints.Shape[1] < 2)];
            double[] intrinsics = [.. k.Doubles().Where((_, i) => i % k.Shape[1] < 3 && i / k.Shape[1] < 3)];
            double[] expected = fixture.Array(file).Doubles();
            double[] actual = ObjectCoordinates.FromPixels(uv, depth.Doubles(), depth.Shape[1], intrinsics, fixture.Array($"{name}pose_obj2cam.npy").Doubles());
            Assert.Equal(expected.Length, actual.Length);
            for (int i = 0; i < expected.Length; i++)
            {
                Assert.Equal(expected[i], actual[i], 1e-9);
                worst = Math.Max(worst, Math.Abs(expected[i] - actual[i]));
            }
        }
        TestContext.Current.TestOutputHelper?.WriteLine($"PARITY unit_functions img_coord_2_obj_coord largest error {worst:0.0e+00}");
    }

    // Goal: pose errors are the public code's in every unit. Method: its stored pairs. Tolerance: translations 1e-12; angles 1e-9 degrees, but 5e-6 below a
    // hundredth of a degree, where an arc cosine near 1 doubles the digits lost.
    [Fact]
    public void Between_EveryPair_MatchesQueryPoseError() => Assert.All(SharedData.Family("unit_functions"), ComparePoses);

    private static void ComparePoses(Fixture fixture)
    {
        double[] estimated = fixture.Array("query_pose_error/pose_pred.npy").Doubles(), truth = fixture.Array("query_pose_error/pose_gt.npy").Doubles();
        NpyArray stored = fixture.Array("query_pose_error/expected.npy");
        double[] expected = stored.Doubles();
        LengthUnit[] units = [LengthUnit.Metre, LengthUnit.Centimetre, LengthUnit.Millimetre];
        for (int i = 0; i < stored.Shape[0]; i++)
            for (int unit = 0; unit < units.Length; unit++)
            {
                PoseError error = PoseError.Between(estimated.AsSpan(16 * i, 16), truth.AsSpan(16 * i, 16), units[unit]);
                double angle = expected[(i * 3 + unit) * 2];
                Assert.Equal(angle, error.AngleDegrees, angle < 0.01 ? 5e-6 : 1e-9);
                Assert.Equal(expected[(i * 3 + unit) * 2 + 1], error.TranslationCentimetres, 1e-12);
            }
    }
}
