using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using CorrMesh.Metrics;
using CorrMesh.Rendering.Files;
using CorrMesh.Rendering.Meshes;
using CorrMesh.Rendering.Views;
using CorrMesh.Training.Finetuning;
using CorrMesh.Training.Measuring;
using CorrMesh.Vision.Adapters;
using CorrMesh.Vision.Backbones;
using CorrMesh.Vision.Features;
using CorrMesh.Vision.Weights;

namespace CorrMesh.Training.Jobs;

/// <summary>The weights that a job fine-tunes.</summary>
/// <param name="Path">The weight file.</param>
/// <param name="Digest">Its SHA-256, 64 hex digits.</param>
/// <param name="Heads">Attention heads, which no file tells.</param>
public sealed record JobBackbone(string Path, string Digest, int Heads);

/// <summary>A job's work, in the job's own process: from the mesh and the last checkpoint to the adapter's file, the gate's report and the card.</summary>
/// <param name="folder">The job's.</param>
/// <param name="checkpointSteps">Steps between checkpoints.</param>
public sealed class JobRun(JobFolder folder, int checkpointSteps)
{
    private const int Reports = 1000, LongestReport = 100;

    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower) },
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        WriteIndented = true,
    };

    /// <summary>Works to the end. Everything is written whole or not at all, so the process may be killed at any moment and the work begun again.</summary>
    /// <param name="find">Gives the weights of a model by name.</param>
    /// <param name="report">Receives progress, measurements and how far the gate is.</param>
    /// <param name="cancellation">Looked at between steps.</param>
    /// <exception cref="InvalidDataException">The model's weights are others than when the job was made.</exception>
    public void Run(Func<string, JobBackbone> find, Action<JobLine> report, CancellationToken cancellation)
    {
        JobManifest job = JobManifest.Read(folder.Manifest);
        JobBackbone weights = find(job.Model);
        if (weights.Digest != job.ModelDigest) throw new InvalidDataException($"model: weights sha256:{job.ModelDigest} of '{job.Model}' needed, which is now sha256:{weights.Digest}");
        EvaluationSettings settings = (job.Evaluation ?? EvaluationSettings.Gate) with { Threads = job.Recipe.Threads };
        JobObject subject = JobObject.Read(folder, job.Files, job.Views, cancellation);
        using VisionTransformer backbone = BackboneFile.Load(weights.Path, weights.Heads);
        ObjectProbe own = subject.ToProbe(job.DisplayName.Length > 0 ? job.DisplayName : job.Id, settings, cancellation);
        var pictures = new RunPictures(folder, own, settings);
        using (var bare = new FeatureModel(backbone)) pictures.WritePair(bare, "before");
        if (job.Kind == JobKind.Finetune) Train(job, subject, backbone, own, settings, pictures, report, cancellation);
        string file = folder.AdapterOf(job);
        Adapter adapter = AdapterFile.Read(file);
        using (var adapted = new FeatureModel(backbone, adapter)) pictures.WritePair(adapted, "after");
        int done = 0, total = 2 * (1 + ReferenceSet.Procedural.Objects.Count);
        GateReport verdict = PublishGate.Judge(
            new GateSubject(backbone, weights.Digest, adapter, WeightFile.Digest(file)), own, ReferenceSet.Procedural, settings,
            progress =>
            {
                if (progress.Done == 1) report(new JobLine(Gauge: new JobGauge(progress.Name, done, total)));
                if (progress.Done == progress.Total) done++;
            },
            new FigureCache(folder.Figures, weights.Digest, settings), cancellation) with
        { Curve = Curve() };
        if (job.Kind == JobKind.Finetune) verdict = verdict with { Recipe = JsonNode.Parse(job.Recipe.ToJson()) };
        pictures.WritePlots(verdict);
        JobFolder.Write(folder.Report, System.Text.Encoding.UTF8.GetBytes(verdict.ToJson()));
        JobFolder.Write(folder.Card, JsonSerializer.SerializeToUtf8Bytes(new Card(
            1, job.Id, job.Model, weights.Digest, job.Views is null ? job.Files : null, job.Views is null ? null : job.Files[0], job.Views?.ObjectId,
            job.Others.Count > 0 ? job.Others : null, job.MadeObjectCount > 0 ? job.MadeObjectCount : null, job.ViewCount, job.Recipe), Json));
    }

    private void Train(
        JobManifest job, JobObject subject, VisionTransformer backbone, ObjectProbe own, EvaluationSettings settings, RunPictures pictures, Action<JobLine> report, CancellationToken cancellation)
    {
        FinetuneRecipe recipe = job.Recipe;
        ITrainingViews views = JobObject.TrainingViews(folder, job, subject, cancellation);
        pictures.WriteTraining(views, recipe.Augment);
        int reportSteps = Math.Clamp(recipe.Iterations / Reports, 1, LongestReport);
        var trainer = new FinetuneTrainer(recipe, backbone, job.ModelDigest, views, folder.Checkpoints, checkpointSteps, reportSteps);
        FinetuneResult result = trainer.Run(
            progress => report(new JobLine(new JobProgress(
                progress.Step, progress.Loss, progress.GradientNorm, progress.StepsPerSecond, progress.Remaining.TotalSeconds, progress.LiveTensors, progress.CacheSize))),
            cancellation, new Milestones(Milestones.Spread(recipe.Iterations, job.MeasureCount), Measure));
        FinetuneExport.Write(folder.Adapter, result.Adapter, recipe, job.ModelDigest, recipe.Iterations);

        void Measure(int step, Adapter adapter)
        {
            using var model = new FeatureModel(backbone, adapter);
            try
            {
                DenseCorrespondence figures = ModelEvaluator.Evaluate(model, own, settings, cancellation: cancellation).Mean;
                pictures.WritePair(model, "after");
                report(new JobLine(Measured: new JobMeasurement(step, figures)));
            }
            catch (UnusableFeaturesException)
            {
                // The gate will say so, if training does not come back from there.
            }
        }
    }

    // Of all processes that the job has had; what comes last counts.
    private List<CurvePoint> Curve()
    {
        var points = new SortedDictionary<int, CurvePoint>();
        foreach (JobLine line in File.Exists(folder.Progress) ? File.ReadLines(folder.Progress).Select(JobLine.Parse).OfType<JobLine>() : [])
        {
            if (line.Progress is { } progress) points[progress.Step] = Of(progress.Step) with { Loss = progress.Loss };
            if (line.Measured is { } measured) points[measured.Step] = Of(measured.Step) with { Pcdp10 = measured.Figures.Pcdp10 };
        }
        return [.. points.Values];

        CurvePoint Of(int step) => points.GetValueOrDefault(step) ?? new CurvePoint(step, null, null);
    }

    /// <summary>adapter.json: what made an adapter. Equal jobs give equal cards but for the job's id.</summary>
    private sealed record Card(int SchemaVersion, string Job, string Model, string ModelDigest, IReadOnlyList<JobFile>? Mesh, JobFile? Views, int? ObjectId, IReadOnlyList<OtherObject>? Others, int? MadeObjectCount, int ViewCount,
        FinetuneRecipe Recipe);
}
