namespace CorrMesh.Geometry;

/// <summary>Unit of a translation.</summary>
public enum LengthUnit
{
    Metre,
    Centimetre,
    Millimetre,
}

/// <summary>How far an estimated pose is from the true one, as the paper's one-shot pose evaluation measures it.</summary>
/// <param name="AngleDegrees">Angle of the relative rotation; NaN when the matrices are so far from rotations that its cosine is below -1.</param>
/// <param name="TranslationCentimetres">Distance of the translations.</param>
public readonly record struct PoseError(double AngleDegrees, double TranslationCentimetres)
{
    /// <summary>Compares two object-to-camera poses.</summary>
    /// <remarks>The angle follows from the trace, which is limited to 3 from above only, as in the public code. Near zero, rounding leaves about 1e-6 degrees.</remarks>
    /// <param name="estimated">[12] or more: the first three rows of a row-major 4-column matrix.</param>
    /// <param name="truth">The same layout.</param>
    /// <param name="unit">Unit of both translations.</param>
    /// <exception cref="ArgumentException">A pose has fewer than 12 values.</exception>
    public static PoseError Between(ReadOnlySpan<double> estimated, ReadOnlySpan<double> truth, LengthUnit unit = LengthUnit.Metre)
    {
        if (estimated.Length < 12 || truth.Length < 12) throw new ArgumentException($"pose: 12 values needed, {Math.Min(estimated.Length, truth.Length)} given", nameof(estimated));
        double trace = 0, squares = 0;
        for (int row = 0; row < 3; row++)
        {
            for (int column = 0; column < 3; column++) trace += estimated[4 * row + column] * truth[4 * row + column];
            double difference = estimated[4 * row + 3] - truth[4 * row + 3];
            squares += difference * difference;
        }
        double angle = Math.Acos((Math.Min(trace, 3) - 1) / 2) * 180 / Math.PI;
        double distance = Math.Sqrt(squares);
        return new PoseError(angle, unit switch
        {
            LengthUnit.Metre => distance * 100,
            LengthUnit.Centimetre => distance,
            _ => distance / 10,
        });
    }
}
