using System.Globalization;
using CorrMesh.Evaluation.Finetuning;
using CorrMesh.Evaluation.Objects;
using CorrMesh.Metrics;
using CorrMesh.Training.Finetuning;
using CorrMesh.Training.Measuring;
using CorrMesh.Vision.Adapters;

namespace CorrMesh.Evaluation.Finding;

/// <summary>`finding`: the paper's finding at this model's size - whether fine-tuning on one object lets others be found better.</summary>
internal static class FindingCommand
{
    private const string Work = ".work/finding";

    public static int Run(string[] arguments)
    {
        FindingArguments asked = FindingArguments.Parse(arguments);
        FinetuneRecipe recipe = asked.Recipe;
        FindingPlan plan = FindingPlan.Create(SharedMeshes.Find(SharedData.Path(SharedMeshes.Folder)), asked.ObjectCount, recipe.Iterations);
        using var model = new MeasuredModel(BuiltInModel.FirstVersion());
        var settings = new EvaluationSettings { Tokens = recipe.Tokens, Threads = recipe.Threads };
        var cells = new FindingCells(Path.Combine(Work, "cells.jsonl"), model.Digest, recipe, settings);
        var report = new FindingReport(plan, cells, recipe, settings, model.Title, Processor.Name());
        Dictionary<string, StagedRun> runs = [];
        Dictionary<EvaluatedObject, ObjectProbe> probes = [];   // some 10 MB each, of a few dozen
        int total = plan.Cells().Count();
        new FindingRun(plan, cells, Train, (adapter, cell) => model.Measure(Probe(cell.Measured), settings, adapter)).Run((cell, left) =>
        {
            Save();
            Console.Error.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{plan.Cells().Count(c => cells.Find(c) is not null)} of {total}: {(cell.Step is null ? "bare" : $"{cell.Trained}, step {cell.Step}")}, on {cell.Measured}: PCDP@0.1 {100 * cell.Figures.Pcdp10:F2} %, APE {100 * cell.Figures.Ape:F2} %; {left:d\\.hh\\:mm\\:ss} left"));
        });
        Console.Write(report.ToMarkdown());
        Console.Error.WriteLine($"written to {Save()}.md, .json and .svg");
        return 0;

        string Save() => ResultsFolder.Save(asked.Name, report.ToMarkdown(), report.ToJson(), report.ToSvg() is { } plot ? [(".svg", plot)] : []);

        ObjectProbe Probe(EvaluatedObject one) => probes.TryGetValue(one, out ObjectProbe? kept) ? kept : probes[one] = one.Render(settings);

        // An adapter is kept once it is trained, as the run's checkpoints go on past it.
        Adapter Train(string name, int step)
        {
            string folder = Path.Combine(Work, $"{model.Digest[..12]}-{recipe.Digest()[..12]}", name), file = Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"adapter-{step:0000000}.safetensors"));
            if (File.Exists(file)) return AdapterFile.Read(file);
            if (!runs.TryGetValue(name, out StagedRun? run))
                runs[name] = run = new StagedRun(recipe, model, name, plan.Own.Single(own => own.Name == name).Make(), Path.Combine(folder, "checkpoints"));
            Adapter adapter = run.RunTo(step, progress => Console.Error.WriteLine(string.Create(
                CultureInfo.InvariantCulture, $"{name}, step {progress.Step}: loss {progress.Loss:F4}, {progress.StepsPerSecond:F2} steps/s, {progress.Remaining:hh\\:mm\\:ss} to step {step}")));
            Directory.CreateDirectory(folder);
            FinetuneExport.Write(file, adapter, recipe, model.Digest, step);
            return adapter;
        }
    }
}
