using System.Diagnostics;
using System.Globalization;
using CorrMesh.Evaluation.Objects;
using CorrMesh.Metrics;
using CorrMesh.Training.Measuring;

namespace CorrMesh.Evaluation.Compact;

/// <summary>`compact`: finds points of objects from view to view, with the model and with its first version, on the same pictures.</summary>
internal static class CompactCommand
{
    public static int Run(string[] arguments)
    {
        CompactArguments asked = CompactArguments.Parse(arguments);
        var clock = Stopwatch.StartNew();
        IReadOnlyList<EvaluatedObject> meshes = SharedMeshes.Find(SharedData.Path(SharedMeshes.Folder));
        using MeasuredModel first = new(BuiltInModel.FirstVersion()), measured = new(asked.Model ?? BuiltInModel.Path());
        int total = meshes.Count + asked.Count;
        var rows = new List<CompactRow>();
        // The next object is made and rendered while one is measured, as most of that is one thread's work. The models' tensors belong to this thread: it waits and does not await.
        using IEnumerator<EvaluatedObject> queue = meshes.Concat(HeldOutObjects.Take(asked.Count)).GetEnumerator();
        for (Task<(EvaluatedObject One, ObjectProbe Probe)?> ahead = Next(); ahead.GetAwaiter().GetResult() is { } next;)
        {
            ahead = Next();
            rows.Add(Measure(next.One, next.Probe));
        }
        var report = new CompactReport(rows[..meshes.Count], rows[meshes.Count..], first.Title, measured.Title, asked.Settings, Processor.Name(), clock.Elapsed.TotalSeconds);
        Console.Write(report.ToMarkdown());
        ResultsFolder.Write(asked.Name, report.ToMarkdown(), report.ToJson(), (".svg", report.ToSvg()));
        foreach (string miss in report.Misses()) Console.WriteLine($"missed: {miss}");
        return asked.IsStrict && report.Misses().Count > 0 ? 1 : 0;

        Task<(EvaluatedObject, ObjectProbe)?> Next() => Task.Run<(EvaluatedObject, ObjectProbe)?>(() => queue.MoveNext() ? (queue.Current, queue.Current.Render(asked.Settings)) : null);

        CompactRow Measure(EvaluatedObject one, ObjectProbe probe)
        {
            int done = rows.Count + 1;
            DenseCorrespondence before = first.Measure(probe, asked.Settings);
            DenseCorrespondence after = measured.Digest == first.Digest ? before : measured.Measure(probe, asked.Settings);   // the same weights find the same
            TimeSpan left = clock.Elapsed / done * (total - done);
            Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{done} of {total}, {one.Name}: PCDP@0.1 {100 * before.Pcdp10:F1} % / {100 * after.Pcdp10:F1} %, {left:hh\\:mm\\:ss} left"));
            return new CompactRow(one.Name, one.IsSymmetric, probe.Pairs.Count, before, after);
        }
    }
}
