using System.IO.Compression;
using System.Text;
using CorrMesh.Features.Tests.Support;
using CorrMesh.Geometry;
using CorrMesh.Protos.Training.V1;
using CorrMesh.Rendering.Meshes;
using CorrMesh.Rendering.Tests.Views;
using CorrMesh.Rendering.Views;
using CorrMesh.Training.Data;
using CorrMesh.Training.Finetuning;
using CorrMesh.Training.Jobs;
using Google.Protobuf;
using Grpc.Core;
using Xunit;
using FinetuneRecipe = CorrMesh.Protos.Training.V1.FinetuneRecipe;
using JobState = CorrMesh.Protos.Training.V1.JobState;

namespace CorrMesh.Training.Tests.Jobs;

/// <summary>Jobs on a caller's own posed views.</summary>
public sealed class ViewsJobTests
{
    // A job's process is the real program.
    private static readonly string Real = $"exec dotnet '{Path.Combine(AppContext.BaseDirectory, "CorrMesh.Host.dll")}' \"$0\" \"$@\"";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    // Goal: views go the whole way: trained on, measured with, judged; and an evaluation of the adapter, without a source or with the job's, measures with the same views. Method: the
    // coloured cube's views in OnePose's layout, through real processes.
    [Fact]
    public async Task Create_OnePoseViews_TrainsAndMeasuresWithTheUnseenOnes()
    {
        using TestData data = JobHost.Data();
        await using var host = await JobHost.StartAsync(data, Real);
        Job made = (await host.Client.CreateFinetuneJobAsync(Order(OnePose(Views(16))), cancellationToken: Token)).Job;
        Assert.Equal((true, 12u), (made.FromViews, made.ViewCount));   // a quarter is set aside

        Job job = await host.WhenAsync(made.Id, JobState.Succeeded);

        Assert.Contains("\"views\": {", job.Adapter.CardJson, StringComparison.Ordinal);
        Assert.DoesNotContain("\"mesh\"", job.Adapter.CardJson, StringComparison.Ordinal);
        Assert.True(job.Verdict.Own.After.Pcdp010 > 0);
        Assert.Superset(new HashSet<string> { "training", "view", "matches_before", "matches_after", "curves", "bars" }, job.Pictures.ToHashSet());
        Assert.False(Directory.Exists(Path.Combine(data.Root, "jobs", job.Id, "views")), "what was unpacked is removed");
        Job evaluated = await EvaluateAsync(new EvaluateModelRequest { AdapterOfJob = job.Id }), again = await EvaluateAsync(new EvaluateModelRequest { AdapterOfJob = job.Id, MeshOfJob = job.Id });
        foreach (Job one in new[] { evaluated, again })
        {
            Assert.True(one.FromViews);
            Assert.Equal((job.Verdict.Own.Before, job.Verdict.Own.After), (one.Verdict.Own.Before, one.Verdict.Own.After));
        }

        async Task<Job> EvaluateAsync(EvaluateModelRequest request) => await host.WhenAsync((await host.Client.EvaluateModelAsync(request, cancellationToken: Token)).Job.Id, JobState.Succeeded);
    }

