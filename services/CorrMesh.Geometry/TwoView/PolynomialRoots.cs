namespace CorrMesh.Geometry.TwoView;

/// <summary>Real roots of polynomials.</summary>
internal static class PolynomialRoots
{
    private const int MaxSteps = 60;

    /// <summary>All real roots at which the sign changes, in no order. A root between two extrema is bracketed by them, so none is missed and none found twice.</summary>
    /// <param name="coefficients">[n + 1], ascending powers, n at most 10.</param>
    /// <param name="roots">[n].</param>
    public static int Find(ReadOnlySpan<double> coefficients, Span<double> roots)
    {
        int length = coefficients.Length, count = FindInUnit(coefficients, roots);
        // Beyond ±1 those of the reversed polynomial, inverted.
        Span<double> reversed = stackalloc double[length], large = stackalloc double[length - 1];
        for (int i = 0; i < length; i++) reversed[i] = coefficients[length - 1 - i];
        int more = FindInUnit(reversed, large);
        for (int i = 0; i < more && count < roots.Length; i++)
            if (Math.Abs(large[i]) is > 0 and < 1) roots[count++] = 1 / large[i];
        return count;
    }

    // Roots in [-1, 1]: of the derivative of order n - 1 first, then of each lower one between those of the one before.
    private static int FindInUnit(ReadOnlySpan<double> coefficients, Span<double> roots)
    {
        int degree = coefficients.Length - 1, count = 0;
        Span<double> c = stackalloc double[degree + 1], extrema = stackalloc double[degree + 2];
        for (int order = degree - 1; order >= 0; order--)
        {
            int n = degree - order;
            for (int i = 0; i <= n; i++)
            {
                double value = coefficients[i + order];
                for (int k = 1; k <= order; k++) value *= i + k;
                c[i] = value;
            }
            ReadOnlySpan<double> p = c[..(n + 1)];
            extrema[0] = -1;
            roots[..count].CopyTo(extrema[1..]);
            extrema[count + 1] = 1;
            int brackets = count + 1;
            count = 0;
            double low = extrema[0], atLow = Evaluate(p, low);
            for (int i = 1; i <= brackets; i++)
            {
                double high = extrema[i], atHigh = Evaluate(p, high);
                if (atLow < 0 != atHigh < 0 && count < n) roots[count++] = Bracketed(p, low, high, atLow < 0);
                (low, atLow) = (high, atHigh);
            }
        }
        return count;
    }

    // Newton's method; bisection where it leaves the bracket.
    private static double Bracketed(ReadOnlySpan<double> p, double low, double high, bool isRising)
    {
        double x = (low + high) / 2;
        for (int step = 0; step < MaxSteps; step++)
        {
            double value = p[^1], slope = 0;
            for (int i = p.Length - 2; i >= 0; i--)
            {
                slope = slope * x + value;
                value = value * x + p[i];
            }
            if (value < 0 == isRising) low = x;
            else high = x;
            double next = x - value / slope;
            if (!(next > low && next < high)) next = (low + high) / 2;
            double moved = Math.Abs(next - x);
            x = next;
            if (moved <= 1e-15 * Math.Max(Math.Abs(x), 1e-3)) break;
        }
        return x;
    }

    private static double Evaluate(ReadOnlySpan<double> p, double x)
    {
        double value = p[^1];
        for (int i = p.Length - 2; i >= 0; i--) value = value * x + p[i];
        return value;
    }
}
