using CorrMesh.Geometry;

namespace CorrMesh.Pose.Linting;

/// <summary>A pose with a camera that may have been fitted, too.</summary>
/// <param name="NoisePixels">Standard deviation of the matches that fit, each axis.</param>
/// <param name="Gain">Log-likelihood of the matches against their all being wrong.</param>
internal readonly record struct FittedCamera(RigidPose ObjectToCamera, PinholeCamera Camera, double NoisePixels, double Gain);

/// <summary>Fits a pose, and a focal length when asked, to matches of which a share is wrong. The likelihood is the pose solver's: Gaussian noise and outliers that are uniform in a disc about the projection.</summary>
/// <remarks>
/// Gauss-Newton with expectation and maximisation. A step in the logarithm a of the focal length takes the depth along, f ↦ f eᵃ and t_z ↦ t_z eᵃ, so that what is left of it in the picture is perspective
/// alone: ∂u/∂a = u q_z / z with q the point about the object's centre. Where that vanishes against the noise, the focal length stays where it was.
/// </remarks>
/// <param name="objectPoints">[3 N], finite.</param>
/// <param name="radius">Errors beyond it never count, pixels.</param>
internal sealed class CameraFit(double[] objectPoints, double radius)
{
    private const int Size = 7, MaxSteps = 25;

    // As in the solver: the belief about noise before the data, in points and pixels².
    private const double BeliefCount = 2, BeliefVariance = 1;

    private const double LargestFocalStep = 0.4, Tolerance = 1e-3;

    private readonly int count = objectPoints.Length / 3;
    private readonly double[] squares = new double[objectPoints.Length / 3];
    private readonly (double X, double Y, double Z) centre = Mean(objectPoints);

    /// <summary>The likeliest pose near a start.</summary>
    /// <param name="imagePoints">[2 N], pixels of the camera without a lens.</param>
    /// <param name="freeFocal">Whether both focal lengths may change, keeping their ratio.</param>
    public FittedCamera Fit(double[] imagePoints, PinholeCamera camera, RigidPose start, bool freeFocal)
    {
        var moved = start.Apply(centre);
        RigidPose pose = start with { X = moved.X, Y = moved.Y, Z = moved.Z };
        double variance = radius * radius / 16, share = 0.5;
        Span<double> hessian = stackalloc double[Size * Size], step = stackalloc double[Size];
        int parameters = freeFocal ? 7 : 6;
        for (int k = 0; k < MaxSteps; k++)
        {
            (variance, share) = Accumulate(imagePoints, camera, pose, variance, share, parameters, hessian, step);
            if (!TrySolve(hessian, step, parameters)) break;
            double motion = 0;
            for (int i = 0; i < 3; i++) motion += step[i] * step[i] + step[3 + i] * step[3 + i] / (pose.Z * pose.Z);
            pose = Turned(pose, step[0], step[1], step[2]) with { X = pose.X + step[3], Y = pose.Y + step[4], Z = pose.Z + step[5] };
            if (freeFocal)
            {
                double a = Math.Clamp(step[6], -LargestFocalStep, LargestFocalStep), factor = Math.Exp(a);
                camera = camera with { FocalX = camera.FocalX * factor, FocalY = camera.FocalY * factor };
                pose = pose with { Z = pose.Z * factor };
                motion += a * a;
            }
            if (motion < Tolerance * Tolerance) break;
        }
        Residuals(imagePoints, camera, pose);
        double gain = MatchLikelihood.Gain(squares, variance, radius);
        var back = pose.Rotate(centre);
        RigidPose given = pose with { X = pose.X - back.X, Y = pose.Y - back.Y, Z = pose.Z - back.Z };
        return new FittedCamera(given, camera, Math.Sqrt(variance), double.IsFinite(gain) ? gain : 0);
    }

    /// <summary>The start for another camera: turned with the ray that the object's centre is seen along, as far away as it takes to look as large.</summary>
    public RigidPose Carry(RigidPose pose, PinholeCamera from, PinholeCamera to)
    {
        var at = pose.Apply(centre);
        double z = at.Z * Math.Sqrt(to.FocalX * to.FocalY / (from.FocalX * from.FocalY)), x = at.X / at.Z, y = at.Y / at.Z;
        double newX = (from.FocalX * x + from.CentreX - to.CentreX) / to.FocalX, newY = (from.FocalY * y + from.CentreY - to.CentreY) / to.FocalY;
        // From one ray to the other about their normal, by half the angle at a time: q = (1 + a·b, a × b) of unit vectors, normalised.
        double scale = 1 / Math.Sqrt((x * x + y * y + 1) * (newX * newX + newY * newY + 1));
        double qx = (y - newY) * scale, qy = (newX - x) * scale, qz = (x * newY - y * newX) * scale, qw = 1 + (x * newX + y * newY + 1) * scale, length = Math.Sqrt(qx * qx + qy * qy + qz * qz + qw * qw);
        RigidPose turned = RigidPose.FromQuaternion(qx / length, qy / length, qz / length, qw / length) * (pose with { X = 0, Y = 0, Z = 0 });
        var back = turned.Rotate(centre);
        return turned with { X = newX * z - back.X, Y = newY * z - back.Y, Z = z - back.Z };
    }

