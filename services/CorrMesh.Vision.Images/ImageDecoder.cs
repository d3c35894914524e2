using System.Runtime.InteropServices;
using SkiaSharp;

namespace CorrMesh.Vision.Images;

/// <summary>Encoded pictures (PNG, JPEG, WebP, BMP, single-frame GIF) to oriented 8-bit RGB.</summary>
/// <remarks>
/// <para>The size is read from the header and checked before any pixel memory is allocated. What cannot be decoded whole is
/// refused: a truncated file gives no partial picture, an animation no arbitrary frame.</para>
/// <para>Values are those of the file, as PIL's <c>convert('RGB')</c> and OpenCV's <c>IMREAD_COLOR</c> give them: no colour
/// management (profiles and gamma chunks are ignored), alpha is dropped rather than blended, 16-bit samples keep their high
/// byte, grey is repeated. A CMYK JPEG must carry Adobe's APP14 segment, which defines its polarity. The EXIF orientation is
/// applied (JPEG, PNG and WebP), so that coordinates are those of the picture as people see it.</para>
/// </remarks>
public static class ImageDecoder
{
    /// <summary>Reads format, oriented size and orientation without decoding; applies every check that needs no pixels.</summary>
    /// <param name="encoded">The whole file.</param>
    /// <param name="limits">Bounds; <see cref="ImageLimits.Default"/> when null.</param>
    /// <exception cref="ImageRejectedException">The picture is too large, not accepted, animated or has no readable header.</exception>
    public static unsafe ImageHeader ReadHeader(ReadOnlySpan<byte> encoded, ImageLimits? limits = null)
    {
        fixed (byte* bytes = encoded)
        {
            using var codec = Open(encoded, bytes, limits ?? ImageLimits.Default, out var header);
            return header;
        }
    }

    /// <summary>Decodes the whole picture.</summary>
    /// <param name="encoded">The whole file.</param>
    /// <param name="limits">Bounds; <see cref="ImageLimits.Default"/> when null.</param>
    /// <exception cref="ImageRejectedException">The picture is too large, not accepted, animated, truncated or corrupt.</exception>
    public static unsafe RgbImage Decode(ReadOnlySpan<byte> encoded, ImageLimits? limits = null)
    {
        fixed (byte* bytes = encoded)
        {
            using var codec = Open(encoded, bytes, limits ?? ImageLimits.Default, out var header);
            int width = header.StoredWidth, height = header.StoredHeight;

            // Unpremultiplied and without a destination colour space: the stored numbers, untouched.
            var info = new SKImageInfo(width, height, SKColorType.Rgba8888, SKAlphaType.Unpremul, colorspace: null);
            void* rgba = NativeMemory.AllocZeroed((nuint)info.BytesSize64);
            try
            {
                var result = codec.GetPixels(info, (nint)rgba, info.RowBytes, SKCodecOptions.Default);
                if (result != SKCodecResult.Success)
                {
                    throw Rejected(result, header.Format, "pixels");
                }

                return PixelLayout.Orient((byte*)rgba, width, height, header.Orientation);
            }
            finally
            {
                NativeMemory.Free(rgba);
            }
        }
    }

    private static unsafe SKCodec Open(ReadOnlySpan<byte> encoded, byte* bytes, ImageLimits limits, out ImageHeader header)
    {
        limits.CheckBytes(encoded.Length);
        var format = ImageSignature.Detect(encoded);
        byte[]? smaller = format == ImageFormat.Png ? ContainerScan.PngWithoutLargeChunks(encoded) : null;
        using var data = smaller is null
            ? SKData.Create((nint)bytes, encoded.Length)   // borrowed: the caller's span stays pinned while the codec lives
            : SKData.CreateCopy(smaller);
        var codec = SKCodec.Create(data) ?? throw Rejected(SKCodecResult.InvalidInput, format, "header");
        try
        {
            var (width, height) = (codec.Info.Width, codec.Info.Height);
            limits.CheckPixels(width, height);
            var (frames, orientation) = format == ImageFormat.Png
                ? ContainerScan.Png(encoded)
                : (codec.FrameCount, Math.Clamp((int)codec.EncodedOrigin, 1, 8));   // Skia numbers origins as EXIF does
            if (frames > 1)
            {
                throw new ImageRejectedException(ImageRejection.Animated, $"image: animated image of {frames:N0} frames; send one frame");
            }

            if (format == ImageFormat.Jpeg && ContainerScan.JpegColour(encoded) is { Components: 4, Adobe: false })
            {
                throw new ImageRejectedException(
                    ImageRejection.UnsupportedColour, "image: CMYK JPEG without an Adobe segment, so its polarity is undefined; send RGB");
            }

            header = orientation >= 5
                ? new ImageHeader(format, height, width, orientation)
                : new ImageHeader(format, width, height, orientation);
            return codec;
        }
        catch
        {
            codec.Dispose();
            throw;
        }
    }

    private static ImageRejectedException Rejected(SKCodecResult result, ImageFormat format, string part) => result switch
    {
        SKCodecResult.IncompleteInput => new ImageRejectedException(ImageRejection.Truncated, $"image: {format} data ends before the picture does"),
        _ => new ImageRejectedException(ImageRejection.Corrupt, $"image: {format} {part} cannot be read ({result})"),
    };
}
