using System.Globalization;
using CorrMesh.Metrics;
using CorrMesh.Vision.Weights;

namespace CorrMesh.Evaluation.Pairs;

/// <summary>`pairs`: how many points each method matches, on real and on generated pairs.</summary>
internal static class PairsCommand
{
    /// <summary>Tokens on the longer side: compact's default.</summary>
    private const int Tokens = 40;

    /// <summary>Of the untrained weights, and of the generated scenes: compact was trained with the same one, on other indices.</summary>
    private const int Seed = 1;

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

        string path = model ?? BuiltInModel.Path();
        using NetworkFeatures compact = NetworkFeatures.Load(path, Tokens), untrained = NetworkFeatures.Untrained(compact.Config, Tokens, Seed);
        IPairMatcher[] matchers =
        [
            new FeatureMapMatcher("compact", compact.Describe),
            new FeatureMapMatcher("random weights", untrained.Describe),
            new FeatureMapMatcher("RGB patches", image => RgbPatchMap.Describe(image, Tokens)),
        ];
        List<PairsRow> real = [];
        foreach ((string name, string truth, IEnumerable<PairCase> pairs) in RealPairs.All()) real.Add(Measure(name, truth, pairs, matchers));
        PairsRow? generated = count == 0 ? null : Measure("generated", "homography", GeneratedPairs.All(count, Seed), matchers);
        var report = new PairsReport(
            [.. matchers.Select(matcher => matcher.Name)], real, generated, Processor.Name(), $"{Path.GetFileName(path)} sha256:{WeightFile.Digest(path)}, {Tokens} tokens");
        Console.Write(report.ToMarkdown());
        ResultsFolder.Write("pairs", report.ToMarkdown(), report.ToJson());
        foreach (string miss in report.Misses()) Console.WriteLine($"missed: {miss}");
        return strict && report.Misses().Count > 0 ? 1 : 0;
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
}
