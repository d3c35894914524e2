using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using CorrMesh.Protos.Pose.V1;

namespace CorrMesh.Evaluation.Pose;

/// <summary>The tables of poses, as text, JSON and a picture of the calibration.</summary>
internal sealed record PoseReport(FolderResult? Folder, IReadOnlyList<ObjectResult> Objects, IReadOnlyList<FlipResult> Flips, string Cpu)
{
    private const double SingleMust = 0.80, SingleAim = 0.95, StreamMust = 0.90, StreamAim = 0.99;

    private static readonly double[] Bounds = [1, 3, 5];

    private IReadOnlyList<(int Count, double Said, double Right)> Reliability => ConfidenceFit.Reliability(
        ConfidenceFit.Cases(Objects, RenderedScenes.Camera).Select(one => (one.Confidence, one.IsRight)));

    /// <summary>Musts that are missed, each with its numbers.</summary>
    public IReadOnlyList<string> Misses()
    {
        var misses = new List<string>();
        if (Folder is not null)
        {
            Check("single pictures within 10 px", Pixels(Folder.Single, 10), SingleMust);
            if (Folder.Stream.Count > 0) Check("frames of the stream within 10 px", Pixels(Folder.Stream, 10), StreamMust);
        }
        if (Flips.Where(flips => flips.IsSymmetric).Sum(flips => flips.Jumps) is > 0 and var jumps) misses.Add($"jumps of symmetric objects: 0 needed, {jumps} found");
        return misses;

        void Check(string what, double share, double must)
        {
            if (!(share >= must)) misses.Add(string.Create(CultureInfo.InvariantCulture, $"{what}: {must:P0} needed, {share:P1} found"));
        }
    }

