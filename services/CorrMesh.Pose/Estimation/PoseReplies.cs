using CorrMesh.Geometry.Pnp;
using CorrMesh.Pose.Linting;
using CorrMesh.Pose.Objects;
using CorrMesh.Pose.Pnp;
using CorrMesh.Pose.Symmetries;
using CorrMesh.Protos.Common.V1;
using CorrMesh.Protos.Pose.V1;
using CorrMesh.Vision.Images;

namespace CorrMesh.Pose.Estimation;

/// <summary>What is found, in the contract's terms.</summary>
internal static class PoseReplies
{
    // Poses that differ by less, but for a symmetry, are one.
    private const double SameDegrees = 5;

    /// <param name="picture">Its pixels; null: colours are not looked at for mistakes.</param>
    /// <param name="withFindings">Whether to look for mistakes in what was given.</param>
    public static ObjectPose Of(PoseScene scene, ObjectManifest manifest, ObjectModel model, FoundPose found, RgbImage? picture, bool withFindings)
    {
        PnpResult result = found.Result;
        var reply = new ObjectPose
        {
            Object = manifest.Id,
            Status = PnpWire.Status(result.Status),
            Confidence = found.Confidence,
            Matches = (uint)found.Matches,
            Inliers = (uint)result.Inliers.Length,
            NoisePx = result.NoisePixels,
        };
        if (withFindings) reply.Findings.AddRange(InputLint.OfPhoto(scene, manifest, found, found.IsClose ? model.Close : model.Wide, picture));
        if (result.Best is not { } best) return reply;
        reply.Best = PoseWire.Write(best, scene.CameraToBase);
        SymmetrySet symmetries = manifest.ToSymmetries();
        reply.Alternatives.AddRange(result.Alternatives.Where(other => !symmetries.AreAlike(other.ObjectToCamera, best.ObjectToCamera, SameDegrees)).Select(other => PoseWire.Write(other, scene.CameraToBase)));
        if (scene.WithOutline) reply.Outline.AddRange(ObjectOutline.Of(model, manifest.ToBox(), scene.Camera, best.ObjectToCamera).Select(point => new Point { X = point.X, Y = point.Y }));
        return reply;
    }
}
