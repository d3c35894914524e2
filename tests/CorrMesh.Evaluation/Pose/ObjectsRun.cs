using System.Diagnostics;
using System.Numerics;
using CorrMesh.Evaluation.Objects;
using CorrMesh.Geometry;
using CorrMesh.Protos.Common.V1;
using CorrMesh.Protos.Pose.V1;
using CorrMesh.Rendering.Files;
using CorrMesh.Rendering.Meshes;
using CorrMesh.Rendering.Raster;
using CorrMesh.Rendering.Views;
using CorrMesh.Vision.Images;
using Google.Protobuf;
using RigidPose = CorrMesh.Geometry.RigidPose;

namespace CorrMesh.Evaluation.Pose;

/// <summary>Rendered objects that no model was trained on: made ones by 42 pictures with depth, those of a folder by their mesh files; each looked for in photos with and without it.</summary>
internal static class ObjectsRun
{
    // Every fifth photo does not show the object.
    private const int EveryAbsent = 5;

    // A tenth of a millimetre a step of depth.
    private const double DepthUnit = 1e-4;

    public static async Task<IReadOnlyList<ObjectResult>> RunAsync(ServedPoses served, PoseArguments asked, Action<string> tell)
    {
        var results = new List<ObjectResult>();
        foreach (EvaluatedObject made in HeldOutObjects.Take(asked.Objects)) results.Add(await RunAsync(served, asked, made, null, results.Count).ConfigureAwait(false));
        foreach (string file in asked.MeshFiles)
            results.Add(await RunAsync(served, asked, new EvaluatedObject(Path.GetFileNameWithoutExtension(file), results.Count, SharedMeshes.IsSymmetric(Path.GetFileNameWithoutExtension(file)), () => MeshFile.Load(file)), file, results.Count).ConfigureAwait(false));
        return results;

        async Task<ObjectResult> RunAsync(ServedPoses served, PoseArguments asked, EvaluatedObject made, string? file, int number)
        {
            var random = new SeededRandom((ulong)number, 0x53_495A_45);
            var shown = new ScenicObject(made, made.Make(), random.Range(0.08f, 0.25f));
            (ObjectInfo info, TimeSpan onboarding, RigidPose toCentred) = await OnboardAsync(served, asked, shown, file).ConfigureAwait(false);
            var scenes = new RenderedScenes((ulong)number);
            var photos = new List<PhotoResult>();
            for (int i = 0; i < asked.Scenes; i++)
            {
                bool isThere = i % EveryAbsent != EveryAbsent - 1;
                (RgbImage picture, RigidPose pose) = scenes.Draw(isThere ? shown : null, i);
                var image = new Image { Raw = new RawImage { Format = PixelFormat.Rgb8, Width = RenderedScenes.Width, Height = RenderedScenes.Height, Data = UnsafeByteOperations.UnsafeWrap(picture.Pixels) } };
                EstimatePoseResponse answer = await served.Client.EstimatePoseAsync(new EstimatePoseRequest { Image = image, Camera = Wire(RenderedScenes.Camera), Objects = { info.Id } });
                ObjectPose found = answer.Poses[0];
                PoseOff off = found.Best is { } best && isThere ? PoseOff.Of(ServedPoses.Read(best.ObjectToCamera), pose * toCentred, 0) : PoseOff.Nothing;
                photos.Add(new PhotoResult(isThere, off, found, answer.Timings));
            }
            await served.Client.DeleteObjectAsync(new DeleteObjectRequest { Id = info.Id });
            var result = new ObjectResult(made.Name, made.IsSymmetric, info, onboarding, photos);
            tell($"{made.Name}: {result.Share(1):P0} / {result.Share(3):P0} / {result.Share(5):P0} within 1 / 3 / 5 cm and degrees, made in {onboarding.TotalSeconds:F1} s");
            return result;
        }
    }

