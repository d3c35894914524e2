using System.Globalization;

namespace CorrMesh.Training;

/// <summary>Progress of a run as CSV: step, loss, hit fraction, images per second. Outlives interruptions.</summary>
/// <remarks>A run that goes on from a checkpoint may report steps a second time; the later line counts.</remarks>
public sealed class TrainingLog(string path) : IDisposable
{
    private readonly StreamWriter writer = new(path, append: true) { AutoFlush = true };

    public void Append(TrainingProgress progress) => writer.WriteLine(string.Create(
        CultureInfo.InvariantCulture, $"{progress.Step},{progress.Loss:F5},{progress.HitFraction:F5},{progress.ImagesPerSecond:F2}"));

    /// <summary>Every reported step once, ascending.</summary>
    public IReadOnlyList<TrainingProgress> Read()
    {
        var byStep = new SortedDictionary<int, TrainingProgress>();
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        using var reader = new StreamReader(stream);
        while (reader.ReadLine() is { } line)
        {
            string[] fields = line.Split(',');
            if (fields.Length != 4 || !int.TryParse(fields[0], out int step)) continue;   // a line cut off by a crash
            byStep[step] = new TrainingProgress(step, Number(fields[1]), Number(fields[2]), Number(fields[3]), TimeSpan.Zero);
        }

        return [.. byStep.Values];
    }

    public void Dispose() => writer.Dispose();

    private static double Number(string text) => double.TryParse(text, CultureInfo.InvariantCulture, out double value) ? value : double.NaN;
}
