using CorrMesh.TestKit;
using CorrMesh.Vision.Images;
using SkiaSharp;
using Xunit;

namespace CorrMesh.Vision.Tests.Images;

public sealed class ImageDecoderTests
{
    // Goal: lossless formats give the stored bytes, with no colour management on the way. Tolerance: none.
    [Theory]
    [InlineData(1, 1)]
    [InlineData(37, 5)]
    [InlineData(64, 129)]
    public void Decode_LosslessFormats_GiveStoredBytes(int width, int height)
    {
        var image = Pictures.Noise(width, height, seed: width);
        foreach (byte[] file in new[]
                 {
                     PngBuilder.Build(width, height, PngBuilder.Rgb, 8, image.Pixels), PngEncoder.Encode(image), Pictures.Bmp(image),
                     Pictures.Encode(image, SKEncodedImageFormat.Webp, 100),
                 })
        {
            var decoded = ImageDecoder.Decode(file);
            Assert.Equal((width, height), (decoded.Width, decoded.Height));
            Assert.Equal(image.Pixels, decoded.Pixels);
        }
    }

    // A gamma of 1.0 and wide-gamut primaries would move every value, were they honoured.
    [Fact]
    public void Decode_PngWithGammaAndPrimaries_KeepsStoredBytes()
    {
        var image = Pictures.Noise(9, 7);
        byte[] primaries = [.. new[] { 31270, 32900, 70800, 29200, 17000, 79700, 13100, 4600 }.SelectMany(v => BitConverter.GetBytes(v).Reverse())];
        byte[] file = PngBuilder.Build(9, 7, PngBuilder.Rgb, 8, image.Pixels, ("gAMA", [0, 1, 0x86, 0xA0]), ("cHRM", primaries));
        Assert.Equal(image.Pixels, ImageDecoder.Decode(file).Pixels);
    }

    [Fact]
    public void Decode_GreyAndGreyAlphaPng_RepeatsGrey()
    {
        byte[] grey = [0, 1, 127, 128, 254, 255];
        byte[] expected = [.. grey.SelectMany(g => new[] { g, g, g })];
        Assert.Equal(expected, ImageDecoder.Decode(PngBuilder.Build(3, 2, PngBuilder.Grey, 8, grey)).Pixels);
        byte[] greyAlpha = [.. grey.SelectMany((g, i) => new[] { g, (byte)(i * 50) })];
        Assert.Equal(expected, ImageDecoder.Decode(PngBuilder.Build(3, 2, PngBuilder.GreyAlpha, 8, greyAlpha)).Pixels);
        Assert.Equal([255, 255, 255, 0, 0, 0], ImageDecoder.Decode(PngBuilder.Build(2, 1, PngBuilder.Grey, 1, [0x80])).Pixels);
    }

    // Alpha is dropped, not blended: PIL's convert('RGB') and OpenCV keep the colour of transparent pixels.
    [Fact]
    public void Decode_RgbaPng_DropsAlphaAndKeepsColour()
    {
        byte[] rgba = [200, 100, 50, 0, 10, 20, 30, 1, 250, 251, 252, 128, 1, 2, 3, 255];
        var decoded = ImageDecoder.Decode(PngBuilder.Build(4, 1, PngBuilder.Rgba, 8, rgba));
        Assert.Equal([200, 100, 50, 10, 20, 30, 250, 251, 252, 1, 2, 3], decoded.Pixels);
    }

    [Fact]
    public void Decode_PalettePng_LooksColoursUp()
    {
        (string, byte[]) palette = ("PLTE", [10, 20, 30, 200, 100, 0, 7, 8, 9]), transparency = ("tRNS", [255, 0]);
        Assert.Equal([7, 8, 9, 200, 100, 0, 10, 20, 30], ImageDecoder.Decode(PngBuilder.Build(3, 1, PngBuilder.Palette, 8, [2, 1, 0], palette)).Pixels);
        Assert.Equal([200, 100, 0], ImageDecoder.Decode(PngBuilder.Build(1, 1, PngBuilder.Palette, 8, [1], palette, transparency)).Pixels);
    }

