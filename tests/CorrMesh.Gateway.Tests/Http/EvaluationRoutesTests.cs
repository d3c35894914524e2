using System.Net;
using CorrMesh.Hosting.Errors;
using CorrMesh.Protos.Training.V1;
using Grpc.Core;
using Xunit;

namespace CorrMesh.Gateway.Tests.Http;

public sealed class EvaluationRoutesTests
{
    [Fact]
    public async Task PostEvaluations_EveryField_ReachesTheService()
    {
        var training = new FakeTraining();
        await using var mesh = await FakeMesh.StartAsync(training: training);

        var answer = await mesh.PostAsync(
            "/v1/evaluations", ("adapter", new byte[] { 9 }), ("mesh", new byte[] { 1, 2 }), ("resource", new byte[] { 3 }), ("model", "big"), ("display_name", "cup"), ("request_id", "mine"),
            ("view_count", "5"), ("max_angle", "45.5"), ("tokens", "20"), ("point_count", "64"), ("seed", "0"));

        Assert.Equal(HttpStatusCode.Created, answer.StatusCode);
        Assert.Equal("/v1/jobs/job-2", answer.Headers.Location?.ToString());
        var job = await answer.JsonAsync();
        Assert.Equal(("job-2", "queued", "evaluate", 0), (job.GetProperty("id").GetString(), job.GetProperty("state").GetString(), job.GetProperty("kind").GetString(), job.GetProperty("pictures").GetArrayLength()));
        Assert.False(job.TryGetProperty("recipe", out _));
        var call = Assert.Single(training.Evaluated);
        Assert.Equal([9], call.AdapterContent.ToByteArray());
        Assert.Equal(["", "resource.png"], call.Mesh.Files.Select(file => file.Name));
        Assert.Equal(("big", "cup", "mine"), (call.Model, call.DisplayName, call.RequestId));
        Assert.Equal(new EvaluationSettings { ViewCount = 5, MaxAngle = 45.5, Tokens = 20, PointCount = 64, Seed = 0 }, call.Settings);
    }

    [Fact]
    public async Task PostEvaluations_ByNamesAlone_LeavesTheRestToTheService()
    {
        var training = new FakeTraining();
        await using var mesh = await FakeMesh.StartAsync(training: training);

        await mesh.PostAsync("/v1/evaluations", ("adapter_of_job", "job-1"));
        await mesh.PostAsync("/v1/evaluations", ("adapter_name", "cup"), ("mesh_of_job", "job-1"));

        Assert.Equal(("job-1", EvaluateModelRequest.SourceOneofCase.None), (training.Evaluated[0].AdapterOfJob, training.Evaluated[0].SourceCase));
        Assert.Equal(("cup", "job-1"), (training.Evaluated[1].AdapterName, training.Evaluated[1].MeshOfJob));
        Assert.All(training.Evaluated, call => Assert.Null(call.Settings));
        Assert.All(training.Evaluated, call => Assert.NotEmpty(call.RequestId));
    }

    // Goal: what is missing, given twice over or no number is said in the form's words, and makes no job. Method: one fault at a time.
    [Fact]
    public async Task PostEvaluations_Faults_BlameTheirField()
    {
        var training = new FakeTraining();
        await using var mesh = await FakeMesh.StartAsync(training: training);
        byte[] file = [1];
        (string Field, (string, object)[] Form)[] faults =
        [
            ("adapter", [("mesh", file)]),
            ("adapter", [("adapter", file), ("adapter_name", "cup"), ("mesh", file)]),
            ("adapter", [("adapter_of_job", "job-1"), ("adapter_name", "cup"), ("mesh", file)]),
            ("adapter", [("adapter", "cup"), ("mesh", file)]),
            ("mesh", [("adapter_name", "cup")]),
            ("mesh", [("adapter_of_job", "job-1"), ("resource", file)]),
            ("mesh", [("adapter_name", "cup"), ("mesh", file), ("mesh_of_job", "job-1")]),
            ("tokens", [("adapter_of_job", "job-1"), ("tokens", "many")]),
            ("max_angle", [("adapter_of_job", "job-1"), ("max_angle", "wide")]),
            ("iterations", [("adapter_of_job", "job-1"), ("iterations", "3")]),
        ];

        foreach (var (field, form) in faults)
            Assert.Equal([field], (await (await mesh.PostAsync("/v1/evaluations", form)).ProblemAsync(400)).Fields);
        Assert.Empty(training.Evaluated);
    }

    [Fact]
    public async Task PostEvaluations_ServiceBlamesTheContractsFields_FormsOwnAreNamed()
    {
        await using var mesh = await FakeMesh.StartAsync(training: new FakeTraining
        {
            OnEvaluate = _ => throw new FieldException([new("settings.tokens", "8 to 160 allowed, 161 given"), new("adapter_content", "no adapter"), new("mesh.files[1].name", "none given")]),
        });

        var (_, fields) = await (await mesh.PostAsync("/v1/evaluations", ("adapter_of_job", "job-1"))).ProblemAsync(400);

        Assert.Equal(["tokens", "adapter", "mesh"], fields);
    }

    // Goal: no retry makes a second evaluation. Method: a service that answers the first call with UNAVAILABLE; both calls must carry one id.
    [Fact]
    public async Task PostEvaluations_ServiceUnavailableOnce_IsRepeatedWithTheSameId()
    {
        int calls = 0;
        var training = new FakeTraining { OnEvaluate = _ => Interlocked.Increment(ref calls) == 1 ? throw new RpcException(new Status(StatusCode.Unavailable, "not now")) : Task.CompletedTask };
        await using var mesh = await FakeMesh.StartAsync(training: training, settings: [("CorrMesh:Retry:Retries", "2"), ("CorrMesh:Retry:FirstDelay", "00:00:00.010")]);

        Assert.Equal(HttpStatusCode.Created, (await mesh.PostAsync("/v1/evaluations", ("adapter_of_job", "job-1"))).StatusCode);

        Assert.Equal(2, training.Evaluated.Count);
        Assert.Single(training.Evaluated.Select(call => call.RequestId).Distinct());
    }
}