    private static (double X, double Y, double Z) Mean(double[] points)
    {
        double x = 0, y = 0, z = 0, n = Math.Max(1, points.Length / 3);
        for (int i = 0; i + 2 < points.Length; i += 3) (x, y, z) = (x + points[i] / n, y + points[i + 1] / n, z + points[i + 2] / n);
        return (x, y, z);
    }

    private void Residuals(double[] imagePoints, PinholeCamera camera, in RigidPose pose)
    {
        for (int i = 0; i < count; i++)
        {
            var q = pose.Rotate((objectPoints[3 * i] - centre.X, objectPoints[3 * i + 1] - centre.Y, objectPoints[3 * i + 2] - centre.Z));
            double z = q.Z + pose.Z, ru = camera.FocalX * (q.X + pose.X) / z + camera.CentreX - imagePoints[2 * i], rv = camera.FocalY * (q.Y + pose.Y) / z + camera.CentreY - imagePoints[2 * i + 1];
            double square = ru * ru + rv * rv;
            squares[i] = z > 0 && double.IsFinite(square) ? square : double.PositiveInfinity;
        }
    }

    private (double Variance, double Share) Accumulate(
        double[] imagePoints, PinholeCamera camera, in RigidPose pose, double variance, double share, int parameters, Span<double> hessian, Span<double> gradient)
    {
        Residuals(imagePoints, camera, pose);
        hessian.Clear();
        gradient.Clear();
        double odds = (1 - share) / share * 2 * variance / (radius * radius), total = 0, squared = 0;
        int inside = 0;
        Span<double> a = stackalloc double[Size], b = stackalloc double[Size];
        for (int i = 0; i < count; i++)
        {
            if (!(squares[i] < radius * radius)) continue;
            double density = Math.Exp(-0.5 * squares[i] / variance), weight = density / (density + odds);
            inside++;
            total += weight;
            squared += weight * squares[i];
            if (weight < 1e-6) continue;
            var q = pose.Rotate((objectPoints[3 * i] - centre.X, objectPoints[3 * i + 1] - centre.Y, objectPoints[3 * i + 2] - centre.Z));
            double inverse = 1 / (q.Z + pose.Z), x = (q.X + pose.X) * inverse, y = (q.Y + pose.Y) * inverse, fu = camera.FocalX * inverse, fv = camera.FocalY * inverse;
            double ru = camera.FocalX * x + camera.CentreX - imagePoints[2 * i], rv = camera.FocalY * y + camera.CentreY - imagePoints[2 * i + 1];
            (a[0], a[1], a[2], a[3], a[4], a[5], a[6]) = (-fu * x * q.Y, fu * (q.Z + x * q.X), -fu * q.Y, fu, 0, -fu * x, camera.FocalX * x * q.Z * inverse);
            (b[0], b[1], b[2], b[3], b[4], b[5], b[6]) = (-fv * (q.Z + y * q.Y), fv * y * q.X, fv * q.X, 0, fv, -fv * y, camera.FocalY * y * q.Z * inverse);
            for (int r = 0; r < parameters; r++)
            {
                gradient[r] -= weight * (a[r] * ru + b[r] * rv);
                for (int c = 0; c <= r; c++) hessian[r * Size + c] += weight * (a[r] * a[c] + b[r] * b[c]);
            }
        }
        variance = (squared + 2 * BeliefCount * BeliefVariance) / (Math.Max(0, 2 * total - parameters) + 2 * BeliefCount);
        return (Math.Clamp(variance, 1e-6, radius * radius / 6), inside == 0 ? 0.5 : Math.Clamp(total / inside, 0.05, 0.999));
    }

    // Cholesky on the lower triangle; the gradient becomes the step.
    private static bool TrySolve(Span<double> h, Span<double> step, int n)
    {
        for (int j = 0; j < n; j++)
        {
            double diagonal = h[j * Size + j] * (1 + 1e-6), pivot = diagonal;
            for (int k = 0; k < j; k++) pivot -= h[j * Size + k] * h[j * Size + k];
            if (!(pivot > 1e-12 * diagonal)) return false;
            double root = h[j * Size + j] = Math.Sqrt(pivot);
            for (int i = j + 1; i < n; i++)
            {
                for (int k = 0; k < j; k++) h[i * Size + j] -= h[i * Size + k] * h[j * Size + k];
                h[i * Size + j] /= root;
            }
        }
        for (int i = 0; i < n; i++)
        {
            for (int k = 0; k < i; k++) step[i] -= h[i * Size + k] * step[k];
            step[i] /= h[i * Size + i];
        }
        for (int i = n - 1; i >= 0; i--)
        {
            for (int k = i + 1; k < n; k++) step[i] -= h[k * Size + i] * step[k];
            step[i] /= h[i * Size + i];
            if (!double.IsFinite(step[i])) return false;
        }
        return true;
    }

    private static RigidPose Turned(in RigidPose pose, double x, double y, double z)
    {
        double angle = Math.Sqrt(x * x + y * y + z * z);
        if (angle == 0) return pose;
        double s = Math.Sin(angle / 2) / angle;
        return RigidPose.FromQuaternion(x * s, y * s, z * s, Math.Cos(angle / 2)) * (pose with { X = 0, Y = 0, Z = 0 });
    }
}
