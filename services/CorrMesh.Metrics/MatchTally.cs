namespace CorrMesh.Metrics;

/// <summary>Counts matched points by how far off they are, as a share of the target picture's diagonal.</summary>
/// <remarks>
/// The diagonal makes pictures of different sizes comparable, as the bounding box does for PCK (Yang and Ramanan 2013).
/// A point without an answer is added with an infinite or NaN distance and counts as missed at every threshold.
/// </remarks>
public sealed class MatchTally
{
    private readonly List<double> shares = [];

    /// <summary>Points added.</summary>
    public int Count => shares.Count;

    /// <summary>Adds one point.</summary>
    /// <param name="distancePx">Distance of the answer from the truth in the target, pixels, at least 0; NaN for no answer.</param>
    /// <param name="diagonalPx">Diagonal of the target picture, pixels, above 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">A distance is negative, or a diagonal is not above 0.</exception>
    public void Add(double distancePx, double diagonalPx)
    {
        if (distancePx < 0) throw new ArgumentOutOfRangeException(nameof(distancePx), distancePx, "distancePx: at least 0, or NaN, needed");
        if (!(diagonalPx > 0) || !double.IsFinite(diagonalPx))
            throw new ArgumentOutOfRangeException(nameof(diagonalPx), diagonalPx, "diagonalPx: a finite length above 0 needed");
        shares.Add(distancePx / diagonalPx);
    }

    /// <summary>The fraction of points at most this share of a diagonal away, 0..1; NaN when no point was added.</summary>
    public double FractionWithin(double share) => shares.Count == 0 ? double.NaN : shares.Count(value => value <= share) / (double)shares.Count;

    /// <summary>Adds every point of another tally.</summary>
    public void AddAll(MatchTally other) => shares.AddRange(other.shares);
}
