using System.Numerics;
using CorrMesh.Evaluation.Objects;
using CorrMesh.Geometry;
using CorrMesh.Protos.Common.V1;
using CorrMesh.Protos.Pose.V1;
using CorrMesh.Rendering.Files;
using CorrMesh.Rendering.Meshes;
using CorrMesh.Rendering.Raster;
using Google.Protobuf;
using RigidPose = CorrMesh.Geometry.RigidPose;

namespace CorrMesh.Evaluation.Pose;

/// <summary>Objects that look the same from several sides turn before the camera: poses must not jump from one of those that look alike to another.</summary>
internal static class FlipRun
{
    private const double JumpDegrees = 30;

    // A cube with one picture on all of its faces, on some of them as in a mirror: strictly no turn of it looks the same, nearly all do.
    private const string AlikeMesh = "data/meshes/BoxTextured.glb";

    /// <summary>Solids with 2 and 4 equal sides, one that is round, and the cube.</summary>
    public static async Task<IReadOnlyList<FlipResult>> RunAsync(ServedPoses served, PoseArguments asked, Action<string> tell)
    {
        var results = new List<FlipResult>();
        foreach ((string name, byte[] file) in ((string, byte[])[])
            [("two equal sides", SymmetricObjects.Ply(2)), ("four equal sides", SymmetricObjects.Ply(4)), ("round", SymmetricObjects.Ply(0)), ("cube, nearly alike", File.ReadAllBytes(SharedData.Path(AlikeMesh)))])
        {
            results.Add(await RunAsync(served, asked, name, file).ConfigureAwait(false));
            tell(results[^1].Told);
        }
        return results;
    }

    private static async Task<FlipResult> RunAsync(ServedPoses served, PoseArguments asked, string name, byte[] file)
    {
        int frames = asked.FlipFrames;
        TriangleMesh mesh = MeshFile.Read(file);
        var shown = new ScenicObject(new EvaluatedObject(name, 0, true, () => mesh), mesh, 0.15);
        var config = new ObjectConfig { Id = "symmetric", Spec = asked.Spec, DetectSymmetries = true };
        (System.Numerics.Vector3 least, System.Numerics.Vector3 greatest) = mesh.Bounds();
        System.Numerics.Vector3 size = greatest - least;
        config.MeshUnitM = shown.Metres / Math.Max(size.X, Math.Max(size.Y, size.Z));
        ObjectInfo made = await served.CreateAsync(config, ServedPoses.MeshParts("", file)).ConfigureAwait(false);

        using var call = served.Client.StreamPoses();
        await call.RequestStream.WriteAsync(new StreamPosesRequest
        {
            Config = new StreamPosesConfig { Objects = { config.Id }, Camera = ObjectsRun.Wire(RenderedScenes.Camera), Policy = new StreamPolicy { Mode = StreamPolicy.Types.Mode.All } },
        }).ConfigureAwait(false);
        var sending = Task.Run(async () =>
        {
            for (int i = 0; i < frames; i++)
            {
                byte[] pixels = Renderer.Render(shown.Scaled, RenderedScenes.Camera, PoseAt(i), new RenderOptions { Background = new System.Numerics.Vector3(0.2f), NearMetres = 0.001 }).Image.Pixels;
                await call.RequestStream.WriteAsync(new StreamPosesRequest
                {
                    Frame = new Frame { Sequence = (ulong)i + 1, Image = new Image { Raw = new RawImage { Format = PixelFormat.Rgb8, Width = RenderedScenes.Width, Height = RenderedScenes.Height, Data = UnsafeByteOperations.UnsafeWrap(pixels) } } },
                }).ConfigureAwait(false);
            }
            await call.RequestStream.CompleteAsync().ConfigureAwait(false);
        });
        int solved = 0, jumps = 0, events = 0;
        (int Frame, RigidPose Pose)? before = null;
        while (await call.ResponseStream.MoveNext(CancellationToken.None).ConfigureAwait(false))
        {
            FramePoses answer = call.ResponseStream.Current.Poses;
            int frame = (int)answer.Sequence - 1;
            if (answer.Poses[0].Event is TrackEvent.Lost or TrackEvent.Refound) events++;
            if (answer.Poses[0].Pose is not { Best: { } best, Confidence: >= 0.5 }) continue;
            solved++;
            RigidPose pose = ServedPoses.Read(best.ObjectToCamera);
            if (before is { } last && frame - last.Frame < 10)
            {
                // What it turned by, against what it truly turned by.
                double seen = (pose * last.Pose.Inverse()).AngleTo(PoseAt(frame) * PoseAt(last.Frame).Inverse());
                if (seen > JumpDegrees) jumps++;
            }
            before = (frame, pose);
        }
        await sending.ConfigureAwait(false);
        return new FlipResult(name, made, frames, solved, jumps, events);
    }

    // About two slow turns about different axes, a little to and fro.
    private static RigidPose PoseAt(int frame)
    {
        double a = 0.011 * frame, b = 0.007 * frame, c = 0.013 * frame;
        var turn = RigidPose.FromQuaternion(0, 0, Math.Sin(a / 2), Math.Cos(a / 2)) * RigidPose.FromQuaternion(Math.Sin(b / 2), 0, 0, Math.Cos(b / 2)) * RigidPose.FromQuaternion(0, Math.Sin(c / 2), 0, Math.Cos(c / 2));
        return turn with { X = 0.05 * Math.Sin(0.02 * frame), Y = 0.03 * Math.Cos(0.017 * frame), Z = 0.5 + 0.08 * Math.Sin(0.01 * frame) };
    }
}

/// <param name="Solved">Frames with a pose that is taken to be right.</param>
/// <param name="Jumps">Frames whose pose turned otherwise than the object did, by more than 30 degrees.</param>
/// <param name="Events">Times that it was lost or found again.</param>
internal sealed record FlipResult(string Name, ObjectInfo Object, int Frames, int Solved, int Jumps, int Events)
{
    public bool IsSymmetric => Object.Symmetries.Discrete.Count + Object.Symmetries.Continuous.Count > 0;

    public string Told => $"{Name}: {Frames} frames, {Solved} with a pose, {Jumps} jumps, lost or found again {Events} times";
}