    public string ToMarkdown()
    {
        var text = new StringBuilder();
        text.AppendLine($"Poses through the public API. Processor: {Cpu}.").AppendLine();
        if (Folder is not null)
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"Real object: {Folder.References.Length} pictures (frames {string.Join(", ", Folder.References)}) and the mesh; {Folder.Object.Identity.Model}{(Folder.Object.Identity.Adapter.Length > 0 ? " with " + Folder.Object.Identity.Adapter : "")}, {Folder.Object.Tokens} tokens; made in {Folder.Onboarding.TotalSeconds:F1} s; {Folder.Object.Kept} of {Folder.Object.Sampled} descriptors kept.").AppendLine();
            text.AppendLine("| | frames | within 5 px | within 10 px | must / aim | 3 cm, 3° | 5 cm, 5° | median / 90 % of corner error, px | median cm / ° |").AppendLine("|---|---:|---:|---:|---:|---:|---:|---:|---:|");
            Row("single pictures", Folder.Single, SingleMust, SingleAim);
            if (Folder.Stream.Count > 0) Row("stream", Folder.Stream, StreamMust, StreamAim);
            text.AppendLine();
            text.AppendLine("| time of a frame, ms (medians) | features | matching | solver | all |").AppendLine("|---|---:|---:|---:|---:|");
            Times("single pictures", Folder.Single.Select(frame => frame.Timings));
            if (Folder.Stream.Count > 0)
            {
                Times("stream", Folder.Stream.Select(frame => frame.Timings));
                text.AppendLine();
                text.AppendLine(CultureInfo.InvariantCulture, $"Stream: {Folder.Stream.Count(frame => frame.IsGuided)} of {Folder.Stream.Count} frames guided by the one before; events: {string.Join(", ", Folder.Stream.Where(frame => frame.Event != TrackEvent.Unspecified).Select(frame => $"{frame.Event.ToString().ToLowerInvariant()} at {frame.Frame}"))}.");
            }
            text.AppendLine();
        }
        if (Objects.Count > 0)
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"Rendered objects never trained on, {Objects[0].Photos.Count} photos each, a fifth of them without the object: per cent of the others within so many cm and degrees. Objects marked * look alike from several sides, so their errors are not counted in the mean.").AppendLine();
            text.AppendLine("| object | size, cm | made in, s | 1 cm, 1° | 3 cm, 3° | 5 cm, 5° | found where it is not |").AppendLine("|---|---:|---:|---:|---:|---:|---:|");
            foreach (ObjectResult row in Objects)
                text.AppendLine(CultureInfo.InvariantCulture, $"| {row.Name}{(row.IsSymmetric ? " *" : "")} | {100 * row.Info.DiameterM:F0} | {row.Onboarding.TotalSeconds:F1} | {string.Join(" | ", Bounds.Select(bound => $"{100 * row.Share(bound):F1}"))} | {row.FalseAlarms} of {row.Photos.Count - row.Shown.Count} |");
            ObjectResult[] counted = [.. Objects.Where(row => !row.IsSymmetric)];
            if (counted.Length > 0)
                text.AppendLine(CultureInfo.InvariantCulture, $"| **mean of {counted.Length}** | | {counted.Average(row => row.Onboarding.TotalSeconds):F1} | {string.Join(" | ", Bounds.Select(bound => $"{100 * counted.Average(row => row.Share(bound)):F1}"))} | {Objects.Sum(row => row.FalseAlarms)} of {Objects.Sum(row => row.Photos.Count - row.Shown.Count)} |");
            text.AppendLine();
            text.AppendLine(CultureInfo.InvariantCulture, $"Confidence: expected calibration error {ConfidenceFit.Error(Reliability):F3}.").AppendLine();
            text.AppendLine("| answers | confidence | right |").AppendLine("|---:|---:|---:|");
            foreach ((int count, double said, double right) in Reliability) text.AppendLine(CultureInfo.InvariantCulture, $"| {count} | {100 * said:F0} % | {100 * right:F0} % |");
            text.AppendLine();
        }
        if (Flips.Count > 0)
        {
            text.AppendLine("Objects that look the same from several sides, turning, as streams; a jump is a pose that turned by more than 30° otherwise than the object did. The last one has no symmetry, strictly: some of its faces show the picture as in a mirror; so it is not counted.").AppendLine();
            text.AppendLine("| | symmetries found | axes | frames | with a pose | jumps | lost or found again |").AppendLine("|---|---:|---:|---:|---:|---:|---:|");
            foreach (FlipResult flips in Flips)
                text.AppendLine(CultureInfo.InvariantCulture, $"| {flips.Name} | {flips.Object.Symmetries.Discrete.Count} | {flips.Object.Symmetries.Continuous.Count} | {flips.Frames} | {flips.Solved} | **{flips.Jumps}** | {flips.Events} |");
        }
        return text.ToString().ReplaceLineEndings("\n");

        void Row(string name, IReadOnlyList<FrameResult> frames, double must, double aim) => text.AppendLine(CultureInfo.InvariantCulture,
            $"| {name} | {frames.Count} | {100 * Pixels(frames, 5):F1} | **{100 * Pixels(frames, 10):F1}** | {100 * must:F0} / {100 * aim:F0} | {100 * Centimetres(frames, 3):F1} | {100 * Centimetres(frames, 5):F1} | {Quantile(frames.Select(frame => frame.Off.Pixels), 0.5):F1} / {Quantile(frames.Select(frame => frame.Off.Pixels), 0.9):F1} | {Quantile(frames.Select(frame => frame.Off.Centimetres), 0.5):F2} / {Quantile(frames.Select(frame => frame.Off.Degrees), 0.5):F2} |");

        void Times(string name, IEnumerable<PoseTimings> timings)
        {
            PoseTimings[] all = [.. timings];
            double Middle(Func<PoseTimings, long> part) => Quantile(all.Select(time => part(time) / 1e6), 0.5);
            text.AppendLine(CultureInfo.InvariantCulture, $"| {name} | {Middle(time => time.FeaturesNs):F1} | {Middle(time => time.MatchingNs):F1} | {Middle(time => time.SolverNs):F1} | {Middle(time => time.TotalNs):F1} |");
        }
    }

    public string ToJson()
    {
        var root = new JsonObject { ["cpu"] = Cpu };
        if (Folder is not null)
        {
            root["folder"] = new JsonObject
            {
                ["model"] = Folder.Object.Identity.Model,
                ["model_digest"] = Folder.Object.Identity.ModelDigest,
                ["references"] = new JsonArray([.. Folder.References.Select(frame => (JsonNode)frame)]),
                ["onboarding_seconds"] = Math.Round(Folder.Onboarding.TotalSeconds, 2),
                ["single"] = Frames(Folder.Single),
                ["stream"] = Frames(Folder.Stream),
            };
        }
        root["objects"] = new JsonArray([.. Objects.Select(row => (JsonNode)new JsonObject
        {
            ["name"] = row.Name,
            ["is_symmetric"] = row.IsSymmetric,
            ["diameter_m"] = Math.Round(row.Info.DiameterM, 4),
            ["onboarding_seconds"] = Math.Round(row.Onboarding.TotalSeconds, 2),
            ["within"] = new JsonObject(Bounds.Select(bound => KeyValuePair.Create($"{bound}", (JsonNode?)Math.Round(row.Share(bound), 4)))),
            ["false_alarms"] = row.FalseAlarms,
        })]);
        if (Objects.Count > 0)
            root["reliability"] = new JsonArray([.. Reliability.Select(bin => (JsonNode)new JsonObject { ["answers"] = bin.Count, ["confidence"] = Math.Round(bin.Said, 4), ["right"] = Math.Round(bin.Right, 4) })]);
        root["symmetric"] = new JsonArray([.. Flips.Select(flips => (JsonNode)new JsonObject { ["name"] = flips.Name, ["frames"] = flips.Frames, ["solved"] = flips.Solved, ["jumps"] = flips.Jumps })]);
        root["misses"] = new JsonArray([.. Misses().Select(miss => (JsonNode)miss)]);
        return root.ToJsonString(new JsonSerializerOptions { WriteIndented = true }).ReplaceLineEndings("\n") + "\n";

        static JsonArray Frames(IReadOnlyList<FrameResult> frames) => new([.. frames.Select(frame => (JsonNode)new JsonObject
        {
            ["frame"] = frame.Frame,
            ["px"] = Finite(frame.Off.Pixels),
            ["degrees"] = Finite(frame.Off.Degrees),
            ["cm"] = Finite(frame.Off.Centimetres),
            ["confidence"] = Math.Round(frame.Answer.Confidence, 4),
        })]);

        static JsonNode? Finite(double value) => double.IsFinite(value) ? Math.Round(value, 3) : null;
    }

    /// <summary>What answers said against how often they were right; the size of a dot is the number of answers.</summary>
    public string ToSvg()
    {
        var svg = new StringBuilder();
        svg.AppendLine("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 320 320\" width=\"320\" height=\"320\" font-family=\"sans-serif\" font-size=\"11\">");
        svg.AppendLine("<rect width=\"320\" height=\"320\" fill=\"#fff\"/><path d=\"M40 280V40M40 280H280\" stroke=\"#333\" fill=\"none\"/><path d=\"M40 280L280 40\" stroke=\"#999\" stroke-dasharray=\"4\"/>");
        svg.AppendLine("<text x=\"160\" y=\"308\" text-anchor=\"middle\">confidence</text><text x=\"14\" y=\"160\" text-anchor=\"middle\" transform=\"rotate(-90 14 160)\">share that is right</text>");
        foreach (int percent in (int[])[0, 50, 100])
            svg.AppendLine(CultureInfo.InvariantCulture, $"<text x=\"{40 + 2.4 * percent}\" y=\"294\" text-anchor=\"middle\">{percent} %</text><text x=\"36\" y=\"{284 - 2.4 * percent}\" text-anchor=\"end\">{percent}</text>");
        if (Objects.Count > 0)
        {
            int most = Reliability.Max(bin => bin.Count);
            foreach ((int count, double said, double right) in Reliability)
                svg.AppendLine(CultureInfo.InvariantCulture, $"<circle cx=\"{40 + 240 * said:F1}\" cy=\"{280 - 240 * right:F1}\" r=\"{3 + 9 * Math.Sqrt((double)count / most):F1}\" fill=\"#2a6fdb\" fill-opacity=\"0.6\"><title>{count} answers: {100 * said:F0} % said, {100 * right:F0} % right</title></circle>");
        }
        return svg.AppendLine("</svg>").ToString().ReplaceLineEndings("\n");
    }

    private static double Pixels(IReadOnlyList<FrameResult> frames, double bound) => frames.Count(frame => frame.Off.Pixels < bound) / (double)frames.Count;

    private static double Centimetres(IReadOnlyList<FrameResult> frames, double bound) => frames.Count(frame => frame.Off.Within(bound)) / (double)frames.Count;

    private static double Quantile(IEnumerable<double> values, double share)
    {
        double[] sorted = [.. values.Order()];
        return sorted.Length == 0 ? double.NaN : sorted[(int)(share * (sorted.Length - 1))];
    }
}
