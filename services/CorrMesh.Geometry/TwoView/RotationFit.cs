using CorrMesh.Geometry.Pnp;

namespace CorrMesh.Geometry.TwoView;

/// <summary>Two views from one place: pairs as a rotation alone takes them from source to target.</summary>
/// <remarks>Residuals d are differences in the target as dᵀ(I + JJᵀ)⁻¹d, J the derivative of where the rotation takes a point: with noise σ in each axis of each picture they are σ²χ² of two degrees of freedom.</remarks>
internal sealed class RotationFit(PairSet pairs, double radius)
{
    // Two pairs of ten without outliers are met with 0.9997; below a fifth of the pairs, a rotation is no rival.
    private const int Samples = 200, MaxSteps = 15, SearchedPairs = 512;

    private const double GainShare = 1.5, ScaleShare = 0.25, Tolerance = 1e-6;

    // Smallest squared sine between a sample's rays.
    private const double SmallestSine = 1e-6;

    private readonly double[] squares = new double[pairs.PaddedCount], weights = new double[pairs.PaddedCount], sums = new double[9], step = new double[3];

    /// <summary>r² of each pair under the rotation fitted.</summary>
    public ReadOnlySpan<double> Squares => squares.AsSpan(0, pairs.Count);

    /// <summary>The most likely rotation and noise, from samples of two pairs and a start.</summary>
    public (RigidPose Rotation, NoiseMixture Noise, double Gain) Run(RigidPose start, SeededRandom random)
    {
        int count = Math.Min(SearchedPairs, pairs.Count);
        double scale = ScaleShare * radius, lowest = double.PositiveInfinity;
        RigidPose best = start with { X = 0, Y = 0, Z = 0 };
        for (int sample = 0; sample <= Samples; sample++)
        {
            RigidPose rotation = best;
            if (sample > 0)
            {
                int i = random.Below(count), j = random.Below(count - 1);
                if (j >= i) j++;
                if (!TryAlign(pairs.SourceBearings[i], pairs.SourceBearings[j], pairs.TargetBearings[i], pairs.TargetBearings[j], out rotation)) continue;
            }
            double cost = 0;
            for (int i = 0; i < count && cost < lowest; i++)
            {
                double square = Roughly(rotation, i);
                cost += square < double.PositiveInfinity ? square / (square + scale * scale) : 1;
            }
            if (cost < lowest) (lowest, best) = (cost, rotation);
        }
        var noise = new NoiseMixture(scale * scale / 4, 0.5, 2, 3);
        for (int k = 0; k < MaxSteps; k++)
        {
            noise = Accumulate(best, noise);
            if (!LeastSquares.TrySolve(sums, 1e-9, step)) break;
            best = TwoViewGeometry.Move(best, step);
            double motion = 0;
            for (int i = 0; i < 3; i++) motion -= step[i] * sums[6 + i];
            if (motion < Tolerance) break;
        }
        noise = Accumulate(best, noise);
        return (best, noise, noise.Gain(squares, GainShare * radius));
    }

    /// <summary>[9] of the fitted rotation; null where the pairs leave it open.</summary>
    public double[]? Covariance() => LeastSquares.Inverse(sums, 3);

    private NoiseMixture Accumulate(in RigidPose rotation, NoiseMixture noise)
    {
        squares.AsSpan().Fill(double.PositiveInfinity);
        for (int i = 0; i < pairs.Count; i++)
        {
            if (!(Seen(rotation, i).Z > 0)) continue;
            (double ru, double rv, double uu, double uv, double vv) = Residual(rotation, i);
            squares[i] = uu * ru * ru + 2 * uv * ru * rv + vv * rv * rv;
        }
        noise = noise.Step(squares, radius, weights);
        Array.Clear(sums);
        Span<double> u = stackalloc double[3], v = stackalloc double[3];
        for (int i = 0; i < pairs.Count; i++)
        {
            if (weights[i] == 0) continue;
            Vector3d a = Seen(rotation, i);
            double x = a.X / a.Z, y = a.Y / a.Z, fx = pairs.Target.FocalX, fy = pairs.Target.FocalY;
            (u[0], u[1], u[2]) = (-fx * x * y, fx * (1 + x * x), -fx * y);
            (v[0], v[1], v[2]) = (-fy * (1 + y * y), fy * x * y, fy * x);
            (double ru, double rv, double uu, double uv, double vv) = Residual(rotation, i);
            for (int j = 0, at = 0; j < 3; j++)
            {
                double wu = weights[i] * (uu * u[j] + uv * v[j]), wv = weights[i] * (uv * u[j] + vv * v[j]);
                for (int k = j; k < 3; k++) sums[at++] += wu * u[k] + wv * v[k];
                sums[6 + j] += wu * ru + wv * rv;
            }
        }
        return noise;
    }

