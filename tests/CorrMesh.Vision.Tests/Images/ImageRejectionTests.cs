using System.Text;
using CorrMesh.TestKit;
using CorrMesh.Vision.Images;
using SkiaSharp;
using Xunit;

namespace CorrMesh.Vision.Tests.Images;

public sealed class ImageRejectionTests
{
    // Goal: the header alone decides. Method: decode a 50,000 x 50,000 file of under 1 kB and count this thread's allocated bytes.
    [Fact]
    public void Decode_HugeHeader_IsRefusedWithoutPixelMemory()
    {
        byte[] file = PngBuilder.HeaderOnly(50_000, 50_000);
        Assert.True(file.Length < 1024);
        long before = GC.GetAllocatedBytesForCurrentThread();
        var error = Assert.Throws<ImageRejectedException>(() => ImageDecoder.Decode(file));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 256 * 1024);
        Assert.Equal(ImageRejection.TooManyPixels, error.Reason);
        Assert.Equal("image: 50,000 x 50,000 = 2,500,000,000 pixels, at most 50,000,000", error.Message);
    }

    [Fact]
    public void Decode_PixelsAtAndPastTheLimit_AcceptsAndRefuses()
    {
        byte[] file = PngEncoder.Encode(Pictures.Noise(10, 7));
        Assert.Equal(10, ImageDecoder.Decode(file, new ImageLimits { MaxPixels = 70 }).Width);
        Assert.Equal(ImageRejection.TooManyPixels, Reject(file, new ImageLimits { MaxPixels = 69 }).Reason);
        Assert.Equal(ImageRejection.TooManyPixels, Assert.Throws<ImageRejectedException>(
            () => ImageDecoder.ReadHeader(file, new ImageLimits { MaxPixels = 69 })).Reason);
    }

    [Fact]
    public void Decode_BytesAtAndPastTheLimit_AcceptsAndRefuses()
    {
        byte[] file = PngEncoder.Encode(Pictures.Noise(10, 7));
        Assert.Equal(10, ImageDecoder.Decode(file, new ImageLimits { MaxEncodedBytes = file.Length }).Width);
        var error = Reject(file, new ImageLimits { MaxEncodedBytes = file.Length - 1 });
        Assert.Equal(ImageRejection.TooManyBytes, error.Reason);
        Assert.Equal($"image: {file.Length:N0} bytes, at most {file.Length - 1:N0}", error.Message);
    }

    // Goal: a large chunk that holds no pixels never reaches the codec, which would spend minutes on 32 MiB of it; pixels and small chunks do.
    [Theory]
    [InlineData("paDd")]
    [InlineData("iCCP")]
    [InlineData("fdAT")]
    public void PngWithoutLargeChunks_PaddedFile_IsTheFileWithoutThem(string type)
    {
        var picture = Pictures.Noise(30, 20);
        byte[] Padded(int bytes) => PngBuilder.Build(30, 20, PngBuilder.Rgb, 8, picture.Pixels, ("teXt", new byte[10]), (type, new byte[bytes]), ("teXt", new byte[20]));
        byte[] bare = PngBuilder.Build(30, 20, PngBuilder.Rgb, 8, picture.Pixels, ("teXt", new byte[10]), ("teXt", new byte[20]));
        Assert.Null(ContainerScan.PngWithoutLargeChunks(Padded(1 << 16)));
        Assert.Equal(bare, ContainerScan.PngWithoutLargeChunks(Padded((1 << 16) + 1)));
        Assert.Equal(picture.Pixels, ImageDecoder.Decode(Padded(1 << 20)).Pixels);
        Assert.Null(ContainerScan.PngWithoutLargeChunks(PngEncoder.Encode(Pictures.Noise(300, 200))));   // 180 kB of pixels
        Assert.Contains(Reject(Padded(1 << 20)[..5000]).Reason, new[] { ImageRejection.Truncated, ImageRejection.Corrupt });
    }

    [Fact]
    public void Decode_NoBytes_IsRefused() => Assert.Equal(ImageRejection.Empty, Reject([]).Reason);

    [Theory]
    [InlineData(SKEncodedImageFormat.Png)]
    [InlineData(SKEncodedImageFormat.Jpeg)]
    [InlineData(SKEncodedImageFormat.Webp)]
    [InlineData(SKEncodedImageFormat.Bmp)]
    public void Decode_HalfAFile_IsRefusedAsTruncated(SKEncodedImageFormat format)
    {
        var image = Pictures.Noise(64, 48);
        byte[] file = format == SKEncodedImageFormat.Bmp ? Pictures.Bmp(image) : Pictures.Encode(image, format, 90);
        Assert.Equal(ImageRejection.Truncated, Reject(file[..(file.Length / 2)]).Reason);
    }

    [Fact]
    public void Decode_Animations_NameTheirFrames()
    {
        var (first, second) = (Pictures.Noise(4, 3, 1), Pictures.Noise(4, 3, 2));
        byte[] webp = Pictures.AnimatedWebP(
            4, 3, Pictures.Encode(first, SKEncodedImageFormat.Webp, 100), Pictures.Encode(second, SKEncodedImageFormat.Webp, 100));
        foreach (byte[] file in new[] { Pictures.Gif(2), webp, PngBuilder.Animated(4, 3, first.Pixels, second.Pixels) })
        {
            var error = Reject(file);
            Assert.Equal(ImageRejection.Animated, error.Reason);
            Assert.Equal("image: animated image of 2 frames; send one frame", error.Message);
        }

        Assert.Equal(first.Pixels, ImageDecoder.Decode(PngBuilder.Animated(4, 3, first.Pixels)).Pixels);
    }

    [Theory]
    [InlineData("II*\0........", "TIFF")]
    [InlineData("\0\0\0\u0018ftypavif....", "AVIF")]
    [InlineData("\0\0\0\u0018ftypheic....", "HEIF")]
    [InlineData("\0\0\0\u0018ftypisom....", "video")]
    [InlineData("%PDF-1.7", "PDF")]
    [InlineData("<svg xmlns=", "SVG")]
    [InlineData("hello, world", "unknown format")]
    [InlineData("RIFF....WAVEfmt ", "unknown format")]
    [InlineData("x", "unknown format")]
    public void Decode_OtherFormat_IsRefusedByName(string start, string name)
    {
        var error = Reject(Encoding.Latin1.GetBytes(start));
        Assert.Equal(ImageRejection.UnsupportedFormat, error.Reason);
        Assert.Contains(name, error.Message, StringComparison.Ordinal);
    }

    // Goal: no prefix of a file may crash or hang, and only a prefix that still holds every pixel may decode.
    [Theory]
    [InlineData(SKEncodedImageFormat.Png)]
    [InlineData(SKEncodedImageFormat.Jpeg)]
    [InlineData(SKEncodedImageFormat.Webp)]
    public void Decode_EveryTruncation_AnswersOrRefuses(SKEncodedImageFormat format)
    {
        byte[] file = Pictures.Encode(Pictures.Noise(24, 17), format, 85);
        var whole = ImageDecoder.Decode(file);
        for (int length = 0; length < file.Length; length++)
        {
            if (AnswerOrRefusal(file[..length]) is { } decoded)
            {
                Assert.Equal(whole.Pixels, decoded.Pixels);
            }
        }
    }

    [Theory]
    [InlineData(SKEncodedImageFormat.Png)]
    [InlineData(SKEncodedImageFormat.Jpeg)]
    [InlineData(SKEncodedImageFormat.Webp)]
    [InlineData(SKEncodedImageFormat.Gif)]
    [InlineData(SKEncodedImageFormat.Bmp)]
    public void Decode_SingleByteCorruptions_AnswerOrRefuse(SKEncodedImageFormat format)
    {
        var image = Pictures.Noise(24, 17);
        byte[] file = format switch
        {
            SKEncodedImageFormat.Gif => Pictures.Gif(1),
            SKEncodedImageFormat.Bmp => Pictures.Bmp(image),
            _ => Pictures.Encode(image, format, 85),
        };
        var random = new Random((int)format);
        var limits = new ImageLimits { MaxPixels = 1_000_000 };   // a corrupted size may be large and still allowed
        for (int trial = 0; trial < 2000; trial++)
        {
            byte[] damaged = [.. file];
            damaged[random.Next(file.Length)] ^= (byte)random.Next(1, 256);
            AnswerOrRefusal(damaged, limits);
        }
    }

    private static RgbImage? AnswerOrRefusal(byte[] file, ImageLimits? limits = null)
    {
        try
        {
            return ImageDecoder.Decode(file, limits);
        }
        catch (ImageRejectedException)
        {
            return null;
        }
    }

    private static ImageRejectedException Reject(byte[] file, ImageLimits? limits = null) =>
        Assert.Throws<ImageRejectedException>(() => ImageDecoder.Decode(file, limits));
}
