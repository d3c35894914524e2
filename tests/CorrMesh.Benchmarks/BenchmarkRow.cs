namespace CorrMesh.Benchmarks;

/// <summary>One line of a table: ours against an anchor measured in the same run.</summary>
/// <param name="Name">What was measured.</param>
/// <param name="Unit">Of <paramref name="Ours"/>, <paramref name="Anchor"/> and <paramref name="Floor"/>; smaller is better.</param>
/// <param name="Ours">Median of the interleaved runs.</param>
/// <param name="Anchor">Median of the interleaved runs.</param>
/// <param name="Floor">What the hardware allows for the same job; null when there is no sensible figure.</param>
/// <param name="Must">Largest accepted ours / anchor; null when there is no target.</param>
/// <param name="Valid">False when the two did not give the same answer, which voids the row.</param>
/// <param name="Note">Conditions of the measurement.</param>
internal sealed record BenchmarkRow(string Name, string Unit, double Ours, double Anchor, double? Floor, double? Must, bool Valid, string Note)
{
    public double Ratio => Ours / Anchor;

    /// <summary>Whether the row is void or misses the must that it has.</summary>
    public bool Missed => !Valid || (Must is { } must && !(Ratio <= must));
}
