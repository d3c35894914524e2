namespace CorrMesh.Vision.Features;

/// <summary>From an image to the network's input and its token grid: sizes only.</summary>
/// <param name="ImageWidth">Original image, pixels.</param>
/// <param name="ImageHeight">Original image, pixels.</param>
/// <param name="InputWidth">Network input, pixels; a multiple of the patch size.</param>
/// <param name="InputHeight">Network input, pixels; a multiple of the patch size.</param>
/// <param name="PatchSize">Side of a patch, pixels.</param>
/// <param name="PatchStride">Step between patches, pixels: the patch size, or less for finer grids (the paper's tracking: 7).</param>
public readonly record struct InputGeometry(int ImageWidth, int ImageHeight, int InputWidth, int InputHeight, int PatchSize, int PatchStride)
{
    // The paper's "downsample factor": one token stands for 8 pixels of the image scaled to its target size.
    private const int PixelsPerToken = 8;

    /// <summary>Columns of the token grid.</summary>
    public int Columns => 1 + (InputWidth - PatchSize) / PatchStride;

    /// <summary>Rows of the token grid.</summary>
    public int Rows => 1 + (InputHeight - PatchSize) / PatchStride;

    /// <summary>Where token columns lie in the original image.</summary>
    public TokenAxis X => Axis(Columns, InputWidth, ImageWidth);

    /// <summary>Where token rows lie in the original image.</summary>
    public TokenAxis Y => Axis(Rows, InputHeight, ImageHeight);

    /// <summary>The paper's resize policy by tokens: the long side gets <paramref name="tokens"/> patches; see <see cref="ForTargetResolution"/>.</summary>
    /// <param name="imageWidth">Original image, pixels.</param>
    /// <param name="imageHeight">Original image, pixels.</param>
    /// <param name="tokens">Patches along the long side; the paper's 640 px are 80.</param>
    /// <param name="patchSize">Side of a patch.</param>
    /// <param name="patchStride">Step between patches; 0 for the patch size. A finer step gives more tokens on the same input.</param>
    /// <exception cref="ArgumentException">A number is below 1, or the image is so long and thin that its short side is under one patch.</exception>
    public static InputGeometry ForTokens(int imageWidth, int imageHeight, int tokens, int patchSize = 14, int patchStride = 0) =>
        tokens is >= 1 and <= 1 << 20
            ? ForTargetResolution(imageWidth, imageHeight, tokens * PixelsPerToken, patchSize, patchStride)
            : throw new ArgumentException($"tokens: 1 to {1 << 20} needed, {tokens} given", nameof(tokens));

    /// <summary>The paper's resize policy: the long side is scaled to a target size, the short one with it, and every 8 whole pixels of each become a patch.</summary>
    /// <remarks>The short side is truncated twice, so the aspect ratio is kept only approximately. A square image takes the landscape rule.</remarks>
    /// <inheritdoc cref="ForTokens" path="/param"/>
    /// <param name="targetResolution">Length of the long side, pixels; the paper's is 640.</param>
    /// <exception cref="ArgumentException">A number is below 1, or the image is so long and thin that its short side is under one patch.</exception>
    public static InputGeometry ForTargetResolution(int imageWidth, int imageHeight, int targetResolution, int patchSize = 14, int patchStride = 0)
    {
        RequireImage(imageWidth, imageHeight);
        int longSide = Math.Max(imageWidth, imageHeight), shortSide = Math.Min(imageWidth, imageHeight);
        int longTokens = targetResolution / PixelsPerToken;
        int shortTokens = (int)((long)shortSide * targetResolution / longSide) / PixelsPerToken;
        if (shortTokens < 1)
            throw new ArgumentException($"image: at {targetResolution} px on the long side the short one needs at least {PixelsPerToken} px, {imageWidth} x {imageHeight} given", nameof(imageWidth));
        bool isPortrait = imageHeight > imageWidth;
        int columns = isPortrait ? shortTokens : longTokens, rows = isPortrait ? longTokens : shortTokens;
        return Create(imageWidth, imageHeight, columns * patchSize, rows * patchSize, patchSize, patchStride);
    }

    /// <summary>The image as it is, without resizing.</summary>
    /// <exception cref="ArgumentException">A side is not a multiple of the patch size.</exception>
    public static InputGeometry Native(int imageWidth, int imageHeight, int patchSize = 14, int patchStride = 0)
    {
        RequireImage(imageWidth, imageHeight);
        if (imageWidth % patchSize != 0 || imageHeight % patchSize != 0)
            throw new ArgumentException($"image: sides that are multiples of {patchSize} needed, {imageWidth} x {imageHeight} given", nameof(imageWidth));
        return Create(imageWidth, imageHeight, imageWidth, imageHeight, patchSize, patchStride);
    }

    private static InputGeometry Create(int imageWidth, int imageHeight, int inputWidth, int inputHeight, int patchSize, int patchStride)
    {
        int stride = patchStride == 0 ? patchSize : patchStride;
        return stride >= 1 && stride <= patchSize
            ? new InputGeometry(imageWidth, imageHeight, inputWidth, inputHeight, patchSize, stride)
            : throw new ArgumentException($"patch_stride: 1 to {patchSize} needed, {patchStride} given", nameof(patchStride));
    }

    private static void RequireImage(int width, int height)
    {
        if (width < 1 || height < 1) throw new ArgumentException($"image: sides of at least 1 pixel needed, {width} x {height} given");
    }

    private TokenAxis Axis(int count, int input, int image) =>
        new(count, (float)(input / ((double)image * PatchStride)), -(PatchSize / 2f) / PatchStride);
}
