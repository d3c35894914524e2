using System.Globalization;
using Xunit;

namespace CorrMesh.TestKit;

/// <summary>Compares arrays with expected ones and keeps the largest error per family, for the table that a test prints.</summary>
public sealed class ArrayComparison(string family)
{
    private readonly SortedDictionary<string, (double Error, double Share, string Where, int Count)> rows = new(StringComparer.Ordinal);

    /// <summary>Asserts |actual - expected| &lt;= absolute + relative * |expected| for every element.</summary>
    /// <param name="quantity">Row of the table: what is compared.</param>
    /// <param name="where">Which case; named by the table and by a failure.</param>
    public void Check(string quantity, string where, ReadOnlySpan<float> expected, ReadOnlySpan<float> actual, double absolute, double relative = 0)
    {
        Assert.True(expected.Length == actual.Length, $"{quantity} of {where}: {expected.Length} values expected, {actual.Length} given");
        double worst = 0, worstShare = 0;
        for (int i = 0; i < expected.Length; i++)
        {
            double error = Math.Abs((double)actual[i] - expected[i]);
            double share = error / (absolute + relative * Math.Abs(expected[i]));
            // Written so that a NaN fails too.
            Assert.True(share <= 1, $"{quantity} of {where}, element {i}: {expected[i]} expected, {actual[i]} given, tolerance {absolute} + {relative} * |x|");
            worst = Math.Max(worst, error);
            worstShare = Math.Max(worstShare, share);
        }
        Note(quantity, where, worst, worstShare);
    }

    /// <summary>Adds a measured error that the test has judged itself.</summary>
    public void Note(string quantity, string where, double error, double shareOfTolerance)
    {
        rows.TryGetValue(quantity, out var row);
        rows[quantity] = error >= row.Error ? (error, Math.Max(shareOfTolerance, row.Share), where, row.Count + 1) : row with { Count = row.Count + 1, Share = Math.Max(shareOfTolerance, row.Share) };
    }

    /// <summary>Prints one line per quantity: comparisons, largest absolute error, largest share of its tolerance, where. Fails when nothing was compared.</summary>
    public void Print()
    {
        Assert.NotEmpty(rows);
        foreach ((string quantity, var row) in rows)
        {
            string line = string.Create(CultureInfo.InvariantCulture,
                $"PARITY {family,-18} {quantity,-34} compared {row.Count,3}  largest error {row.Error:0.0e+00}  {row.Share,6:0.0%} of tolerance  {row.Where}");
            TestContext.Current.TestOutputHelper?.WriteLine(line);
            TestContext.Current.SendDiagnosticMessage(line);
        }
    }
}
