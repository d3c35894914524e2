using CorrMesh.Geometry;

namespace CorrMesh.Metrics;

/// <summary>How far an estimated object pose is from the true one when the object's symmetries do not count: the errors of the BOP challenge.</summary>
/// <remarks>After Hodaň et al., "BOP Challenge 2020 on 6D Object Localization". Poses map object to camera.</remarks>
public static class ObjectPoseErrors
{
    /// <summary>Maximum symmetry-aware surface distance: the largest distance of a vertex, under the symmetry that makes it smallest.</summary>
    /// <param name="vertices">[3 N] of the object's mesh.</param>
    /// <param name="symmetries">At least one; see <see cref="ObjectSymmetries.Expand"/>.</param>
    /// <returns>In the unit of the vertices and translations.</returns>
    /// <exception cref="ArgumentException">No symmetry, no vertex, or coordinates that are not threes.</exception>
    public static double Mssd(RigidPose estimated, RigidPose truth, ReadOnlySpan<double> vertices, IReadOnlyList<RigidPose> symmetries)
    {
        Check(vertices, symmetries);
        double least = double.PositiveInfinity;
        foreach (RigidPose symmetry in symmetries)
        {
            RigidPose same = truth * symmetry;
            double most = 0;
            for (int i = 0; i < vertices.Length && most < least; i += 3)
            {
                (double X, double Y, double Z) v = (vertices[i], vertices[i + 1], vertices[i + 2]), a = estimated.Apply(v), b = same.Apply(v);
                most = Math.Max(most, (a.X - b.X) * (a.X - b.X) + (a.Y - b.Y) * (a.Y - b.Y) + (a.Z - b.Z) * (a.Z - b.Z));
            }
            least = Math.Min(least, most);
        }
        return Math.Sqrt(least);
    }

    /// <summary>Maximum symmetry-aware projection distance: as <see cref="Mssd"/>, of the vertices' projections.</summary>
    /// <returns>Pixels.</returns>
    /// <inheritdoc cref="Mssd"/>
    public static double Mspd(RigidPose estimated, RigidPose truth, ReadOnlySpan<double> vertices, IReadOnlyList<RigidPose> symmetries, PinholeCamera camera)
    {
        Check(vertices, symmetries);
        double least = double.PositiveInfinity;
        foreach (RigidPose symmetry in symmetries)
        {
            RigidPose same = truth * symmetry;
            double most = 0;
            for (int i = 0; i < vertices.Length && most < least; i += 3)
            {
                (double X, double Y, double Z) v = (vertices[i], vertices[i + 1], vertices[i + 2]);
                (double ax, double ay) = camera.Project(estimated.Apply(v));
                (double bx, double by) = camera.Project(same.Apply(v));
                most = Math.Max(most, (ax - bx) * (ax - bx) + (ay - by) * (ay - by));
            }
            least = Math.Min(least, most);
        }
        return Math.Sqrt(least);
    }

    /// <summary>Visible surface discrepancy: the share of the surface that either pose shows where the two disagree in distance, or only one of them shows anything.</summary>
    /// <remarks>
    /// Distances are from the camera's centre, by integer pixels. A pose's surface is visible where it is at most δ behind the scene, or the scene has no data; the estimate's also where the
    /// truth's is visible. Where both are visible they disagree when |difference| / diameter ≥ τ.
    /// </remarks>
    /// <param name="estimatedDepth">[width * height] depth of the object under the estimate, row-major; 0 for nothing there.</param>
    /// <param name="trueDepth">The same under the truth.</param>
    /// <param name="sceneDepth">What the sensor saw; 0 for no data.</param>
    /// <param name="camera">Its size is that of the images.</param>
    /// <param name="tolerance">δ, in the depths' unit (BOP: 15 mm).</param>
    /// <param name="diameter">Of the object, in the depths' unit.</param>
    /// <param name="taus">τ: shares of the diameter.</param>
    /// <returns>[taus] 0 to 1; 1 where neither pose shows anything.</returns>
    /// <exception cref="ArgumentException">An image has another size, or the diameter is not above 0.</exception>
    public static double[] Vsd(
        ReadOnlySpan<float> estimatedDepth, ReadOnlySpan<float> trueDepth, ReadOnlySpan<float> sceneDepth, PinholeCamera camera, double tolerance, double diameter, ReadOnlySpan<double> taus)
    {
        int size = camera.Width * camera.Height;
        if (estimatedDepth.Length != size || trueDepth.Length != size || sceneDepth.Length != size)
            throw new ArgumentException($"depths: {size} values needed for {camera.Width} x {camera.Height} pixels, {estimatedDepth.Length}, {trueDepth.Length} and {sceneDepth.Length} given");
        if (!(diameter > 0)) throw new ArgumentException($"diameter: above 0 needed, {diameter} given", nameof(diameter));
        int union = 0, alone = 0;
        int[] disagreeing = new int[taus.Length];
        for (int i = 0; i < size; i++)
        {
            if (estimatedDepth[i] <= 0 && trueDepth[i] <= 0) continue;
            // A ray's length per unit of depth is the same for all three.
            double x = (i % camera.Width - camera.CentreX) / camera.FocalX, y = (i / camera.Width - camera.CentreY) / camera.FocalY, ray = Math.Sqrt(x * x + y * y + 1);
            bool isTrue = IsVisible(trueDepth[i], sceneDepth[i], ray), isEstimated = IsVisible(estimatedDepth[i], sceneDepth[i], ray) || (isTrue && estimatedDepth[i] > 0);
            if (!isTrue && !isEstimated) continue;
            union++;
            if (isTrue != isEstimated)
            {
                alone++;
                continue;
            }
            double difference = Math.Abs(trueDepth[i] - (double)estimatedDepth[i]) * ray / diameter;
            for (int k = 0; k < taus.Length; k++)
                if (difference >= taus[k]) disagreeing[k]++;
        }
        return [.. disagreeing.Select(count => union == 0 ? 1 : (double)(count + alone) / union)];

        bool IsVisible(double depth, double scene, double ray) => depth > 0 && (scene <= 0 || (depth - scene) * ray <= tolerance);
    }

    private static void Check(ReadOnlySpan<double> vertices, IReadOnlyList<RigidPose> symmetries)
    {
        if (symmetries.Count == 0) throw new ArgumentException("symmetries: at least the identity needed, none given", nameof(symmetries));
        if (vertices.Length == 0 || vertices.Length % 3 != 0) throw new ArgumentException($"vertices: a multiple of 3 coordinates, at least 3, needed, {vertices.Length} given", nameof(vertices));
    }
}
