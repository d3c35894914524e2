using CorrMesh.TestKit;
using CorrMesh.Vision.Images;
using SkiaSharp;
using Xunit;

namespace CorrMesh.Vision.Tests.Images;

public sealed class ImageOrientationTests
{
    // The picture as people see it is A B over C D over E F (2 columns, 3 rows of 8 x 8 blocks). Each row says how a file with
    // that orientation stores it: "row 0 is the visual top, column 0 the visual left" and so on, as the EXIF standard lists them.
    [Theory]
    [InlineData(1, "AB CD EF")]
    [InlineData(2, "BA DC FE")]
    [InlineData(3, "FE DC BA")]
    [InlineData(4, "EF CD AB")]
    [InlineData(5, "ACE BDF")]
    [InlineData(6, "BDF ACE")]
    [InlineData(7, "FDB ECA")]
    [InlineData(8, "ECA FDB")]
    public void Decode_ExifOrientation_ShowsThePictureUpright(int orientation, string stored)
    {
        string[] rows = stored.Split(' ');
        byte[] blocks = [.. rows.SelectMany(row => row.Select(Level))];
        byte[] grey = [.. blocks];
        byte[] jpeg = JpegBuilder.WithOrientation(JpegBuilder.Build([grey], rows[0].Length, rows.Length), orientation);

        var header = ImageDecoder.ReadHeader(jpeg);
        Assert.Equal((16, 24, orientation), (header.Width, header.Height, header.Orientation));
        var image = ImageDecoder.Decode(jpeg);
        Assert.Equal((16, 24), (image.Width, image.Height));
        for (int y = 0; y < 24; y++)
        {
            for (int x = 0; x < 16; x++)
            {
                Assert.Equal(Level("ABCDEF"[(y / 8 * 2) + (x / 8)]), image.Pixels[((y * 16) + x) * 3]);
            }
        }
    }

    [Fact]
    public void Decode_PngAndWebPWithExif_AreTurnedToo()
    {
        var stored = Pictures.Noise(3, 2);
        byte[] exif = JpegBuilder.ExifOrientation(6);
        byte[] png = PngBuilder.Build(3, 2, PngBuilder.Rgb, 8, stored.Pixels, ("eXIf", exif));
        byte[] webp = Pictures.WebPWithExif(3, 2, Pictures.Encode(stored, SKEncodedImageFormat.Webp, 100), exif);
        foreach (byte[] file in new[] { webp, png })
        {
            var image = ImageDecoder.Decode(file);
            Assert.Equal((2, 3), (image.Width, image.Height));

            // Orientation 6: stored row 0 is the visual right side, so its first pixel is the top right one.
            Assert.Equal(stored.Pixels.AsSpan(0, 3), image.Pixels.AsSpan(3, 3));
            Assert.Equal(stored.Pixels.AsSpan(9, 3), image.Pixels.AsSpan(0, 3));
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(9)]
    public void Decode_OrientationOutsideTheStandard_IsIgnored(int orientation)
    {
        byte[] jpeg = JpegBuilder.WithOrientation(JpegBuilder.Build([[10, 20]], 2, 1), orientation);
        var image = ImageDecoder.Decode(jpeg);
        Assert.Equal((16, 8, (byte)10), (image.Width, image.Height, image.Pixels[0]));
    }

    private static byte Level(char block) => (byte)((block - 'A') * 40);
}
