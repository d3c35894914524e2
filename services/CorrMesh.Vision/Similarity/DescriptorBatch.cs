namespace CorrMesh.Vision.Similarity;

/// <summary>Descriptors of a call: checked once, scaled to unit length and multiplied with tokens block by block.</summary>
internal sealed class DescriptorBatch
{
    // Products of a block with all tokens: 4 MB, so a large batch costs no more memory than a small one.
    private const int BlockFloats = 1024 * 1024;

    // Products are float32 and must not overflow.
    private const double MaxNorm = 1e37;

    private readonly float[] values;
    private readonly int channels;
    private readonly bool areProducts;

    private DescriptorBatch(float[] values, int channels, double[] norms, bool areProducts)
    {
        this.values = values;
        this.channels = channels;
        this.areProducts = areProducts;
        Norms = norms;
    }

    public int Count => Norms.Length;

    /// <summary>[Count] lengths of the descriptors as given.</summary>
    public double[] Norms { get; }

    /// <param name="descriptors">[N * channels].</param>
    /// <param name="channels">Channels of the map they are compared with.</param>
    /// <exception cref="ArgumentException">Not a whole number of descriptors, or a value that is not finite.</exception>
    public static DescriptorBatch FromValues(float[] descriptors, int channels)
    {
        ArgumentNullException.ThrowIfNull(descriptors);
        if (descriptors.Length % channels != 0)
        {
            throw new ArgumentException($"descriptors: a multiple of {channels} values needed, {descriptors.Length} given", nameof(descriptors));
        }

        var norms = new double[descriptors.Length / channels];
        for (int i = 0; i < norms.Length; i++)
        {
            var descriptor = descriptors.AsSpan(i * channels, channels);
            norms[i] = Math.Sqrt(DotProducts.Precise(descriptor, descriptor));
            Require(norms[i] < MaxNorm, i);
        }

        return new DescriptorBatch(descriptors, channels, norms, areProducts: false);
    }

    /// <param name="products">[N * tokens] descriptors times tokens.</param>
    /// <param name="norms">[N] lengths of the descriptors.</param>
    /// <param name="tokens">Tokens of the map.</param>
    /// <exception cref="ArgumentException">Lengths that disagree, a negative norm, or a value that is not finite.</exception>
    public static DescriptorBatch FromProducts(float[] products, ReadOnlySpan<float> norms, int tokens)
    {
        ArgumentNullException.ThrowIfNull(products);
        if (products.LongLength != (long)norms.Length * tokens)
        {
            throw new ArgumentException($"products: {norms.Length} x {tokens} values needed, {products.LongLength} given", nameof(products));
        }

        var wide = new double[norms.Length];
        for (int i = 0; i < wide.Length; i++)
        {
            wide[i] = norms[i];
            Require(norms[i] >= 0 && norms[i] < MaxNorm, i);
            float probe = 0;
            foreach (float product in products.AsSpan(i * tokens, tokens))
            {
                probe += product * 0;   // NaN as soon as one product is NaN or infinite
            }

            Require(probe == 0, i);
        }

        return new DescriptorBatch(products, tokens, wide, areProducts: true);
    }

    /// <summary>Runs an action on each descriptor's products with the tokens of a map.</summary>
    /// <param name="tokens">[T * channels].</param>
    /// <param name="tokenCount">T.</param>
    /// <param name="maxParallelism">Threads at most; 1 keeps to the caller's.</param>
    /// <param name="action">Receives the position in the batch and the [T] products of the unit descriptor (zeros for a zero descriptor).</param>
    public void ForEach(float[] tokens, int tokenCount, int maxParallelism, ProductsAction action)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxParallelism, 1);
        int perBlock = Math.Clamp(BlockFloats / tokenCount, 4, 64);
        perBlock = Math.Clamp((Count + maxParallelism - 1) / maxParallelism, 1, perBlock);
        int blocks = (Count + perBlock - 1) / perBlock;
        if (maxParallelism == 1 || blocks <= 1)
        {
            float[] units = new float[perBlock * channels], products = new float[areProducts ? 0 : perBlock * tokenCount];
            for (int block = 0; block < blocks; block++)
            {
                RunBlock(block, perBlock, tokens, tokenCount, units, products, action);
            }

            return;
        }

        Parallel.For(
            0,
            blocks,
            new ParallelOptions { MaxDegreeOfParallelism = maxParallelism },
            () => (Units: new float[perBlock * channels], Products: new float[areProducts ? 0 : perBlock * tokenCount]),
            (block, _, scratch) =>
            {
                RunBlock(block, perBlock, tokens, tokenCount, scratch.Units, scratch.Products, action);
                return scratch;
            },
            _ => { });
    }

    private static void Require(bool holds, int index)
    {
        if (!holds)
        {
            throw new ArgumentException($"descriptors: finite values and norms below {MaxNorm:G1} needed, descriptor {index} has others");
        }
    }

    private void RunBlock(int block, int perBlock, float[] tokens, int tokenCount, float[] units, float[] products, ProductsAction action)
    {
        int first = block * perBlock, count = Math.Min(perBlock, Count - first);
        for (int i = 0; i < count; i++)
        {
            float scale = Norms[first + i] > 0 ? (float)Math.Min(1 / Norms[first + i], float.MaxValue) : 0f;
            var source = values.AsSpan((first + i) * channels, channels);
            var target = units.AsSpan(i * channels, channels);
            for (int c = 0; c < channels; c++)
            {
                target[c] = source[c] * scale;
            }
        }

        if (!areProducts)
        {
            DotProducts.Compute(units.AsSpan(0, count * channels), tokens, channels, products);
        }

        for (int i = 0; i < count; i++)
        {
            action(first + i, (areProducts ? units : products).AsSpan(i * tokenCount, tokenCount));
        }
    }

    /// <summary>Consumes one descriptor's products.</summary>
    /// <param name="index">Position in the batch.</param>
    /// <param name="products">[T] products of the unit descriptor with each token.</param>
    public delegate void ProductsAction(int index, ReadOnlySpan<float> products);
}
