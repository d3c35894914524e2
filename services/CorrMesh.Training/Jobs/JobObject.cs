using CorrMesh.Rendering.Files;
using CorrMesh.Rendering.Meshes;
using CorrMesh.Rendering.Procedural;
using CorrMesh.Rendering.Views;
using CorrMesh.Training.Data;
using CorrMesh.Training.Finetuning;
using CorrMesh.Training.Measuring;

namespace CorrMesh.Training.Jobs;

/// <summary>An object of a job as the job's process sees it: what is trained on, and what is measured with.</summary>
internal abstract class JobObject
{
    /// <summary>Reads what was uploaded. It was checked when the job was made, against bounds that may have changed since.</summary>
    /// <param name="folder">The job's.</param>
    /// <param name="files">The mesh, and then what it names; or a zip of views.</param>
    /// <param name="views">How the views are to be read; null for a mesh.</param>
    /// <param name="cancellation">Looked at between files and views.</param>
    public static JobObject Read(JobFolder folder, IReadOnlyList<JobFile> files, ViewsSource? views, CancellationToken cancellation)
    {
        byte[] content = File.ReadAllBytes(folder.Blob(files[0].Digest));
        if (views is not null) return new OfViews(UploadedViews.Read(content, views.ObjectId, Path.Combine(folder.Path, "views"), long.MaxValue, cancellation));
        var others = files.Skip(1).ToDictionary(file => file.Name, file => File.ReadAllBytes(folder.Blob(file.Digest)), StringComparer.Ordinal);
        return new OfMesh(MeshFile.Read(content, MeshResources.Of(others), MeshFileLimits.None));
    }

    /// <summary>Everything that a job trains on: its own object first, others of jobs, then procedural ones, none of which is of what evaluations measure on.</summary>
    public static ITrainingViews TrainingViews(JobFolder folder, JobManifest job, JobObject own, CancellationToken cancellation)
    {
        // Only the own object's pictures are kept: a hundred objects have some thousand.
        int viewCount = job.Views is null ? job.ViewCount : RenderedMesh.PaperCount;
        var objects = new List<PosedObject> { own.ToTraining(job.Id, viewCount, job.Recipe.Seed, keep: true) };
        foreach (OtherObject other in job.Others) objects.Add(Read(folder, other.Files, other.Views, cancellation).ToTraining(other.Job, viewCount, job.Recipe.Seed, keep: false));
        var generator = new ObjectViewGenerator((ulong)job.Recipe.Seed);
        for (int i = 0; i < job.MadeObjectCount; i++)
        {
            (int seed, ProceduralObject made) = generator.DrawObject(i);
            objects.Add(new OfMesh(made.Mesh).ToTraining($"{made.Shape}-{made.Material}-{seed}", viewCount, job.Recipe.Seed, keep: false));
        }
        return new PosedViews(objects, backdrops: job.Recipe.Backdrops);
    }

    /// <summary>Views to train on.</summary>
    protected abstract PosedObject ToTraining(string name, int viewCount, int seed, bool keep);

    /// <summary>Views that are never trained on.</summary>
    public abstract ObjectProbe ToProbe(string name, EvaluationSettings settings, CancellationToken cancellation);

    private sealed class OfMesh(TriangleMesh mesh) : JobObject
    {
        protected override PosedObject ToTraining(string name, int viewCount, int seed, bool keep) => new(name, RenderedMesh.Paper(mesh, viewCount, seed, keep: keep));

        public override ObjectProbe ToProbe(string name, EvaluationSettings settings, CancellationToken cancellation) => ObjectProbe.Render(name, mesh, settings, cancellation: cancellation);
    }

    private sealed class OfViews(UploadedViews views) : JobObject
    {
        protected override PosedObject ToTraining(string name, int viewCount, int seed, bool keep) => views.ToTraining(name);

        public override ObjectProbe ToProbe(string name, EvaluationSettings settings, CancellationToken cancellation) => views.ToProbe(name, settings, cancellation);
    }
}
