using System.ComponentModel;
using System.Text.Json.Serialization;
using CorrMesh.Hosting.Errors;
using CorrMesh.Protos.Common.V1;
using CorrMesh.Protos.Pose.V1;
using Pose = CorrMesh.Geometry.RigidPose;

namespace CorrMesh.Gateway.Http;

[Description("Focal lengths and principal point in pixels, the centre of the top-left pixel being (0, 0), as OpenCV calibrates.")]
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record CameraBody(
    double? Fx = null,
    double? Fy = null,
    double? Cx = null,
    double? Cy = null,
    [property: Description("OpenCV's plain model: k1 k2 p1 p2 [k3 [k4 k5 k6 [s1 s2 s3 s4]]]; absent: a pinhole.")] double[]? Distortion = null,
    [property: Description("OpenCV's fisheye model: k1 k2 k3 k4; absent: none.")] double[]? Fisheye = null)
{
    internal Camera ToCamera(string field)
    {
        if (Distortion is not null && Fisheye is not null) throw new FieldException($"{field}.fisheye", "one of distortion and fisheye allowed, both given");
        var camera = new Camera { Fx = Needed(Fx, "fx"), Fy = Needed(Fy, "fy"), Cx = Needed(Cx, "cx"), Cy = Needed(Cy, "cy") };
        if (Distortion is not null) camera.Plain = new PlainDistortion { Coefficients = { Distortion } };
        if (Fisheye is not null) camera.Fisheye = new FisheyeDistortion { Coefficients = { Fisheye } };
        return camera;

        double Needed(double? value, string name) => value ?? throw new FieldException($"{field}.{name}", "a number needed, none given");
    }
}

[Description("A pose that the pairs allow.")]
public sealed record PoseReply(
    [property: Description("[4][4]: maps object points to the camera frame.")] double[][] ObjectToCamera,
    [property: Description("[4][4]: maps object points to the frame of camera_to_base; absent without it.")] double[][]? ObjectToBase,
    [property: Description("[6][6]: of [t; r] in the camera frame, left perturbation; unit of the object points, and radians.")] double[][] Covariance,
    [property: Description("Natural logarithm of how much likelier the pairs near their projections are than if all of them were wrong.")] double LogLikelihood)
{
    internal static PoseReply From(PoseEstimate estimate) => new(
        Transforms.Rows(estimate.ObjectToCamera), estimate.ObjectToBase is { } toBase ? Transforms.Rows(toBase) : null, Transforms.Square(estimate.Covariance), estimate.LogLikelihood);
}

[Description("Where the time went, in milliseconds.")]
public sealed record PoseTimingsReply(
    [property: Description("Feature maps: decoding, waiting for the device, the network.")] double FeaturesMs, double MatchingMs, double SolverMs, double TotalMs)
{
    internal static PoseTimingsReply From(PoseTimings timings) => new(timings.FeaturesNs / 1e6, timings.MatchingNs / 1e6, timings.SolverNs / 1e6, timings.TotalNs / 1e6);
}

[Description("Something that looks like a mistake in what was given. It stops nothing.")]
public sealed record FindingReply(
    [property: Description("millimetres, swapped_focal, other_resolution, opengl_axes, bgr or uncalibrated.")] string Kind,
    [property: Description("One sentence: field, what was given, what would fit better.")] string Message)
{
    internal static FindingReply From(InputFinding finding) => new(finding.Kind, finding.Message);
}

/// <summary>The contract's poses and vectors as rows of numbers, and back.</summary>
internal static class Transforms
{
    /// <exception cref="FieldException">It is no [4][4] of a rotation and a translation.</exception>
    public static RigidPose Read(double[][]? rows, string field)
    {
        if (rows is not { Length: 4 }) throw new FieldException(field, $"4 rows needed, {rows?.Length ?? 0} given");
        double[] matrix = [.. rows.SelectMany((row, i) => Row(row, 4, $"{field}[{i}]"))];
        try
        {
            var pose = Pose.FromRowMajor(matrix);
            (double x, double y, double z, double w) = pose.ToQuaternion();
            return new RigidPose { Rotation = new Quaternion { X = x, Y = y, Z = z, W = w }, Translation = new Vector3 { X = pose.X, Y = pose.Y, Z = pose.Z } };
        }
        catch (ArgumentException exception)
        {
            throw new FieldException(field, exception.Message.Split(" (Parameter", 2)[0].Split(": ", 2)[^1], exception);
        }
    }

    public static double[] Row(double[]? row, int count, string field) =>
        row is { Length: var length } && length == count ? row : throw new FieldException(field, $"{count} numbers needed, {row?.Length ?? 0} given");

    public static Vector3 Vector(double[]? row, string field)
    {
        double[] values = Row(row, 3, field);
        return new Vector3 { X = values[0], Y = values[1], Z = values[2] };
    }

    public static double[] Row(Vector3? vector) => vector is null ? [0, 0, 0] : [vector.X, vector.Y, vector.Z];

    /// <summary>[4][4]; a pose without a translation has zeros there.</summary>
    public static double[][] Rows(RigidPose pose)
    {
        double[] t = Row(pose.Translation);
        double[] values = (Pose.FromQuaternion(pose.Rotation.X, pose.Rotation.Y, pose.Rotation.Z, pose.Rotation.W) with { X = t[0], Y = t[1], Z = t[2] }).Matrix();
        return [values[..4], values[4..8], values[8..12], values[12..]];
    }

    /// <summary>n * n values as n rows.</summary>
    public static double[][] Square(IReadOnlyList<double> values) => [.. values.Chunk(Math.Max(1, (int)Math.Sqrt(values.Count)))];
}
