using CorrMesh.Hosting;
using CorrMesh.Hosting.Errors;
using CorrMesh.Hosting.Options;
using CorrMesh.Pose.Estimation;
using CorrMesh.Pose.Objects;
using CorrMesh.Pose.Pnp;
using CorrMesh.Pose.Relative;
using CorrMesh.Pose.Streams;
using CorrMesh.Protos.Common.V1;
using CorrMesh.Protos.Features.V1;
using CorrMesh.Protos.Pose.V1;
using Google.Protobuf;
using Grpc.Core;
using Contract = CorrMesh.Protos.Pose.V1.PoseService;

namespace CorrMesh.Pose;

/// <summary>The gRPC edge of poses.</summary>
internal sealed class PoseService(SolverQueue queue, MeshLimits limits, ObjectIntake intake, ObjectStore store, SceneReader scenes, PoseEstimator estimator, PoseStream stream, RelativeEstimator relative) : Contract.PoseServiceBase
{
    private const int DefaultPage = 20, LargestPage = 100, PartBytes = 1 << 20;

    public override async Task<CreateObjectResponse> CreateObject(IAsyncStreamReader<CreateObjectRequest> requestStream, ServerCallContext context) =>
        new() { Object = (await StoringAsync(context, () => intake.TakeAsync(requestStream, context.CancellationToken)).ConfigureAwait(false)).ToMessage() };

    public override Task<GetObjectResponse> GetObject(GetObjectRequest request, ServerCallContext context) =>
        StoringAsync(context, () => Task.FromResult(new GetObjectResponse { Object = store.Get(request.Id).ToMessage() }));

    public override Task<ListObjectsResponse> ListObjects(ListObjectsRequest request, ServerCallContext context) => StoringAsync(context, () =>
    {
        if (request.PageSize > LargestPage) throw new FieldException("page_size", $"1 to {LargestPage} allowed, 0 for {DefaultPage}, {request.PageSize} given");
        int size = request.PageSize == 0 ? DefaultPage : (int)request.PageSize;
        if (request.PageToken.Length > 0 && !Hosting.Data.DataDirectory.IsId(request.PageToken)) throw new FieldException("page_token", "next_page_token of an earlier page needed");
        // The last id of the page before: it stays where it is while objects come and go.
        ObjectManifest[] rest = [.. store.List().SkipWhile(manifest => request.PageToken.Length > 0 && string.CompareOrdinal(manifest.Id, request.PageToken) <= 0)];
        var response = new ListObjectsResponse();
        response.Objects.AddRange(rest.Take(size).Select(manifest => manifest.ToMessage()));
        if (rest.Length > size) response.NextPageToken = rest[size - 1].Id;
        return Task.FromResult(response);
    });

    public override async Task<DeleteObjectResponse> DeleteObject(DeleteObjectRequest request, ServerCallContext context)
    {
        await StoringAsync(context, async () =>
        {
            await store.DeleteAsync(request.Id, context.CancellationToken).ConfigureAwait(false);
            return true;
        }).ConfigureAwait(false);
        return new DeleteObjectResponse();
    }

    public override async Task ExportObject(ExportObjectRequest request, IServerStreamWriter<ExportObjectResponse> responseStream, ServerCallContext context)
    {
        using FileStream file = await StoringAsync(context, () => Task.FromResult(store.OpenArchive(store.Get(request.Id)))).ConfigureAwait(false);
        byte[] part = new byte[PartBytes];
        while (await file.ReadAsync(part, context.CancellationToken).ConfigureAwait(false) is > 0 and var read)
            await responseStream.WriteAsync(new ExportObjectResponse { Content = ByteString.CopyFrom(part, 0, read) }, context.CancellationToken).ConfigureAwait(false);
    }

    public override Task<EstimatePoseResponse> EstimatePose(EstimatePoseRequest request, ServerCallContext context) => StoringAsync(context, async () =>
    {
        var clock = new PoseClock();
        ObjectManifest[] objects = scenes.Objects(request.Objects, "objects");
        PoseScene scene = scenes.Scene(
            request.Image, PoseWire.ReadCamera(request.Camera, "camera"), request.RegionOfInterest, request.Depth,
            request.CameraToBase is null ? null : PoseWire.ReadPose(request.CameraToBase, "camera_to_base"), request.Seed, request.ReturnOutline);
        var response = new EstimatePoseResponse { ImageSize = new ImageSize { Width = (uint)scene.Width, Height = (uint)scene.Height } };
        var maps = new Dictionary<string, FeatureMapReference>(StringComparer.Ordinal);
        Vision.Images.RgbImage? picture = await scenes.PixelsAsync(scene).ConfigureAwait(false);
        foreach (ObjectManifest manifest in objects)
        {
            FoundPose found = await estimator.FindAsync(scene, manifest, maps, inParts: true, clock, context.CancellationToken).ConfigureAwait(false);
            response.Poses.Add(PoseReplies.Of(scene, manifest, store.Load(manifest), found, picture, withFindings: true));
        }
        response.Timings = clock.ToTimings();
        return response;
    });

    public override Task StreamPoses(IAsyncStreamReader<StreamPosesRequest> requestStream, IServerStreamWriter<StreamPosesResponse> responseStream, ServerCallContext context) =>
        StoringAsync(context, async () =>
        {
            await stream.RunAsync(requestStream, responseStream, context.CancellationToken).ConfigureAwait(false);
            return true;
        });

    public override Task<EstimateRelativePoseResponse> EstimateRelativePose(EstimateRelativePoseRequest request, ServerCallContext context) => relative.EstimateAsync(request, context.CancellationToken);

    public override async Task<SolvePnpResponse> SolvePnp(SolvePnpRequest request, ServerCallContext context)
    {
        var timer = new RequestTimer();
        PnpCall call = PnpWire.Read(request, limits.Points);
        Geometry.Pnp.PnpResult result = await queue.RunAsync(call.Solve, timer, context.CancellationToken).ConfigureAwait(false);
        SolvePnpResponse response = PnpWire.Write(result, call.CameraToBase);
        response.Timings = timer.ToTimings();
        return response;
    }

    // What the disk refuses is for the operator to put right; nothing has changed.
    private static async Task<T> StoringAsync<T>(ServerCallContext context, Func<Task<T>> call)
    {
        try
        {
            return await call().ConfigureAwait(false);
        }
        catch (InvalidDataException exception)
        {
            throw RpcErrors.Of(StatusCode.FailedPrecondition, "OBJECT_DAMAGED", $"pose: what is kept of an object cannot be read ({exception.Message.Split(Path.DirectorySeparatorChar)[^1]}); delete it and make it again");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException && !context.CancellationToken.IsCancellationRequested)
        {
            throw RpcErrors.Of(StatusCode.FailedPrecondition, "STORAGE_UNAVAILABLE", $"pose: the data directory cannot be read or written, and nothing was changed: {exception.Message.Split(" : ")[0].Split(" '")[0]}");
        }
    }
}