    // Goal: the number and choice of objects are a job's: its own, others' by their jobs, and procedural ones that no evaluation measures on. Method: the objects that a stored
    // job would be trained on, by name; their views load; what is wrong is blamed.
    [Fact]
    public async Task Create_FurtherObjects_AreTrainedOnBesideTheJobsOwn()
    {
        using TestData data = JobHost.Data();
        await using var host = await JobHost.StartAsync(data, JobHost.Endless);
        string cube = (await host.CreateAsync()).Id, views = (await host.Client.CreateFinetuneJobAsync(Order(OnePose(Views(8))), cancellationToken: Token)).Job.Id;
        CreateFinetuneJobRequest order = JobHost.Order();
        order.ObjectsOfJobs.Add([cube, views]);
        order.MadeObjectCount = 3;

        Job job = (await host.Client.CreateFinetuneJobAsync(order, cancellationToken: Token)).Job;

        Assert.Equal(6u, job.ObjectCount);
        var folder = new JobFolder(data.Root, job.Id);
        JobManifest manifest = JobManifest.Read(folder.Manifest);
        JobObject own = JobObject.Read(folder, manifest.Files, manifest.Views, Token);
        ITrainingViews training = JobObject.TrainingViews(folder, manifest, own, Token);
        Assert.Equal([job.Id, cube, views], training.Objects.Take(3));
        Assert.All(training.Objects.Skip(3), name => Assert.DoesNotContain(ObjectViewGenerator.HeldOutShapes.Concat(ObjectViewGenerator.HeldOutMaterials), family => name.Contains(family, StringComparison.Ordinal)));
        Assert.Equal(6, training.Objects.Distinct().Count());
        Assert.Equal([8, 8, 5, 8, 8, 8], Enumerable.Range(0, 6).Select(training.CountViews));
        Assert.All(Enumerable.Range(0, 6), i => Assert.True(training.Load(i, 1, null).PointCount > 1000));
        Assert.Equal(training.Load(4, 1, 7).Image.Pixels, training.Load(4, 1, 7).Image.Pixels);

        order.ObjectsOfJobs.Add(cube);
        order.MadeObjectCount = 1001;
        Assert.Equal(["made_object_count", "objects_of_jobs"], (await host.Client.CreateFinetuneJobAsync(order, cancellationToken: Token).FailsAsync(StatusCode.InvalidArgument)).Fields.Order(StringComparer.Ordinal));
        (order.MadeObjectCount, order.ObjectsOfJobs[2]) = (0, "job-none");
        Assert.Equal("JOB_NOT_FOUND", (await host.Client.CreateFinetuneJobAsync(order, cancellationToken: Token).FailsAsync(StatusCode.NotFound)).Reason);
    }

    // Goal: each layout is read, and says which object it needs. Method: the same views as rendered views and as a BOP scene of two objects; jobs stay in the queue.
    [Fact]
    public async Task Create_OtherLayouts_AreReadAndBopNeedsAnObject()
    {
        using TestData data = JobHost.Data();
        await using var host = await JobHost.StartAsync(data, JobHost.Endless);
        ObjectView[] views = Views(12);

        Job rendered = (await host.Client.CreateFinetuneJobAsync(Order(Folder(folder => RenderedFolder.Write(folder, views))), cancellationToken: Token)).Job;
        Assert.Equal(9u, rendered.ViewCount);
        CreateFinetuneJobRequest bop = Order(Bop(views));
        Assert.Equal(["views.object_id"], (await host.Client.CreateFinetuneJobAsync(bop, cancellationToken: Token).FailsAsync(StatusCode.InvalidArgument)).Fields);
        bop.Views.ObjectId = 9;
        Assert.Equal(["views.object_id"], (await host.Client.CreateFinetuneJobAsync(bop, cancellationToken: Token).FailsAsync(StatusCode.InvalidArgument)).Fields);
        bop.Views.ObjectId = 5;
        Job scene = (await host.Client.CreateFinetuneJobAsync(bop, cancellationToken: Token)).Job;
        Assert.Equal(9u, scene.ViewCount);
        Job of = (await host.Client.CreateFinetuneJobAsync(new CreateFinetuneJobRequest { MeshOfJob = scene.Id, Recipe = bop.Recipe }, cancellationToken: Token)).Job;
        Assert.Equal((true, 9u, scene.MeshDigest), (of.FromViews, of.ViewCount, of.MeshDigest));
    }

