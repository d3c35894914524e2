using CorrMesh.Geometry;
using CorrMesh.Hosting.Errors;
using CorrMesh.Protos.Common.V1;
using CorrMesh.Protos.Pose.V1;
using Camera = CorrMesh.Protos.Common.V1.Camera;
using RigidPose = CorrMesh.Geometry.RigidPose;
using WirePose = CorrMesh.Protos.Common.V1.RigidPose;

namespace CorrMesh.Pose;

/// <summary>Cameras and poses between the contract and the geometry.</summary>
internal static class PoseWire
{
    // Of a quaternion's length from 1.
    private const double UnitTolerance = 1e-3;

    /// <exception cref="FieldException">There is none, or a value cannot be.</exception>
    public static LensCamera ReadCamera(Camera? camera, string field)
    {
        if (camera is null) throw new FieldException(field, "a camera needed, none given");
        RequirePositive(camera.Fx, $"{field}.fx");
        RequirePositive(camera.Fy, $"{field}.fy");
        RequireFinite(camera.Cx, $"{field}.cx");
        RequireFinite(camera.Cy, $"{field}.cy");
        // The size is the picture's to say.
        return new LensCamera(new PinholeCamera(1, 1, camera.Fx, camera.Fy, camera.Cx, camera.Cy), ReadLens(camera, field));
    }

    /// <exception cref="FieldException">Something is missing or cannot be.</exception>
    public static RigidPose ReadPose(WirePose? pose, string field)
    {
        if (pose is null) throw new FieldException(field, "a pose needed, none given");
        if (pose.Rotation is not { } q) throw new FieldException($"{field}.rotation", "a quaternion needed, none given");
        if (pose.Translation is not { } t) throw new FieldException($"{field}.translation", "a vector needed, none given");
        double length = Math.Sqrt(q.X * q.X + q.Y * q.Y + q.Z * q.Z + q.W * q.W);
        if (!(Math.Abs(length - 1) <= UnitTolerance)) throw new FieldException($"{field}.rotation", $"a length of 1 to within {UnitTolerance} needed, {length} given");
        (double x, double y, double z) = ReadVector(t, $"{field}.translation");
        return RigidPose.FromQuaternion(q.X / length, q.Y / length, q.Z / length, q.W / length) with { X = x, Y = y, Z = z };
    }

    /// <exception cref="FieldException">A part is not finite.</exception>
    public static (double X, double Y, double Z) ReadVector(Vector3 vector, string field)
    {
        RequireFinite(vector.X, $"{field}.x");
        RequireFinite(vector.Y, $"{field}.y");
        RequireFinite(vector.Z, $"{field}.z");
        return (vector.X, vector.Y, vector.Z);
    }

    public static WirePose Write(RigidPose pose)
    {
        (double x, double y, double z, double w) = pose.ToQuaternion();
        return new WirePose { Rotation = new Quaternion { X = x, Y = y, Z = z, W = w }, Translation = new Vector3 { X = pose.X, Y = pose.Y, Z = pose.Z } };
    }

    public static Vector3 Write((double X, double Y, double Z) vector) => new() { X = vector.X, Y = vector.Y, Z = vector.Z };

    /// <param name="cameraToBase">Null when the caller named no frame.</param>
    public static PoseEstimate Write(Geometry.Pnp.PnpPose pose, RigidPose? cameraToBase)
    {
        var estimate = new PoseEstimate
        {
            ObjectToCamera = Write(pose.ObjectToCamera),
            ObjectToBase = cameraToBase is { } toBase ? Write(toBase * pose.ObjectToCamera) : null,
            LogLikelihood = pose.LogLikelihood,
        };
        estimate.Covariance.AddRange(pose.Covariance);
        return estimate;
    }

    public static void RequirePositive(double value, string field)
    {
        if (!(value > 0 && double.IsFinite(value))) throw new FieldException(field, $"finite and above 0 needed, {value} given");
    }

    private static LensDistortion? ReadLens(Camera camera, string field)
    {
        try
        {
            return camera.DistortionCase switch
            {
                Camera.DistortionOneofCase.Plain => LensDistortion.Plain([.. camera.Plain.Coefficients]),
                Camera.DistortionOneofCase.Fisheye => LensDistortion.Fisheye([.. camera.Fisheye.Coefficients]),
                _ => null,
            };
        }
        catch (ArgumentException exception)
        {
            throw new FieldException($"{field}.{(camera.DistortionCase == Camera.DistortionOneofCase.Plain ? "plain" : "fisheye")}.coefficients", Reason(exception), exception);
        }
    }

    private static void RequireFinite(double value, string field)
    {
        if (!double.IsFinite(value)) throw new FieldException(field, $"a finite number needed, {value} given");
    }

    // Without the parameter's name, which .NET adds.
    private static string Reason(ArgumentException exception) => exception.Message.Split(" (Parameter", 2)[0].Split(": ", 2)[^1];
}
