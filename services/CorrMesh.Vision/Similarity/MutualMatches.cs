using System.Numerics;
using System.Runtime.CompilerServices;

namespace CorrMesh.Vision.Similarity;

/// <summary>The descriptor of a target set that is most similar to one of a source set.</summary>
/// <param name="Target">Position in the target set.</param>
/// <param name="Score">Their cosine.</param>
/// <param name="IsMutual">Whether the source is, the other way round, the most similar to that target.</param>
public readonly record struct NearestMatch(int Target, float Score, bool IsMutual);

/// <summary>Two descriptors that are each other's nearest.</summary>
/// <param name="Source">Position in the source set.</param>
/// <param name="Target">Position in the target set.</param>
/// <param name="Score">Their cosine.</param>
public readonly record struct IndexMatch(int Source, int Target, float Score);

/// <summary>Nearest neighbours of two sets of descriptors by cosine, and which of them are mutual.</summary>
/// <remarks>
/// Of equally similar descriptors the first counts as the nearest, both ways.
/// Products are made in blocks of sources; the N x M table never exists. A zero descriptor has cosine 0 with everything.
/// </remarks>
public static class MutualMatches
{
    /// <summary>Finds all mutual pairs.</summary>
    /// <param name="sources">[N * channels]; N may be 0.</param>
    /// <param name="targets">[M * channels]; M may be 0.</param>
    /// <param name="channels">Width of a descriptor, at least 1.</param>
    /// <param name="maxParallelism">Threads at most; the answer does not depend on it.</param>
    /// <returns>At most min(N, M) pairs, sources ascending.</returns>
    /// <exception cref="ArgumentException">Not a whole number of descriptors, or a value that is not finite.</exception>
    public static IndexMatch[] Find(float[] sources, float[] targets, int channels, int maxParallelism = 1)
    {
        ArgumentNullException.ThrowIfNull(targets);
        return targets.Length == 0
            ? []
            : [.. Nearest(sources, targets, channels, maxParallelism)
                .Select((match, source) => (match, source))
                .Where(pair => pair.match.IsMutual)
                .Select(pair => new IndexMatch(pair.source, pair.match.Target, pair.match.Score))];
    }

    /// <summary>Finds the nearest target of every source.</summary>
    /// <param name="sources">[N * channels]; N may be 0.</param>
    /// <param name="targets">[M * channels], M at least 1 unless N is 0.</param>
    /// <param name="channels">Width of a descriptor, at least 1.</param>
    /// <param name="maxParallelism">Threads at most; the answer does not depend on it.</param>
    /// <returns>[N] in the sources' order.</returns>
    /// <exception cref="ArgumentException">No targets, not a whole number of descriptors, or a value that is not finite.</exception>
    public static NearestMatch[] Nearest(float[] sources, float[] targets, int channels, int maxParallelism = 1)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(channels, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(maxParallelism, 1);
        var sourceBatch = DescriptorBatch.FromValues(sources, channels);
        var targetBatch = DescriptorBatch.FromValues(targets, channels);
        int n = sourceBatch.Count, m = targetBatch.Count;
        if (n == 0)
        {
            return [];
        }

        if (m == 0)
        {
            throw new ArgumentException("targets: at least 1 descriptor needed, 0 given", nameof(targets));
        }

        var inverse = new float[m];
        for (int j = 0; j < m; j++)
        {
            inverse[j] = targetBatch.Norms[j] > 0 ? (float)Math.Min(1 / targetBatch.Norms[j], float.MaxValue) : 0;
        }

        var targetOf = new int[n];
        var scoreOf = new float[n];

        // Each thread takes a run of sources and keeps its own best source of every target.
        int runs = Math.Min(maxParallelism, n);
        var best = new (float[] Score, int[] Source)[runs];
        void Scan(int run)
        {
            int from = (int)((long)n * run / runs), to = (int)((long)n * (run + 1) / runs);
            var score = new float[m];
            var source = new int[m];
            Array.Fill(score, float.NegativeInfinity);
            var part = runs == 1
                ? sourceBatch
                : DescriptorBatch.FromValues(sources.AsSpan(from * channels, (to - from) * channels).ToArray(), channels);
            float[] cosines = new float[m];
            part.ForEach(targets, m, 1, (index, products) =>
            {
                Update(products, inverse, from + index, cosines, score, source);
                int nearest = CellBounds.IndexOfMax(cosines);
                (targetOf[from + index], scoreOf[from + index]) = (nearest, cosines[nearest]);
            });
            best[run] = (score, source);
        }

        if (runs == 1)
        {
            Scan(0);
        }
        else
        {
            Parallel.For(0, runs, new ParallelOptions { MaxDegreeOfParallelism = runs }, Scan);
        }

        return Judge(best, targetOf, scoreOf);
    }

    private static NearestMatch[] Judge((float[] Score, int[] Source)[] best, int[] targetOf, float[] scoreOf)
    {
        var (score, source) = best[0];
        for (int run = 1; run < best.Length; run++)
        {
            for (int j = 0; j < score.Length; j++)
            {
                if (best[run].Score[j] > score[j])   // runs are in source order: on ties the earlier stays
                {
                    (score[j], source[j]) = (best[run].Score[j], best[run].Source[j]);
                }
            }
        }

        return [.. targetOf.Select((target, i) => new NearestMatch(target, scoreOf[i], source[target] == i))];
    }

    /// <summary>Scales one row of products to cosines and lets it compete for every target.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Update(ReadOnlySpan<float> products, float[] inverse, int source, float[] cosines, float[] bestScore, int[] bestSource)
    {
        int j = 0;
        var index = new Vector<int>(source);
        for (; j + Vector<float>.Count <= cosines.Length; j += Vector<float>.Count)
        {
            var cosine = new Vector<float>(products[j..]) * new Vector<float>(inverse, j);
            var held = new Vector<float>(bestScore, j);
            var wins = Vector.GreaterThan(cosine, held);
            cosine.CopyTo(cosines, j);
            Vector.ConditionalSelect(wins, cosine, held).CopyTo(bestScore, j);
            Vector.ConditionalSelect(wins, index, new Vector<int>(bestSource, j)).CopyTo(bestSource, j);
        }

        for (; j < cosines.Length; j++)
        {
            cosines[j] = products[j] * inverse[j];
            if (cosines[j] > bestScore[j])
            {
                (bestScore[j], bestSource[j]) = (cosines[j], source);
            }
        }
    }
}
