using CorrMesh.Rendering.Files;
using CorrMesh.Rendering.Meshes;
using CorrMesh.Rendering.Views;
using CorrMesh.Training.Finetuning;
using CorrMesh.Training.Measuring;

namespace CorrMesh.Training.Jobs;

/// <summary>The object of a job as its process sees it: what is trained on, and what is measured with.</summary>
internal abstract class JobObject
{
    /// <summary>Views to train on.</summary>
    public abstract ITrainingViews ToTrainingViews(JobManifest job);

    /// <summary>Views that are never trained on.</summary>
    public abstract ObjectProbe ToProbe(string name, EvaluationSettings settings, CancellationToken cancellation);

    /// <summary>Reads what was uploaded. It was checked when the job was made, against bounds that may have changed since.</summary>
    public static JobObject Read(JobFolder folder, JobManifest job, EvaluationSettings settings, CancellationToken cancellation)
    {
        byte[] content = File.ReadAllBytes(folder.Blob(job.Files[0].Digest));
        if (job.Views is { } views) return new OfViews(UploadedViews.Read(content, views.ObjectId, Path.Combine(folder.Path, "views"), long.MaxValue, settings, cancellation));
        var others = job.Files.Skip(1).ToDictionary(file => file.Name, file => File.ReadAllBytes(folder.Blob(file.Digest)), StringComparer.Ordinal);
        return new OfMesh(MeshFile.Read(content, MeshResources.Of(others), MeshFileLimits.None));
    }

    private sealed class OfMesh(TriangleMesh mesh) : JobObject
    {
        public override ITrainingViews ToTrainingViews(JobManifest job) =>
            new PosedViews([new PosedObject(job.Id, RenderedMesh.Paper(mesh, job.ViewCount, job.Recipe.Seed))], backdrops: job.Recipe.Backdrops);

        public override ObjectProbe ToProbe(string name, EvaluationSettings settings, CancellationToken cancellation) => ObjectProbe.Render(name, mesh, settings, cancellation: cancellation);
    }

    private sealed class OfViews(UploadedViews views) : JobObject
    {
        public override ITrainingViews ToTrainingViews(JobManifest job) => views.ToTrainingViews(job.Id, job.Recipe.Backdrops);

        public override ObjectProbe ToProbe(string name, EvaluationSettings settings, CancellationToken cancellation) => views.ToProbe(name, settings, cancellation);
    }
}
