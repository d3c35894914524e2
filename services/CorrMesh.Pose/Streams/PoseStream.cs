using CorrMesh.Geometry;
using CorrMesh.Hosting.Errors;
using CorrMesh.Hosting.Streams;
using CorrMesh.Pose.Estimation;
using CorrMesh.Pose.Objects;
using CorrMesh.Protos.Common.V1;
using CorrMesh.Protos.Features.V1;
using CorrMesh.Protos.Pose.V1;
using Grpc.Core;
using RigidPose = CorrMesh.Geometry.RigidPose;

namespace CorrMesh.Pose.Streams;

/// <summary>Poses of a live stream.</summary>
internal sealed class PoseStream(PoseEstimator estimator, SceneReader scenes, ObjectStore store, FrameStream frames)
{
    public Task RunAsync(IAsyncStreamReader<StreamPosesRequest> requests, IServerStreamWriter<StreamPosesResponse> responses, CancellationToken cancellation) =>
        frames.RunAsync(Open, requests, responses, cancellation);

    private Worker Open(StreamPosesRequest first)
    {
        if (first.MessageCase != StreamPosesRequest.MessageOneofCase.Config)
            throw new FieldException("config", $"must be the first message, {(first.MessageCase == StreamPosesRequest.MessageOneofCase.None ? "none" : $"a {first.MessageCase.ToString().ToLowerInvariant()}")} given");
        StreamPosesConfig config = first.Config;
        ObjectManifest[] objects = scenes.Objects(config.Objects, "config.objects");
        LensCamera camera = PoseWire.ReadCamera(config.Camera, "config.camera");
        RigidPose? cameraToBase = config.CameraToBase is null ? null : PoseWire.ReadPose(config.CameraToBase, "config.camera_to_base");
        return new Worker(this, config, camera, cameraToBase, [.. objects.Select(manifest => new ObjectTracker(estimator, manifest))]);
    }

    private async Task<StreamPosesResponse> AnswerAsync(Worker worker, LensCamera camera, Frame frame, CancellationToken cancellation)
    {
        var clock = new PoseClock();
        PoseScene scene = scenes.Scene(frame.Image, camera, null, frame.Depth, worker.CameraToBase, worker.Config.Seed, worker.Config.ReturnOutline, "frame.");
        var poses = new FramePoses { Sequence = frame.Sequence, StampNs = frame.StampNs, FrameId = frame.FrameId };
        var maps = new Dictionary<string, FeatureMapReference>(StringComparer.Ordinal);
        foreach (ObjectTracker tracker in worker.Trackers)
        {
            (FoundPose found, TrackEvent happened, bool guided) = await tracker.NextAsync(scene, maps, clock, cancellation).ConfigureAwait(false);
            poses.Poses.Add(new TrackedPose { Pose = PoseReplies.Of(scene, tracker.Manifest, store.Load(tracker.Manifest), found, null, withFindings: happened == TrackEvent.Found || found.Confidence < PoseEstimator.Sure), Event = happened, Guided = guided });
        }
        poses.Timings = clock.ToTimings();
        return new StreamPosesResponse { Poses = poses };
    }

    private sealed class Worker(PoseStream stream, StreamPosesConfig config, LensCamera first, RigidPose? cameraToBase, ObjectTracker[] trackers) : IFrameWorker<StreamPosesRequest, StreamPosesResponse>
    {
        private LensCamera camera = first;

        public StreamPosesConfig Config => config;

        public RigidPose? CameraToBase => cameraToBase;

        public ObjectTracker[] Trackers => trackers;

        public StreamPolicy? Policy => config.Policy;

        public string ResumeToken => config.ResumeToken;

        public FrameWork<StreamPosesResponse>? Take(StreamPosesRequest message)
        {
            switch (message.MessageCase)
            {
                case StreamPosesRequest.MessageOneofCase.Frame:
                    LensCamera now = camera;
                    return new FrameWork<StreamPosesResponse>(message.Frame, cancellation => stream.AnswerAsync(this, now, message.Frame, cancellation));
                case StreamPosesRequest.MessageOneofCase.Camera:
                    camera = PoseWire.ReadCamera(message.Camera, "camera");
                    return null;
                default:
                    throw new FieldException("frame", $"a frame or a camera needed after the config, {(message.MessageCase == StreamPosesRequest.MessageOneofCase.Config ? "a second config" : "none")} given");
            }
        }

        public StreamPosesResponse Dropped(DropReport report) => new() { Drop = report };

        public StreamPosesResponse WithToken(StreamPosesResponse answer, string resumeToken)
        {
            answer.ResumeToken = resumeToken;
            return answer;
        }
    }
}
