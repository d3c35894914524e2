using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using CorrMesh.Evaluation.Objects;
using CorrMesh.Metrics;
using CorrMesh.Rendering.Files;
using CorrMesh.Rendering.Meshes;
using CorrMesh.Training.Finetuning;
using CorrMesh.Training.Measuring;
using CorrMesh.Vision.Adapters;
using CorrMesh.Vision.Weights;

namespace CorrMesh.Evaluation.Finetuning;

/// <summary>`finetune`: fine-tunes on one mesh with the paper's recipe, measures unseen views before and after, and asks the gate.</summary>
internal static class FinetuneCommand
{
    public const string Help = "[--mesh PATH] [--steps 300] [--tokens 40] [--learning-rate 1E-5] [--conv-layers 1] [--seed 42] [--threads 1] [--stages 3] [--model PATH] [--name finetune]   before and after fine-tuning on one mesh";

    private const string DefaultMesh = "data/meshes/ycb_banana/textured_simple_reoriented.obj";

    public static int Run(string[] arguments)
    {
        FinetuneArguments asked = FinetuneArguments.Parse(arguments);
        FinetuneRecipe recipe = asked.Recipe;
        recipe.Validate();
        string meshPath = asked.Mesh ?? SharedData.Path(DefaultMesh), modelPath = asked.Model ?? BuiltInModel.Path();
        string name = Path.GetFileNameWithoutExtension(meshPath);
        TriangleMesh mesh = MeshFile.Load(meshPath);
        using var model = new MeasuredModel(modelPath);
        string work = Directory.CreateTempSubdirectory("corrmesh-finetune-").FullName;
        try
        {
            var settings = new EvaluationSettings { Tokens = recipe.Tokens, Threads = recipe.Threads };
            ObjectProbe own = ObjectProbe.Render(name, mesh, settings);
            var run = new StagedRun(recipe, model, name, mesh, work);
            var curve = new List<CurvePoint>();
            var rows = new List<FinetuneRow>();
            Measure("bare backbone", null);
            Adapter adapter = run.RunTo(0, _ => { });
            curve.Add(new CurvePoint(0, null, Measure("step 0", adapter)));
            var clock = new Stopwatch();
            foreach (int end in Stages(recipe.Iterations, asked.Stages))
            {
                clock.Start();
                adapter = run.RunTo(end, progress =>
                {
                    curve.Add(new CurvePoint(progress.Step, progress.Loss, null));
                    Console.Error.WriteLine($"step {progress.Step}: loss {progress.Loss:F4}, {progress.StepsPerSecond:F2} steps/s, {progress.Remaining:hh\\:mm\\:ss} left");
                });
                clock.Stop();
                curve.Add(new CurvePoint(end, null, Measure($"step {end}", adapter)));
            }
            string file = Path.Combine(work, "adapter.safetensors");
            FinetuneExport.Write(file, adapter, recipe, model.Digest, recipe.Iterations);
            var subject = new GateSubject(model.Backbone, model.Digest, adapter, WeightFile.Digest(file));
            EvaluationSettings coarse = EvaluationSettings.Gate with { Threads = recipe.Threads };
            TimeSpan processor = Environment.CpuUsage.TotalTime;
            GateReport verdict = PublishGate.Judge(subject, ObjectProbe.Render(name, mesh, coarse), ReferenceSet.Procedural, coarse) with { Recipe = JsonNode.Parse(recipe.ToJson()), Curve = curve };
            var table = new FinetuneTable(name, Path.GetFileName(modelPath), settings, rows, verdict, clock.Elapsed.TotalSeconds, (Environment.CpuUsage.TotalTime - processor).TotalSeconds);
            Console.Write(table.ToMarkdown());
            ResultsFolder.Write(asked.Name, table.ToMarkdown(), verdict.ToJson(), (".bars.svg", ReportPlots.Bars(verdict)), (".curves.svg", ReportPlots.Curves(curve)));
            return 0;

            double Measure(string label, Adapter? measured)
            {
                DenseCorrespondence figures = model.Measure(own, settings, measured);
                rows.Add(new FinetuneRow(label, figures));
                Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{label}: PCDP@0.1 {100 * figures.Pcdp10:F2} %, APE {100 * figures.Ape:F2} %"));
                return figures.Pcdp10;
            }
        }
        finally
        {
            Directory.Delete(work, recursive: true);
        }
    }

    /// <summary>The steps after which a run is measured: so many equal parts, each at least one step.</summary>
    internal static IEnumerable<int> Stages(int steps, int count) =>
        Enumerable.Range(1, count).Select(i => (int)((long)steps * i / count)).Where(end => end > 0).Distinct();
}