    [Fact]
    public async Task Create_ViewsThatAreNone_AreRefusedWithWhatIsWrong()
    {
        using TestData data = JobHost.Data();
        await using var host = await JobHost.StartAsync(data, JobHost.Endless, ("CorrMesh:Training:ViewsBytes", "1000000"));
        ObjectView[] views = Views(8);
        byte[] good = OnePose(views);

        await RefusedAsync("views", "a zip file needed", "PK\u0003\u0004 no more"u8.ToArray());
        await RefusedAsync("views", "none found", Folder(folder => File.WriteAllText(Path.Combine(folder, "readme.txt"), "none")));
        await RefusedAsync("views", "at least 6 that show the object with depth needed, 5 given", OnePose(views[..5]));
        await RefusedAsync("views", "depth needed", OnePose([.. views.Select(view => view with { DepthMetres = null })]));
        await RefusedAsync("views", "1,000,000 bytes of unpacked files allowed", Folder(folder => File.WriteAllBytes(Path.Combine(folder, "a.png"), new byte[1_000_001])));
        await RefusedAsync("views", "3.txt: 12 or 16 numbers needed, 3 given", OnePose(views, folder => File.WriteAllText(Path.Combine(folder, "poses_ba", "3.txt"), "1 2 3")));
        await RefusedAsync("views", "4.png", OnePose(views, folder => File.WriteAllText(Path.Combine(folder, "color", "4.png"), "no picture")));
        // All from nearly one place, each looking another way round: no two within 60 degrees.
        await RefusedAsync("views", "within 60 degrees of each other", OnePose([.. views.Take(6).Select((view, i) => view with { ObjectToCamera = Turned(view.ObjectToCamera, i * 61) })]));
        CreateFinetuneJobRequest order = Order(good);
        order.ViewCount = 12;
        Assert.Equal(["view_count"], (await host.Client.CreateFinetuneJobAsync(order, cancellationToken: Token).FailsAsync(StatusCode.InvalidArgument)).Fields);
        order = Order([]);
        Assert.Equal(["views.archive"], (await host.Client.CreateFinetuneJobAsync(order, cancellationToken: Token).FailsAsync(StatusCode.InvalidArgument)).Fields);
        Assert.False(Directory.Exists(Path.Combine(data.Root, "jobs")), "a refused order leaves nothing");
        Assert.Empty(Directory.GetFileSystemEntries(Path.Combine(data.Root, "cache")));

        async Task RefusedAsync(string field, string reason, byte[] zip)
        {
            var (fields, _, message) = await host.Client.CreateFinetuneJobAsync(Order(zip), cancellationToken: Token).FailsAsync(StatusCode.InvalidArgument);
            Assert.True(fields is [var blamed] && blamed == field, message);
            Assert.Contains(reason, message, StringComparison.Ordinal);
        }
    }

    private static CreateFinetuneJobRequest Order(byte[] zip)
    {
        CreateFinetuneJobRequest order = JobHost.Order();
        order.ClearViewCount();
        order.Views = new ViewsUpload { Archive = ByteString.CopyFrom(zip) };
        return order;
    }

    private static ObjectView[] Views(int count)
    {
        TriangleMesh mesh = Rendering.Files.MeshFile.Read(Encoding.UTF8.GetBytes(JobHost.Cube)).ToUnitBox();
        var rendered = new RenderedMesh(mesh, PinholeCamera.ThirtyFive(128), ViewSphere.Draw(new SeededRandom(1, 1), count, mesh.Up));
        return [.. Enumerable.Range(0, count).Select(rendered.Load)];
    }

    private static RigidPose Turned(RigidPose pose, double degrees)
    {
        (double sine, double cosine) = Math.SinCos(degrees * Math.PI / 180);
        return new RigidPose(cosine, -sine, 0, 0, sine, cosine, 0, 0, 0, 0, 1, 0) * new RigidPose(1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, pose.Z);
    }

    private static byte[] OnePose(ObjectView[] views, Action<string>? change = null) => Folder(folder =>
    {
        ViewLayouts.WriteOnePose(folder, views, [.. Enumerable.Range(0, views.Length)], withMasks: true);
        change?.Invoke(folder);
    });

    private static byte[] Bop(ObjectView[] views) => Folder(folder => ViewLayouts.WriteBop(folder, views));

    private static byte[] Folder(Action<string> write)
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("corrmesh-test-");
        try
        {
            write(folder.FullName);
            using var stream = new MemoryStream();
            ZipFile.CreateFromDirectory(folder.FullName, stream);
            return stream.ToArray();
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
