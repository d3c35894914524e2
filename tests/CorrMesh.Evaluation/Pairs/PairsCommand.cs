using System.Globalization;
using CorrMesh.Metrics;

namespace CorrMesh.Evaluation.Pairs;

/// <summary>`pairs`: how many points each method matches, on real and on generated pairs.</summary>
internal static class PairsCommand
{
    private const int Tokens = 40;

    public static int Run(string[] arguments)
    {
        bool strict = false;
        string? model = null;
        int count = 200;
        for (int i = 0; i < arguments.Length; i++)
        {
            switch (arguments[i])
            {
                case "--strict": strict = true; break;
                case "--model" when i + 1 < arguments.Length: model = arguments[++i]; break;
                case "--count" when i + 1 < arguments.Length && int.TryParse(arguments[i + 1], CultureInfo.InvariantCulture, out int n) && n is >= 0 and <= 100_000:
                    (count, i) = (n, i + 1);
                    break;
                default: throw new ArgumentException($"{arguments[i]}: unknown or incomplete; there are --strict, --model PATH and --count 0..100000");
            }
        }

        IPairMatcher[] matchers = [new FeatureMapMatcher("RGB patches", image => RgbPatchMap.Describe(image, Tokens))];
        List<PairsRow> real = [];
        foreach ((string name, string truth, IEnumerable<PairCase> pairs) in RealPairs.All()) real.Add(Measure(name, truth, pairs, matchers));
        PairsRow? generated = count == 0 ? null : Measure("generated", "homography", GeneratedPairs.All(count, 1), matchers);
        var report = new PairsReport([.. matchers.Select(matcher => matcher.Name)], real, generated, CpuName(), model ?? "");
        Console.WriteLine(report.ToMarkdown());
        return strict ? 1 : 0;
    }

    private static PairsRow Measure(string name, string truth, IEnumerable<PairCase> pairs, IPairMatcher[] matchers)
    {
        MatchTally[] tallies = [.. matchers.Select(_ => new MatchTally())];
        int count = 0;
        foreach (PairCase pair in pairs)
        {
            count++;
            for (int m = 0; m < matchers.Length; m++)
            {
                (float X, float Y)[] answers = matchers[m].Match(pair.Source, pair.Target, pair.Points);
                for (int i = 0; i < answers.Length; i++) tallies[m].Add(pair.DistancePx(i, answers[i].X, answers[i].Y), pair.DiagonalPx);
            }
        }
        Console.Error.WriteLine($"{name}: {tallies[0].Count} points of {count} pairs");
        return new PairsRow(name, truth, count, tallies);
    }

    private static string CpuName() => File.Exists("/proc/cpuinfo")
        ? File.ReadLines("/proc/cpuinfo").FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal))?.Split(':', 2)[1].Trim() ?? "unknown"
        : "unknown";
}
