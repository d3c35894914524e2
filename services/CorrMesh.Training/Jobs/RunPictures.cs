using System.Globalization;
using System.Xml.Linq;
using CorrMesh.Training.Finetuning;
using CorrMesh.Training.Measuring;
using CorrMesh.Vision.Features;
using CorrMesh.Vision.Images;
using CorrMesh.Vision.Similarity;

namespace CorrMesh.Training.Jobs;

/// <summary>Pictures of a run: what is trained on, and one pair of unseen views with its features and matches, without and with the adapter.</summary>
/// <param name="folder">Receives them; each takes the place of an earlier one whole.</param>
/// <param name="probe">Holds the pair.</param>
/// <param name="settings">How it is looked at.</param>
internal sealed class RunPictures(JobFolder folder, ObjectProbe probe, EvaluationSettings settings)
{
    private const int TrainingViews = 8, Reduction = 2, MatchCount = 60;
    private const double Near = 0.05, Fair = 0.1;
    private static readonly XNamespace Svg = "http://www.w3.org/2000/svg";

    // Neither the easiest nor the hardest.
    private readonly ProbePair pair = probe.Pairs.OrderBy(pair => pair.PointCount).ThenBy(pair => pair.Source).ElementAt(probe.Pairs.Count / 2);

    /// <summary>Names of the pictures of a job, in order.</summary>
    public static IReadOnlyList<string> NamesIn(JobFolder folder) =>
        Directory.Exists(folder.Pictures) ? [.. Directory.GetFiles(folder.Pictures).Where(file => file.EndsWith(".png", StringComparison.Ordinal) || file.EndsWith(".svg", StringComparison.Ordinal))
            .Select(file => Path.GetFileNameWithoutExtension(file)!).Order(StringComparer.Ordinal)] : [];

    /// <summary>Finds a picture by its name.</summary>
    /// <returns>Its file and content type; null when there is none.</returns>
    public static (string Path, string ContentType)? Find(JobFolder folder, string name)
    {
        if (!NamesIn(folder).Contains(name)) return null;
        string png = Path.Combine(folder.Pictures, name + ".png");
        return File.Exists(png) ? (png, "image/png") : (Path.Combine(folder.Pictures, name + ".svg"), "image/svg+xml");
    }

    /// <summary>Writes `training`: some views as they are trained on.</summary>
    public void WriteTraining(ITrainingViews views, bool augment)
    {
        int count = views.CountViews(0);
        int shownCount = Math.Min(TrainingViews, count);
        RgbImage[] shown = [.. Enumerable.Range(0, shownCount).Select(i => views.Load(0, i * count / shownCount, augment ? (ulong)i : null).Image.Reduced(4))];
        Write("training", RgbImage.SideBySide(shown));
    }

    /// <summary>Writes `view`, `colours_...` and `matches_...`.</summary>
    /// <param name="model">Borrowed, on its thread.</param>
    /// <param name="when">"before" or "after".</param>
    public void WritePair(FeatureModel model, string when)
    {
        RgbImage source = probe.Pictures[pair.Source], target = probe.Pictures[pair.Target];
        FeatureMap[] maps = [.. new[] { source, target }.Select(picture =>
            model.Extract([PreparedImage.From(picture, InputGeometry.ForTokens(picture.Width, picture.Height, settings.Tokens, model.Config.PatchSize))])[0])];
        if (maps.Any(map => Array.Exists(map.Values, value => !float.IsFinite(value)))) return;   // the gate says so
        RgbImage row = RgbImage.SideBySide([source, target]);
        Write("view", row.Reduced(Reduction));
        FeatureMap[] unit = [.. maps.Select(map => map.Unit().AtSize(settings.Size / Reduction))];
        JointPca colours = JointPca.Fit(unit);
        Write($"colours_{when}", RgbImage.SideBySide([.. unit.Select(colours.RenderImage)]));
        int step = Math.Max(1, pair.PointCount / MatchCount);
        int[] chosen = [.. Enumerable.Range(0, pair.PointCount / step).Select(i => i * step)];
        float[] points = [.. chosen.SelectMany(i => new[] { pair.Points[2 * i], pair.Points[2 * i + 1] })];
        PixelMatch[] found = BestPosition.Find(TokenGram.Create(maps[1]), KeypointSampler.Sample(maps[0], points, normalise: true), settings.Threads);
        Write($"matches_{when}", Matches(row, source.Width, points, [.. chosen.Select(i => (pair.Truths[2 * i], pair.Truths[2 * i + 1]))], found));
    }

    /// <summary>Writes `curves` and `bars`.</summary>
    public void WritePlots(GateReport report)
    {
        if (report.Curve.Any(point => point.Loss is not null || point.Pcdp10 is not null)) Write("curves", ReportPlots.Curves(report.Curve));
        if (report.Own is not null) Write("bars", ReportPlots.Bars(report));
    }

    // Green within 0.05 of the edge, amber within 0.1, red beyond.
    private static string Matches(RgbImage row, int left, float[] points, (double X, double Y)[] truths, PixelMatch[] found)
    {
        double edge = Math.Max(left, row.Height);
        string picture = Convert.ToBase64String(PngEncoder.Encode(row.Reduced(Reduction)));
        var root = new XElement(
            Svg + "svg", new XAttribute("viewBox", $"0 0 {row.Width} {row.Height}"), new XAttribute("width", row.Width / Reduction), new XAttribute("height", row.Height / Reduction),
            new XElement(Svg + "image", new XAttribute("href", "data:image/png;base64," + picture), new XAttribute("width", row.Width), new XAttribute("height", row.Height)));
        for (int i = 0; i < found.Length; i++)
        {
            double error = Math.Sqrt(Math.Pow(found[i].X - truths[i].X, 2) + Math.Pow(found[i].Y - truths[i].Y, 2)) / edge;
            string colour = error < Near ? "#22c55e" : error < Fair ? "#f59e0b" : "#ef4444";
            root.Add(new XElement(
                Svg + "line", new XAttribute("x1", Number(points[2 * i])), new XAttribute("y1", Number(points[2 * i + 1])), new XAttribute("x2", Number(left + found[i].X)), new XAttribute("y2", Number(found[i].Y)),
                new XAttribute("stroke", colour), new XAttribute("stroke-width", "2"), new XAttribute("stroke-opacity", "0.8")));
        }
        return root.ToString(SaveOptions.DisableFormatting);
    }

    private void Write(string name, RgbImage picture) => Write(name + ".png", PngEncoder.Encode(picture));

    private void Write(string name, string svg) => Write(name + ".svg", System.Text.Encoding.UTF8.GetBytes(svg));

    private void Write(string file, byte[] content)
    {
        Directory.CreateDirectory(folder.Pictures);
        JobFolder.Write(Path.Combine(folder.Pictures, file), content);
    }

    private static string Number(double value) => value.ToString("0.#", CultureInfo.InvariantCulture);
}
