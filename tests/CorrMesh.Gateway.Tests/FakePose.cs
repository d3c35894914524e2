using System.Collections.Concurrent;
using CorrMesh.Hosting;
using CorrMesh.Protos.Common.V1;
using CorrMesh.Protos.Features.V1;
using CorrMesh.Protos.Pose.V1;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace CorrMesh.Gateway.Tests;

/// <summary>A pose service that keeps what it is asked, and whose one object is always there.</summary>
internal sealed class FakePose : PoseService.PoseServiceBase, IMeshModule
{
    public string Name => MeshTopology.Pose;

    /// <summary>Before the first message of an upload is read.</summary>
    public Func<Task> OnOpen { get; init; } = () => Task.CompletedTask;

    /// <summary>Before anything else is answered, an upload included.</summary>
    public Func<Task> OnCall { get; init; } = () => Task.CompletedTask;

    public Func<EstimatePoseRequest, EstimatePoseResponse> OnEstimate { get; init; } = _ => Poses();

    public Func<EstimateRelativePoseRequest, EstimateRelativePoseResponse> OnRelate { get; init; } = _ => Relative();

    /// <summary>The messages of uploads.</summary>
    public ConcurrentQueue<CreateObjectRequest> Uploaded { get; } = [];

    public IMessage? Last { get; private set; }

    /// <summary>The clock of the service.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    public void AddServices(IHostApplicationBuilder builder) => builder.Services.AddSingleton(this).AddSingleton(Time);

    public void MapEndpoints(IEndpointRouteBuilder endpoints) => endpoints.MapGrpcService<FakePose>();

    public override async Task<CreateObjectResponse> CreateObject(IAsyncStreamReader<CreateObjectRequest> requestStream, ServerCallContext context)
    {
        await OnOpen();
        await foreach (var message in requestStream.ReadAllAsync(context.CancellationToken)) Uploaded.Enqueue(message);
        await OnCall();
        return new CreateObjectResponse { Object = Object() };
    }

    public override Task<GetObjectResponse> GetObject(GetObjectRequest request, ServerCallContext context) => AnswerAsync(request, new GetObjectResponse { Object = Object() });

    public override Task<ListObjectsResponse> ListObjects(ListObjectsRequest request, ServerCallContext context) =>
        AnswerAsync(request, new ListObjectsResponse { Objects = { Object() }, NextPageToken = request.PageToken.Length == 0 ? "box" : "" });

    public override Task<DeleteObjectResponse> DeleteObject(DeleteObjectRequest request, ServerCallContext context) => AnswerAsync(request, new DeleteObjectResponse());

    public override async Task ExportObject(ExportObjectRequest request, IServerStreamWriter<ExportObjectResponse> responseStream, ServerCallContext context)
    {
        await AnswerAsync(request, request);
        foreach (byte part in new byte[] { 1, 2 }) await responseStream.WriteAsync(new ExportObjectResponse { Content = ByteString.CopyFrom(part, part) });
    }

    public override Task<EstimatePoseResponse> EstimatePose(EstimatePoseRequest request, ServerCallContext context) => AnswerAsync(request, OnEstimate(request));

    public override Task<EstimateRelativePoseResponse> EstimateRelativePose(EstimateRelativePoseRequest request, ServerCallContext context) => AnswerAsync(request, OnRelate(request));

    public static ObjectInfo Object() => new()
    {
        Id = "box",
        DisplayName = "A box",
        CreateTime = Timestamp.FromDateTimeOffset(DateTimeOffset.UnixEpoch),
        Source = ObjectSource.Triangulated,
        Identity = new ModelIdentity { Model = "compact", ModelDigest = "ab" },
        Tokens = 40,
        Pictures = 42,
        Sampled = 1000,
        Kept = 300,
        DiameterM = 0.25,
        Box = new ObjectBox { Least = Vector(-1, -2, -3), Greatest = Vector(1, 2, 3) },
        Symmetries = new ObjectSymmetries { Discrete = { Pose(4, 5, 6) }, Continuous = { new SymmetryAxis { Direction = Vector(0, 0, 1) } } },
        HasMesh = true,
        Duration = Duration.FromTimeSpan(TimeSpan.FromSeconds(1.5)),
        Findings = { new InputFinding { Kind = "millimetres", Message = "m" } },
        Digest = "cd",
    };

    public static EstimatePoseResponse Poses() => new()
    {
        Poses =
        {
            new ObjectPose
            {
                Object = "box", Status = PoseStatus.Solved, Best = Estimate(1, Pose(7, 8, 9)), Alternatives = { Estimate(2, null) }, Confidence = 0.75, Matches = 20, Inliers = 12, NoisePx = 1.25,
                Outline = { new Point { X = 1, Y = 2.5 }, new Point { X = 3, Y = 4 } }, Findings = { new InputFinding { Kind = "bgr", Message = "b" } },
            },
            new ObjectPose { Object = "cup", Status = PoseStatus.NoConsensus, Matches = 3 },
        },
        ImageSize = new ImageSize { Width = 640, Height = 480 },
        Timings = new PoseTimings { FeaturesNs = 1_000_000, MatchingNs = 2_000_000, SolverNs = 500_000, TotalNs = 4_000_000 },
    };

    public static EstimateRelativePoseResponse Relative() => new()
    {
        Status = PoseStatus.Solved,
        Best = new RelativePoseEstimate { SourceToTarget = Pose(0, 0, 1), LogLikelihood = 9, Covariance = { Enumerable.Range(0, 25).Select(i => (double)i) }, LengthDeviation = 0.125 },
        Metric = true,
        Matches = 30,
        Inliers = 20,
        NoisePx = 0.5,
        Timings = new PoseTimings { TotalNs = 4_000_000 },
    };

    public static RigidPose Pose(double x, double y, double z) => new() { Rotation = new Quaternion { Z = 1 }, Translation = Vector(x, y, z) };

    private static PoseEstimate Estimate(double likelihood, RigidPose? toBase) =>
        new() { ObjectToCamera = Pose(1, 2, 3), ObjectToBase = toBase, LogLikelihood = likelihood, Covariance = { Enumerable.Range(0, 36).Select(i => (double)i) } };

    private static Vector3 Vector(double x, double y, double z) => new() { X = x, Y = y, Z = z };

    private async Task<T> AnswerAsync<T>(IMessage request, T response)
    {
        Last = request;
        await OnCall();
        return response;
    }
}
