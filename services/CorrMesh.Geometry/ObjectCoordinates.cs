namespace CorrMesh.Geometry;

/// <summary>Pixels with depth, lifted into the frame of the object they show.</summary>
public static class ObjectCoordinates
{
    /// <summary>Object coordinates of keypoints on a depth image.</summary>
    /// <remarks>
    /// x_object = R⁻¹ (d · K⁻¹ [u, v, 1] - t). The depth d is read at the keypoint rounded half to even, while the ray goes through the
    /// unrounded keypoint: the paper's public code does so, and its correspondences depend on it.
    /// </remarks>
    /// <param name="keypoints">[N * 2]: u, v in pixels, origin at the centre of the top-left pixel.</param>
    /// <param name="depth">[height * width], along the optical axis; the unit of the result.</param>
    /// <param name="width">Columns of the depth image.</param>
    /// <param name="intrinsics">[9], row-major 3 x 3.</param>
    /// <param name="objectToCamera">[12] or more, the first three rows of a row-major 4-column matrix; translation in the depth's unit.</param>
    /// <returns>[N * 3] in the object frame.</returns>
    /// <exception cref="ArgumentException">A length does not fit, a matrix is singular, or a keypoint is not on the depth image.</exception>
    public static double[] FromPixels(ReadOnlySpan<double> keypoints, ReadOnlySpan<double> depth, int width, ReadOnlySpan<double> intrinsics, ReadOnlySpan<double> objectToCamera)
    {
        if (keypoints.Length % 2 != 0) throw new ArgumentException($"keypoints: two values each needed, {keypoints.Length} given", nameof(keypoints));
        if (width < 1 || depth.Length % width != 0) throw new ArgumentException($"depth: whole rows of {width} needed, {depth.Length} values given", nameof(depth));
        if (intrinsics.Length < 9) throw new ArgumentException($"intrinsics: 9 values needed, {intrinsics.Length} given", nameof(intrinsics));
        if (objectToCamera.Length < 12) throw new ArgumentException($"objectToCamera: 12 values needed, {objectToCamera.Length} given", nameof(objectToCamera));
        double[] toRay = Inverse(intrinsics[..9], nameof(intrinsics));
        ReadOnlySpan<double> m = objectToCamera;
        double[] toObject = Inverse([m[0], m[1], m[2], m[4], m[5], m[6], m[8], m[9], m[10]], nameof(objectToCamera));
        int height = depth.Length / width;
        var coordinates = new double[keypoints.Length / 2 * 3];
        for (int i = 0; i < keypoints.Length / 2; i++)
        {
            double u = keypoints[2 * i], v = keypoints[2 * i + 1];
            double column = Math.Round(u, MidpointRounding.ToEven), row = Math.Round(v, MidpointRounding.ToEven);
            if (!(column >= 0 && column < width && row >= 0 && row < height))
                throw new ArgumentException($"keypoints[{i}]: a position on {width} x {height} pixels needed, ({u}, {v}) given", nameof(keypoints));
            double d = depth[(int)row * width + (int)column];
            double x = d * (toRay[0] * u + toRay[1] * v + toRay[2]) - m[3];
            double y = d * (toRay[3] * u + toRay[4] * v + toRay[5]) - m[7];
            double z = d * (toRay[6] * u + toRay[7] * v + toRay[8]) - m[11];
            for (int axis = 0; axis < 3; axis++)
                coordinates[3 * i + axis] = toObject[3 * axis] * x + toObject[3 * axis + 1] * y + toObject[3 * axis + 2] * z;
        }
        return coordinates;
    }

    // By cofactors; 3 x 3, row-major.
    private static double[] Inverse(ReadOnlySpan<double> m, string name)
    {
        double a = m[4] * m[8] - m[5] * m[7], b = m[5] * m[6] - m[3] * m[8], c = m[3] * m[7] - m[4] * m[6];
        double determinant = m[0] * a + m[1] * b + m[2] * c;
        if (determinant == 0 || !double.IsFinite(determinant)) throw new ArgumentException($"{name}: an invertible matrix needed, determinant {determinant} given", name);
        double s = 1 / determinant;
        return
        [
            a * s, (m[2] * m[7] - m[1] * m[8]) * s, (m[1] * m[5] - m[2] * m[4]) * s,
            b * s, (m[0] * m[8] - m[2] * m[6]) * s, (m[2] * m[3] - m[0] * m[5]) * s,
            c * s, (m[1] * m[6] - m[0] * m[7]) * s, (m[0] * m[4] - m[1] * m[3]) * s,
        ];
    }
}
