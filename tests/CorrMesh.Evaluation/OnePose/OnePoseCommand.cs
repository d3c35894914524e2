using System.Globalization;

namespace CorrMesh.Evaluation.OnePose;

/// <summary>`onepose`: the paper's one-shot pose, with our solver.</summary>
internal static class OnePoseCommand
{
    public static int Run(string[] arguments)
    {
        OnePoseArguments asked = OnePoseArguments.Parse(arguments);
        IReadOnlyList<OnePoseShares>? reference = asked.Reference is null ? null : OnePoseShares.Read(asked.Reference);
        IReadOnlyList<OnePoseObject> objects = OnePoseObject.Find(asked.Data);
        using var features = new OneShotFeatures(asked.Model ?? BuiltInModel.Path(), asked.Adapter, asked.Heads);
        List<OnePoseRow> rows = [];
        foreach (OnePoseObject one in objects)
        {
            rows.Add(OnePoseRun.Measure(one, features, asked.Threads));
            Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{rows.Count} of {objects.Count}, {one.Name}: {rows[^1].Frames.Count} frames, {100 * rows[^1].Share(5):F1} % within 5 cm and 5 degrees"));
        }
        var report = new OnePoseReport(rows, reference, features.Title, Processor.Name());
        Console.Write(report.ToMarkdown());
        ResultsFolder.Write(asked.Name, report.ToMarkdown(), report.ToJson());
        foreach (string miss in report.Misses()) Console.WriteLine($"missed: {miss}");
        return asked.IsStrict && report.Misses().Count > 0 ? 1 : 0;
    }
}
