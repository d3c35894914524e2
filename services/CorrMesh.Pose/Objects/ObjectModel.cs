using CorrMesh.Geometry;
using CorrMesh.Pose.Symmetries;

namespace CorrMesh.Pose.Objects;

/// <summary>What an object is found by.</summary>
/// <param name="Pictures">object_to_camera of each picture that it was made from, metres.</param>
/// <param name="Wide">Descriptors of pictures in which the object has room about it: to look for it with. Of sides that look the same, of one only.</param>
/// <param name="Close">Descriptors of pictures that the object fills: to place it with.</param>
/// <param name="Surface">Its mesh without colours, object frame, metres; null without one.</param>
internal sealed record ObjectModel(RigidPose[] Pictures, DescriptorRows Wide, DescriptorRows Close, ObjectSurface? Surface)
{
    // Between pictures of a symmetric object that show the same.
    private const double SameDegrees = 5;

    public long Bytes => Wide.Bytes + Close.Bytes + (Surface is null ? 0 : 12L * Surface.Positions.Length + 4L * Surface.Indices.Length);

    /// <summary>What the pictures show that saw the object most like this, brought to where the like is now.</summary>
    /// <remarks>A picture of a symmetric object is one of several of its sides: it counts as the one that is turned least from here, and pictures that then show the same count once.</remarks>
    /// <param name="count">At most so many pictures.</param>
    /// <param name="centre">Of the object, object frame: seen off the camera's axis, it shows another side.</param>
    public RowSelection CloseTo(RigidPose pose, int count, (double X, double Y, double Z) centre, SymmetrySet symmetries)
    {
        RigidPose turned = Centred(pose, centre);
        var alike = Pictures.Select((picture, i) =>
        {
            RigidPose seen = Centred(picture, centre), motion = symmetries.MotionTo(seen, turned);
            return (Picture: i, Seen: seen * motion, Motion: motion, Degrees: (seen * motion).AngleTo(turned));
        });
        var taken = new List<(int Picture, RigidPose Seen, RigidPose Motion, double Degrees)>();
        foreach (var next in alike.OrderBy(next => next.Degrees))
        {
            if (taken.Count == count) break;
            if (symmetries.IsEmpty || taken.TrueForAll(other => other.Seen.AngleTo(next.Seen) > SameDegrees)) taken.Add(next);
        }
        return RowSelection.Of(Close, [.. taken.Select(next => (next.Picture, next.Motion.Inverse()))]);
    }

    // As if the camera had been turned to look at the object's middle.
    private static RigidPose Centred(RigidPose pose, (double X, double Y, double Z) centre)
    {
        (double x, double y, double z) = pose.Apply(centre);
        double length = Math.Sqrt(x * x + y * y + z * z);
        if (!(length > 0)) return pose;
        // The shortest turn that brings the middle's direction to the axis: about (y, -x, 0), as a quaternion.
        (double qx, double qy, double w) = (y / length, -x / length, 1 + z / length);
        double norm = Math.Sqrt(qx * qx + qy * qy + w * w);
        return norm < 1e-9 ? pose : RigidPose.FromQuaternion(qx / norm, qy / norm, 0, w / norm) * pose;
    }
}

/// <summary>Triangles without colours.</summary>
/// <param name="Positions">[N], object frame, metres.</param>
/// <param name="Indices">[3 F].</param>
internal sealed record ObjectSurface(System.Numerics.Vector3[] Positions, int[] Indices);
