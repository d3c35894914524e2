using CorrMesh.Geometry.Pnp;
using CorrMesh.Hosting.Errors;
using CorrMesh.Protos.Pose.V1;
using RigidPose = CorrMesh.Geometry.RigidPose;

namespace CorrMesh.Pose.Pnp;

/// <summary>Between the contract and the solver.</summary>
internal static class PnpWire
{
    private const double LargestErrorPixels = 1000;

    /// <exception cref="FieldException">A field is missing or out of its bounds.</exception>
    public static PnpCall Read(SolvePnpRequest request, int maxPoints)
    {
        int count = request.Correspondences.Count;
        if (count > maxPoints) throw new FieldException("correspondences", $"at most {maxPoints} allowed, {count} given");
        double maxError = request.MaxErrorPx == 0 ? new PnpOptions().MaxErrorPixels : request.MaxErrorPx;
        if (!(maxError > 0 && maxError <= LargestErrorPixels)) throw new FieldException("max_error_px", $"above 0 and at most {LargestErrorPixels} allowed, {maxError} given");
        double[] objectPoints = new double[3 * count], imagePoints = new double[2 * count];
        if (request.Scores.Count != 0 && request.Scores.Count != count) throw new FieldException("scores", $"{count} needed, one for each of correspondences, or none, {request.Scores.Count} given");
        for (int i = 0; i < count; i++)
        {
            Correspondence pair = request.Correspondences[i];
            if (pair.ObjectPoint is not { } point) throw new FieldException($"correspondences[{i}].object_point", "a point needed, none given");
            if (pair.ImagePoint is not { } seen) throw new FieldException($"correspondences[{i}].image_point", "a point needed, none given");
            (objectPoints[3 * i], objectPoints[3 * i + 1], objectPoints[3 * i + 2]) = (point.X, point.Y, point.Z);
            (imagePoints[2 * i], imagePoints[2 * i + 1]) = (seen.X, seen.Y);
        }
        return new PnpCall(
            objectPoints, imagePoints, [.. request.Scores], PoseWire.ReadCamera(request.Camera, "camera"), new PnpOptions { MaxErrorPixels = maxError, Seed = request.Seed },
            request.CameraToBase is { } pose ? PoseWire.ReadPose(pose, "camera_to_base") : null);
    }

    public static SolvePnpResponse Write(PnpResult result, RigidPose? cameraToBase)
    {
        var response = new SolvePnpResponse
        {
            Status = Status(result.Status),
            Best = result.Best is { } best ? PoseWire.Write(best, cameraToBase) : null,
            NoisePx = result.NoisePixels,
            ThresholdPx = result.ThresholdPixels,
            Samples = (uint)result.Samples,
        };
        response.Alternatives.AddRange(result.Alternatives.Select(pose => PoseWire.Write(pose, cameraToBase)));
        response.InlierIndices.AddRange(result.Inliers.Select(row => (uint)row));
        return response;
    }

    public static PoseStatus Status(PnpStatus status) => status switch
    {
        PnpStatus.Solved => PoseStatus.Solved,
        PnpStatus.TooFewPoints => PoseStatus.TooFewPoints,
        PnpStatus.Degenerate => PoseStatus.Degenerate,
        _ => PoseStatus.NoConsensus,
    };
}
