namespace CorrMesh.Evaluation.Pose;

/// <summary>`pose`: poses of real and rendered objects through the public API.</summary>
internal static class PoseCommand
{
    public static int Run(string[] args)
    {
        PoseArguments asked = PoseArguments.Read(args);
        using ServedPoses served = asked.Address is { } address ? ServedPoses.At(address) : ServedPoses.Start(asked.Settings);
        FolderResult? folder = asked.IsFolder ? FolderRun.RunAsync(served, PosedFolder.Open(asked.Folder ?? SharedData.Path("data/box")), asked).GetAwaiter().GetResult() : null;
        IReadOnlyList<ObjectResult> objects = asked.Objects + asked.MeshFiles.Length == 0 ? [] : ObjectsRun.RunAsync(served, asked, Console.Error.WriteLine).GetAwaiter().GetResult();
        IReadOnlyList<FlipResult> flips = asked.FlipFrames == 0 ? [] : FlipRun.RunAsync(served, asked, Console.Error.WriteLine).GetAwaiter().GetResult();
        if (asked.Calibrates) Calibrate(objects);
        var report = new PoseReport(folder, objects, flips, Processor.Name());
        string markdown = report.ToMarkdown();
        Console.WriteLine(markdown);
        ResultsFolder.Write(asked.Name, markdown, report.ToJson(), objects.Count > 0 ? [(".svg", report.ToSvg())] : []);
        IReadOnlyList<string> misses = report.Misses();
        foreach (string miss in misses) Console.WriteLine($"missed: {miss}");
        return asked.IsStrict && misses.Count > 0 ? 1 : 0;
    }

    // Fitted on every other object, judged on those between.
    private static void Calibrate(IReadOnlyList<ObjectResult> objects)
    {
        var fitted = ConfidenceFit.Cases(objects.Where((_, i) => i % 2 == 0), RenderedScenes.Camera);
        var unseen = ConfidenceFit.Cases(objects.Where((_, i) => i % 2 == 1), RenderedScenes.Camera);
        double[] weights = ConfidenceFit.Fit(fitted), all = ConfidenceFit.Fit([.. fitted, .. unseen]);
        double error = ConfidenceFit.Error(ConfidenceFit.Reliability(unseen.Select(one => (ConfidenceFit.Of(weights, one.Evidence), one.IsRight))));
        Console.WriteLine($"weights of half of the objects: {string.Join(", ", weights.Select(weight => weight.ToString("F3", System.Globalization.CultureInfo.InvariantCulture)))}; calibration error on the others: {error:F3} ({unseen.Count} answers)");
        Console.WriteLine($"weights of all: {string.Join(", ", all.Select(weight => weight.ToString("F3", System.Globalization.CultureInfo.InvariantCulture)))}");
    }
}
