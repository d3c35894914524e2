namespace CorrMesh.Vision.Similarity;

/// <summary>The pixel of a target image that is most similar to a descriptor: exact, without visiting every pixel.</summary>
/// <remarks>
/// <para>The score is that of <see cref="TokenGram"/>; the answer is its largest value over all pixel centres, the first in
/// row-major order on ties. Another position may be given only when its score is within 1e-5 of the largest.</para>
/// <para>Cells between tokens are bounded from above, the best few are searched first, and only cells that could still win
/// are searched after them; inside, part by part in the same way, and along a row of pixels by <see cref="LineForm.Turn"/>.
/// A zero descriptor scores 0 everywhere and is found at (0, 0).</para>
/// </remarks>
public static class BestPosition
{
    /// <summary>Searches the target for each descriptor.</summary>
    /// <param name="target">The prepared target map.</param>
    /// <param name="descriptors">[N * C], any length; N may be 0.</param>
    /// <param name="maxParallelism">Threads at most; the answer does not depend on it.</param>
    /// <returns>[N] positions, in order.</returns>
    /// <exception cref="ArgumentException">Not a whole number of descriptors, or a value that is not finite.</exception>
    public static PixelMatch[] Find(TokenGram target, float[] descriptors, int maxParallelism = 1)
    {
        ArgumentNullException.ThrowIfNull(target);
        return Find(target, DescriptorBatch.FromValues(descriptors, target.Map.Channels), maxParallelism);
    }

    /// <summary>The same from products that were computed elsewhere.</summary>
    /// <param name="target">The prepared target map.</param>
    /// <param name="products">[N * T] each descriptor times each token, tokens in row-major order.</param>
    /// <param name="descriptorNorms">[N] lengths of the descriptors that were multiplied.</param>
    /// <param name="maxParallelism">Threads at most.</param>
    /// <returns>[N] positions, in order.</returns>
    /// <exception cref="ArgumentException">Lengths that disagree, or a value that is not finite.</exception>
    public static PixelMatch[] FindFromProducts(
        TokenGram target, float[] products, ReadOnlySpan<float> descriptorNorms, int maxParallelism = 1)
    {
        ArgumentNullException.ThrowIfNull(target);
        return Find(target, DescriptorBatch.FromProducts(products, descriptorNorms, target.Map.TokenCount), maxParallelism);
    }

    private static PixelMatch[] Find(TokenGram target, DescriptorBatch batch, int maxParallelism)
    {
        var answers = new PixelMatch[batch.Count];
        batch.ForEach(target.Map.Values, target.Map.TokenCount, maxParallelism, (index, products) =>
            answers[index] = batch.Norms[index] > 0
                ? new PixelSearch(target, target.Columns, target.Rows, products, batch.Norms[index]).Run()!.Value
                : default);
        return answers;
    }
}