    private static async Task<(ObjectInfo Info, TimeSpan Time, RigidPose ToCentred)> OnboardAsync(ServedPoses served, PoseArguments asked, ScenicObject shown, string? file)
    {
        var config = new ObjectConfig { Id = "rendered", Spec = asked.Spec };
        CreateObjectRequest[] parts;
        RigidPose toCentred = RigidPose.Identity;
        if (file is null)
        {
            parts = [.. ViewSphere.Icosphere(shown.Mesh.Up, 2 * shown.Metres).Select(pose => new CreateObjectRequest { Picture = Picture(shown, pose) })];
        }
        else
        {
            (System.Numerics.Vector3 least, System.Numerics.Vector3 greatest) = shown.Mesh.Bounds();
            System.Numerics.Vector3 size = greatest - least, middle = least + size / 2;
            config.MeshUnitM = shown.Metres / Math.Max(size.X, Math.Max(size.Y, size.Z));
            toCentred = RigidPose.Identity with { X = -config.MeshUnitM * middle.X, Y = -config.MeshUnitM * middle.Y, Z = -config.MeshUnitM * middle.Z };
            string folder = Path.GetDirectoryName(file)!;
            string[] beside = Path.GetExtension(file) is ".glb" or ".ply" ? [] : [.. Directory.EnumerateFiles(folder).Where(other => other != file)];
            parts = [.. ServedPoses.MeshParts("", File.ReadAllBytes(file)), .. beside.SelectMany(other => ServedPoses.MeshParts(Path.GetFileName(other), File.ReadAllBytes(other)))];
        }
        long started = Stopwatch.GetTimestamp();
        ObjectInfo info = await served.CreateAsync(config, parts).ConfigureAwait(false);
        return (info, Stopwatch.GetElapsedTime(started), toCentred);
    }

    private static ObjectPicture Picture(ScenicObject shown, RigidPose pose)
    {
        ObjectView view = Renderer.Render(shown.Scaled, PinholeCamera.ThirtyFive(), pose, new RenderOptions { NearMetres = 0.001 });
        ushort[] depth = Array.ConvertAll(view.DepthMetres!, metres => (ushort)Math.Clamp(Math.Round(metres / DepthUnit), 0, ushort.MaxValue));
        return new ObjectPicture
        {
            Image = new Image { Encoded = ByteString.CopyFrom(PngEncoder.Encode(view.Image)) },
            Camera = Wire(view.Camera),
            ObjectToCamera = ServedPoses.Write(pose),
            Depth = new DepthImage { Png = ByteString.CopyFrom(GreyPng.Encode(depth, view.Camera.Width, view.Camera.Height)), UnitM = DepthUnit },
        };
    }

    public static Camera Wire(PinholeCamera camera) => new() { Fx = camera.FocalX, Fy = camera.FocalY, Cx = camera.CentreX, Cy = camera.CentreY };
}

/// <summary>What became of one photo.</summary>
/// <param name="IsThere">Whether the object is in it.</param>
internal sealed record PhotoResult(bool IsThere, PoseOff Off, ObjectPose Answer, PoseTimings Timings)
{
    public bool IsRight(double diameterMetres) => IsThere && Off.Degrees <= 5 && Off.Centimetres <= Math.Min(5, 10 * diameterMetres);
}

/// <summary>What became of one object.</summary>
internal sealed record ObjectResult(string Name, bool IsSymmetric, ObjectInfo Info, TimeSpan Onboarding, IReadOnlyList<PhotoResult> Photos)
{
    public IReadOnlyList<PhotoResult> Shown { get; } = [.. Photos.Where(photo => photo.IsThere)];

    public double Share(double bound) => Shown.Count(photo => photo.Off.Within(bound)) / (double)Shown.Count;

    /// <summary>Photos without the object in which it is said to be, surely.</summary>
    public int FalseAlarms => Photos.Count(photo => !photo.IsThere && photo.Answer.Confidence >= 0.5);
}