    // With the distance over √(1 + m), m how much the rotation magnifies areas, near enough for samples.
    private double Roughly(in RigidPose rotation, int i)
    {
        Vector3d a = Seen(rotation, i);
        if (!(a.Z > 0)) return double.PositiveInfinity;
        double u = pairs.Target.FocalX * (a.X / a.Z - pairs.TargetX[i]), v = pairs.Target.FocalY * (a.Y / a.Z - pairs.TargetY[i]);
        return (u * u + v * v) / (1 + pairs.Target.FocalX * pairs.Target.FocalY / (pairs.Source.FocalX * pairs.Source.FocalY * a.Z * a.Z * a.Z));
    }

    // Difference in the target, pixels, and (I + JJᵀ)⁻¹.
    private (double U, double V, double UU, double UV, double VV) Residual(in RigidPose r, int i)
    {
        Vector3d a = Seen(r, i);
        double x = a.X / a.Z, y = a.Y / a.Z, fx = pairs.Target.FocalX, fy = pairs.Target.FocalY, gx = a.Z * pairs.Source.FocalX, gy = a.Z * pairs.Source.FocalY;
        double ux = fx * (r.R11 - x * r.R31) / gx, uy = fx * (r.R12 - x * r.R32) / gy, vx = fy * (r.R21 - y * r.R31) / gx, vy = fy * (r.R22 - y * r.R32) / gy;
        double uu = 1 + ux * ux + uy * uy, vv = 1 + vx * vx + vy * vy, uv = ux * vx + uy * vy, determinant = uu * vv - uv * uv;
        return (fx * (x - pairs.TargetX[i]), fy * (y - pairs.TargetY[i]), vv / determinant, -uv / determinant, uu / determinant);
    }

    private Vector3d Seen(in RigidPose rotation, int i) => TwoViewGeometry.Rotate(rotation, new Vector3d(pairs.SourceX[i], pairs.SourceY[i], 1));

    private static bool TryAlign(Vector3d a, Vector3d b, Vector3d c, Vector3d d, out RigidPose rotation)
    {
        rotation = default;
        Vector3d ab = a.Cross(b), cd = c.Cross(d);
        if (!(ab.SquaredLength > SmallestSine && cd.SquaredLength > SmallestSine)) return false;
        // Both pairs' bisectors and normals onto one another.
        Vector3d s0 = Unit(a + b), s2 = Unit(ab), s1 = s2.Cross(s0), t0 = Unit(c + d), t2 = Unit(cd), t1 = t2.Cross(t0);
        rotation = new RigidPose(
            t0.X * s0.X + t1.X * s1.X + t2.X * s2.X, t0.X * s0.Y + t1.X * s1.Y + t2.X * s2.Y, t0.X * s0.Z + t1.X * s1.Z + t2.X * s2.Z, 0,
            t0.Y * s0.X + t1.Y * s1.X + t2.Y * s2.X, t0.Y * s0.Y + t1.Y * s1.Y + t2.Y * s2.Y, t0.Y * s0.Z + t1.Y * s1.Z + t2.Y * s2.Z, 0,
            t0.Z * s0.X + t1.Z * s1.X + t2.Z * s2.X, t0.Z * s0.Y + t1.Z * s1.Y + t2.Z * s2.Y, t0.Z * s0.Z + t1.Z * s1.Z + t2.Z * s2.Z, 0);
        return true;

        static Vector3d Unit(Vector3d v) => (1 / Math.Sqrt(v.SquaredLength)) * v;
    }
}
