using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace CorrMesh.Geometry.Pnp;

/// <summary>Squared residuals r² as a mixture: Gaussian noise in both axes (so r² / 2σ² is exponential) and outliers that are uniform in the disc of radius T; with one dimension, across a line and in the strip.</summary>
/// <param name="Variance">σ², pixels², of one axis.</param>
/// <param name="Share">Of the Gaussian part among the points inside the disc.</param>
/// <param name="Dimensions">Of a residual, 1 or 2.</param>
/// <param name="FittedParameters">Points fit their own pose: so many of their coordinates say nothing about noise.</param>
internal readonly record struct NoiseMixture(double Variance, double Share, int Dimensions = 2, int FittedParameters = 6)
{
    // A belief before the data, worth so many points with noise of one pixel: what few points say of their own noise is little.
    public const double BeliefCount = 2;

    private const double BeliefVariance = 1;

    private const double SmallestVariance = 1e-6;

    private const int ShareSteps = 3;

    /// <summary>Distance within which a share of 0.99 of the Gaussian part lies, pixels.</summary>
    public double Threshold => Math.Sqrt((Dimensions == 2 ? 9.21 : 6.635) * Variance);

    /// <summary>One step of expectation and maximisation.</summary>
    /// <param name="squares">[8 n] r², pixels²; those beyond the disc do not count.</param>
    /// <param name="radius">T, pixels.</param>
    /// <param name="weights">[8 n] receives each point's probability of being of the Gaussian part, over its variance; 0 beyond the disc.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public NoiseMixture Step(ReadOnlySpan<double> squares, double radius, Span<double> weights)
    {
        Vector512<double> bound = Vector512.Create(radius * radius), factor = Vector512.Create(-0.5 / Variance), inverse = Vector512.Create(1 / Variance), zero = Vector512<double>.Zero;
        // Densities in the plane: w e^(-r²/2σ²) / 2πσ² against (1 - w) / πT²; across a line: w e^(-r²/2σ²) / σ√2π against (1 - w) / 2T.
        var odds = Vector512.Create(Dimensions == 2 ? (1 - Share) / Share * 2 * Variance / (radius * radius) : (1 - Share) / Share * Math.Sqrt(Math.PI / 2 * Variance) / radius);
        Vector512<double> sum = zero, squaredSum = zero, insideSum = zero;
        for (int i = 0; i < squares.Length; i += Vector512<double>.Count)
        {
            var square = Vector512.LoadUnsafe(in squares[i]);
            var isInside = Vector512.LessThan(square, bound);
            if (isInside == zero)
            {
                zero.CopyTo(weights[i..]);
                continue;
            }
            square = Vector512.ConditionalSelect(isInside, square, zero);
            var density = Vector512.Exp(factor * square);
            var probability = Vector512.ConditionalSelect(isInside, density / (density + odds), zero);
            insideSum += Vector512.ConditionalSelect(isInside, Vector512<double>.One, zero);
            sum += probability;
            squaredSum += probability * square;
            (probability * inverse).CopyTo(weights[i..]);
        }
        double total = Vector512.Sum(sum), inside = Vector512.Sum(insideSum);
        double variance = (Vector512.Sum(squaredSum) + Dimensions * BeliefCount * BeliefVariance) / (Math.Max(0, Dimensions * total - FittedParameters) + Dimensions * BeliefCount);
        return this with { Variance = Math.Clamp(variance, SmallestVariance, radius * radius / 6), Share = inside == 0 ? 0.5 : Math.Clamp(total / inside, 0.05, 0.999) };
    }

    /// <summary>Log-likelihood of the points inside the disc against their all being outliers, the share fitted.</summary>
    /// <remarks>What lies about a projection by mistake is near misses more than points of anywhere in the picture, so it is the disc that the outliers are spread over.</remarks>
    /// <param name="squares">[8 n] r², pixels².</param>
    /// <param name="radius">T, pixels.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public double Gain(ReadOnlySpan<double> squares, double radius)
    {
        Vector512<double> bound = Vector512.Create(radius * radius), factor = Vector512.Create(-0.5 / Variance), zero = Vector512<double>.Zero, one = Vector512<double>.One;
        double odds = Dimensions == 2 ? radius * radius / (2 * Variance) : radius / Math.Sqrt(Math.PI / 2 * Variance), share = Share;
        for (int step = 0; step <= ShareSteps; step++)
        {
            Vector512<double> scaled = Vector512.Create(share * odds), rest = Vector512.Create(1 - share), sum = zero, insideSum = zero;
            for (int i = 0; i < squares.Length; i += Vector512<double>.Count)
            {
                var square = Vector512.LoadUnsafe(in squares[i]);
                var isInside = Vector512.LessThan(square, bound);
                if (isInside == zero) continue;
                var gaussian = scaled * Vector512.Exp(factor * Vector512.ConditionalSelect(isInside, square, zero));
                var term = step < ShareSteps ? gaussian / (gaussian + rest) : Vector512.Log(gaussian + rest);
                sum += Vector512.ConditionalSelect(isInside, term, zero);
                insideSum += Vector512.ConditionalSelect(isInside, one, zero);
            }
            double inside = Vector512.Sum(insideSum);
            if (inside == 0) return 0;
            if (step == ShareSteps) return Vector512.Sum(sum);
            share = Math.Clamp(Vector512.Sum(sum) / inside, 0.01, 0.999);
        }
        return 0;
    }
}
