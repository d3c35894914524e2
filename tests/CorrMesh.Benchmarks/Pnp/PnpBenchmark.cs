using System.Diagnostics;
using System.Text.Json;
using CorrMesh.Geometry;
using CorrMesh.Geometry.Pnp;
using CorrMesh.TestKit.Pnp;

namespace CorrMesh.Benchmarks.Pnp;

/// <summary>
/// The pose solver on the reference problems, one default configuration: the times are rows against OpenCV's on the same problem in the same run; what the poses are worth
/// is printed above them. PoseLib's time is OpenCV's times the ratio of the two that is recorded with the problems.
/// </summary>
internal static class PnpBenchmark
{
    private const int Runs = 3, WarmUps = 40;

    // Families by their largest accepted time against OpenCV; the floor of h_real's bounds is the error of its pseudo ground truth.
    private const double Must = 0.5, RealDegrees = 0.7, RealMillimetres = 3;

    private static readonly string[] Families = ["a_easy", "b_object", "c_planar", "d_far", "e_minimal", "g_large", "h_real"];

    private sealed record Outcome(PnpProblem Problem, PnpResult Result, double Milliseconds, RigidPose? Other, double OtherMilliseconds, PnpResult? Guided, double GuidedMilliseconds);

    public static IReadOnlyList<BenchmarkRow> Run()
    {
        string folder = Path.Combine(Environment.GetEnvironmentVariable("CORRMESH_SHARED") ?? "../shared", "pnp");
        using JsonDocument expected = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "expected.json")));
        MinimalTrial.Print();
        Console.WriteLine($"OpenCV {OpenCvAnchor.Version}: USAC_DEFAULT + LM");
        Console.WriteLine($"{"",-22} {"1cm-1deg / 3-3 / 5-5",22} {"near",6}  {"deg",7} {"over",5} {"mm",7} {"over",5}   OpenCV: {"1 / 3 / 5",19} {"near",6}");
        List<BenchmarkRow> rows = [];
        foreach (string family in Families)
        {
            List<Outcome> outcomes = Solve(PnpProblems.Load(folder, family));
            JsonElement groups = expected.RootElement.GetProperty("families").GetProperty(family).GetProperty("groups");
            foreach (var group in outcomes.GroupBy(outcome => outcome.Problem.Tag).Append(outcomes.GroupBy(_ => "all").Single()))
            {
                if (!groups.TryGetProperty(group.Key, out JsonElement anchors)) continue;
                Outcome[] members = [.. group];
                Add(family, group.Key, members, anchors, rows);
                if (members[0].Guided is not null) Add(family, group.Key, [.. members.Select(o => o with { Result = o.Guided!, Milliseconds = o.GuidedMilliseconds })], anchors, rows, " scores");
            }
        }
        PrintDegenerate(PnpProblems.Load(folder, "f_degenerate"));
        return rows;
    }

    private static void Add(string family, string tag, Outcome[] members, JsonElement anchors, List<BenchmarkRow> rows, string mark = "")
    {
        Print($"{family} {tag}{mark}", family, members, anchors);
        JsonElement methods = anchors.GetProperty("methods"), poseLib = methods.GetProperty("poselib_tuned"), openCv = methods.GetProperty("cv_usacdef+lm");
        double ratio = poseLib.GetProperty("time_ratio").GetDouble() / openCv.GetProperty("time_ratio").GetDouble();
        double ours = Median(members, o => o.Milliseconds), other = Median(members, o => o.OtherMilliseconds);
        rows.Add(new BenchmarkRow($"{family} {tag}{mark}", "ms", ours, other, null, tag == "all" ? Must : null, true, FormattableString.Invariant(
            $"{ours / (other * ratio):0.00} of PoseLib tuned; {Median(members, o => o.Result.Samples):0} samples; recorded: OpenCV 4.6 {openCv.GetProperty("ms_median").GetDouble():0.00} ms, PoseLib {poseLib.GetProperty("ms_median").GetDouble():0.00} ms")));
    }

    private static List<Outcome> Solve(IReadOnlyList<PnpProblem> problems)
    {
        for (int i = 0; i < WarmUps; i++) Ours(problems[i % Math.Min(problems.Count, 4)]);
        return [.. problems.Select(problem =>
        {
            using var anchor = new OpenCvAnchor(problem);
            double best = double.PositiveInfinity, otherBest = double.PositiveInfinity, guidedBest = double.PositiveInfinity;
            PnpResult? result = null, guided = null;
            RigidPose? other = null;
            for (int run = 0; run < Runs; run++)
            {
                long start = Stopwatch.GetTimestamp();
                result = Ours(problem);
                best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalMilliseconds);
                if (problem.Scores is not null)
                {
                    double[] scores = Array.ConvertAll(problem.Scores, score => (double)score);
                    start = Stopwatch.GetTimestamp();
                    guided = Ours(problem, scores);
                    guidedBest = Math.Min(guidedBest, Stopwatch.GetElapsedTime(start).TotalMilliseconds);
                }
                start = Stopwatch.GetTimestamp();
                other = anchor.Solve();
                otherBest = Math.Min(otherBest, Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            }
            return new Outcome(problem, result!, best, other, otherBest, guided, guidedBest);
        })];
    }

    private static PnpResult Ours(PnpProblem problem, double[]? scores = null) => PnpSolver.Solve(problem.ObjectPoints, problem.ImagePoints, problem.Camera, null, scores);

    private static void Print(string name, string family, Outcome[] members, JsonElement anchors)
    {
        JsonElement oracle = anchors.GetProperty("robust_oracle");
        double degrees = Median(members, o => Error(o, Own(o)).Degrees), millimetres = Median(members, o => Error(o, Own(o)).Millimetres);
        Console.WriteLine(FormattableString.Invariant(
            $"{name,-22} {Recalls(Own),22} {Near(Own),6:0.000}  {degrees,7:0.0000} {degrees / oracle.GetProperty("med_rot_deg").GetDouble(),5:0.00} {millimetres,7:0.000} {millimetres / oracle.GetProperty("med_t_mm").GetDouble(),5:0.00}           {Recalls(o => o.Other),19} {Near(o => o.Other),6:0.000}"));

        string Recalls(Func<Outcome, RigidPose?> pose) => string.Join(" / ", new[] { 1, 3, 5 }.Select(bound => Share(o => Error(o, pose(o)) is var (d, m) && d < bound && m < 10 * bound).ToString("0.000", System.Globalization.CultureInfo.InvariantCulture)));

        double Near(Func<Outcome, RigidPose?> pose) => Share(o =>
        {
            (double d, double m) = Error(o, pose(o));
            bool isReal = family == "h_real";
            return d < 3 * Math.Max(isReal ? RealDegrees : 0, o.Problem.BoundDegrees!.Value) && m < 3 * Math.Max(isReal ? RealMillimetres : 0, o.Problem.BoundMillimetres!.Value);
        });

        double Share(Func<Outcome, bool> holds) => (double)members.Count(holds) / members.Length;

        static RigidPose? Own(Outcome outcome) => outcome.Result.Best?.ObjectToCamera;
    }

    private static void PrintDegenerate(IReadOnlyList<PnpProblem> problems)
    {
        int right = 0, poses = 0, flagged = 0, failures = 0;
        foreach (PnpProblem problem in problems)
        {
            PnpResult result = Ours(problem);
            if (problem.Expect == "pose")
            {
                poses++;
                if (result.Best is { } pose && pose.ObjectToCamera.AngleTo(problem.Truth) < 1) right++;
            }
            else if (problem.Expect == "fail")
            {
                failures++;
                if (result.Best is null) flagged++;
            }
        }
        Console.WriteLine($"f_degenerate: {right} of {poses} poses right (within 1 degree), {flagged} of {failures} impossible ones said to be so");
    }

    private static (double Degrees, double Millimetres) Error(Outcome outcome, RigidPose? pose)
    {
        if (pose is not { } p) return (180, double.PositiveInfinity);
        RigidPose t = outcome.Problem.Truth;
        return (p.AngleTo(t), 1000 * Math.Sqrt((p.X - t.X) * (p.X - t.X) + (p.Y - t.Y) * (p.Y - t.Y) + (p.Z - t.Z) * (p.Z - t.Z)));
    }

    private static double Median(Outcome[] outcomes, Func<Outcome, double> value)
    {
        double[] ordered = [.. outcomes.Select(value).Order()];
        return (ordered[(ordered.Length - 1) / 2] + ordered[ordered.Length / 2]) / 2;
    }
}