    // The high byte, as libpng's strip_16 (OpenCV) and PIL give it; rounding would turn 0x7FFF into 0x80.
    [Fact]
    public void Decode_SixteenBitPng_KeepsHighByte()
    {
        byte[] samples = [0x00, 0xFF, 0x7F, 0xFF, 0x80, 0x00, 0xFE, 0xFF, 0xFF, 0x00, 0x12, 0x80];
        byte[] expected = [0x00, 0x7F, 0x80, 0xFE, 0xFF, 0x12];
        Assert.Equal(expected, ImageDecoder.Decode(PngBuilder.Build(2, 1, PngBuilder.Rgb, 16, samples)).Pixels);
        byte[] withAlpha = [0x12, 0x34, 0x56, 0xF8, 0x9A, 0xBC, 0x00, 0x40];
        Assert.Equal([0x12, 0x56, 0x9A], ImageDecoder.Decode(PngBuilder.Build(1, 1, PngBuilder.Rgba, 16, withAlpha)).Pixels);
        Assert.Equal([0xAB, 0xAB, 0xAB], ImageDecoder.Decode(PngBuilder.Build(1, 1, PngBuilder.Grey, 16, [0xAB, 0xFF])).Pixels);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Decode_GreyJpeg_BaselineAndProgressive(bool progressive)
    {
        var decoded = ImageDecoder.Decode(JpegBuilder.Build([[0, 77, 200, 255]], 2, 2, progressive));
        Assert.Equal((16, 16), (decoded.Width, decoded.Height));
        Assert.Equal([0, 0, 0], PixelAt(decoded, 3, 3));
        Assert.Equal([77, 77, 77], PixelAt(decoded, 12, 3));
        Assert.Equal([255, 255, 255], PixelAt(decoded, 15, 15));
    }

    // Adobe's transform 0 says that the three components are RGB, not YCbCr.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Decode_ColourJpeg_BaselineAndProgressive(bool progressive)
    {
        byte[] file = JpegBuilder.Build([[200, 10], [100, 20], [50, 30]], 2, 1, progressive, adobeTransform: 0);
        var decoded = ImageDecoder.Decode(file);
        Assert.Equal([200, 100, 50], PixelAt(decoded, 4, 4));
        Assert.Equal([10, 20, 30], PixelAt(decoded, 12, 4));
        byte[] yCbCr = JpegBuilder.Build([[100], [128], [228]], 1, 1, progressive);   // R = Y + 1.402 (Cr - 128)
        byte[] rgb = PixelAt(ImageDecoder.Decode(yCbCr), 0, 0);
        Assert.InRange(rgb[0], 239, 241);
        Assert.InRange(rgb[1], 28, 30);   // G = Y - 0.714 (Cr - 128)
        Assert.Equal(100, rgb[2]);
    }

    // Goal: Adobe CMYK (stored inverted: 255 = no ink) is R = C' K' / 255 and so on. Tolerance: one level of rounding.
    [Fact]
    public void Decode_AdobeCmykJpeg_MultipliesInks()
    {
        byte[] file = JpegBuilder.Build([[255, 100, 0], [255, 200, 128], [255, 50, 255], [255, 128, 255]], 3, 1, adobeTransform: 0);
        var decoded = ImageDecoder.Decode(file);
        AssertNear([255, 255, 255], PixelAt(decoded, 4, 4));
        AssertNear([50, 100, 25], PixelAt(decoded, 12, 4));
        AssertNear([0, 128, 255], PixelAt(decoded, 20, 4));
    }

    // YCCK: the first three components are YCbCr of the inks' complement, which libjpeg turns into stored CMY.
    [Fact]
    public void Decode_AdobeYcckJpeg_NeutralInkIsGrey()
    {
        byte[] file = JpegBuilder.Build([[100], [128], [128], [255]], 1, 1, adobeTransform: 2);
        AssertNear([155, 155, 155], PixelAt(ImageDecoder.Decode(file), 4, 4));
    }

    [Fact]
    public void Decode_CmykJpegWithoutAdobeSegment_IsRefused()
    {
        byte[] file = JpegBuilder.Build([[255], [255], [255], [255]], 1, 1);
        var error = Assert.Throws<ImageRejectedException>(() => ImageDecoder.Decode(file));
        Assert.Equal(ImageRejection.UnsupportedColour, error.Reason);
        Assert.Contains("CMYK", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Decode_SingleFrameGif_Works() => Assert.Equal([255, 0, 0], ImageDecoder.Decode(Pictures.Gif(1)).Pixels);

    private static byte[] PixelAt(RgbImage image, int x, int y) => image.Pixels.AsSpan(((y * image.Width) + x) * 3, 3).ToArray();

    private static void AssertNear(byte[] expected, byte[] actual)
    {
        for (int i = 0; i < expected.Length; i++)
        {
            Assert.InRange(actual[i], Math.Max(0, expected[i] - 1), Math.Min(255, expected[i] + 1));
        }
    }
}
