using System.Runtime.InteropServices;
using System.Text.Json;
using CorrMesh.Geometry;

namespace CorrMesh.TestKit.Pnp;

/// <summary>A pose problem with its truth.</summary>
/// <param name="ObjectPoints">[3 N], metres.</param>
/// <param name="ImagePoints">[2 N], pixels.</param>
/// <param name="Expect">What a solver should say: pose, fail or any.</param>
/// <param name="BoundDegrees">Least standard deviation of the rotation that the noise allows (Cramér and Rao); null where none is recorded.</param>
/// <param name="BoundMillimetres">Of the translation.</param>
public sealed record PnpProblem(
    string Tag, double[] ObjectPoints, double[] ImagePoints, byte[]? Scores, PinholeCamera Camera, RigidPose Truth, string Expect, double? BoundDegrees, double? BoundMillimetres);

/// <summary>Families of pose problems with ground truth, as the folder `pnp` of the reference data has them.</summary>
public static class PnpProblems
{
    /// <param name="folder">The folder `pnp`.</param>
    /// <param name="family">Name of its files without ending.</param>
    public static IReadOnlyList<PnpProblem> Load(string folder, string family)
    {
        using JsonDocument description = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, family + ".json")));
        using JsonDocument expected = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "expected.json")));
        JsonElement root = description.RootElement;
        byte[] bytes = File.ReadAllBytes(Path.Combine(folder, root.GetProperty("blob").GetString()!));
        double[] rows = root.GetProperty("dtype").GetString() == "float32-le"
            ? Array.ConvertAll(MemoryMarshal.Cast<byte, float>(bytes).ToArray(), value => (double)value)
            : MemoryMarshal.Cast<byte, double>(bytes).ToArray();
        byte[]? scores = root.GetProperty("match_score").GetString() is { } name ? File.ReadAllBytes(Path.Combine(folder, name)) : null;
        JsonElement truth = expected.RootElement.GetProperty("families").GetProperty(family);
        JsonElement? bounds = truth.TryGetProperty("per_problem", out JsonElement found) ? found : null;
        var problems = new List<PnpProblem>();
        foreach (JsonElement problem in root.GetProperty("problems").EnumerateArray())
        {
            int count = problem.GetProperty("n").GetInt32(), offset = problem.GetProperty("offset").GetInt32(), at = problems.Count;
            double[] objectPoints = new double[3 * count], imagePoints = new double[2 * count];
            for (int i = 0; i < count; i++)
            {
                rows.AsSpan(5 * (offset + i), 3).CopyTo(objectPoints.AsSpan(3 * i));
                rows.AsSpan(5 * (offset + i) + 3, 2).CopyTo(imagePoints.AsSpan(2 * i));
            }
            double Number(string key) => problem.GetProperty(key).GetDouble();
            double[] r = [.. problem.GetProperty("R").EnumerateArray().Select(value => value.GetDouble())], t = [.. problem.GetProperty("t").EnumerateArray().Select(value => value.GetDouble())];
            problems.Add(new PnpProblem(
                problem.GetProperty("tag").GetString()!, objectPoints, imagePoints, scores?[offset..(offset + count)],
                new PinholeCamera(1, 1, Number("fx"), Number("fy"), Number("cx"), Number("cy")),
                new RigidPose(r[0], r[1], r[2], t[0], r[3], r[4], r[5], t[1], r[6], r[7], r[8], t[2]),
                problem.TryGetProperty("expect", out JsonElement expect) ? expect.GetString()! : "pose",
                bounds?.GetProperty("crlb_rot_deg")[at].GetDouble(), bounds?.GetProperty("crlb_t_mm")[at].GetDouble()));
        }
        return problems;
    }
}
