using CorrMesh.Vision.Images;
using Xunit;

namespace CorrMesh.Vision.Tests.Images;

public sealed class RawPixelsTests
{
    [Fact]
    public void ToRgb_PaddedRows_ReadsOnlyPixels()
    {
        byte[] rgb = [1, 2, 3, 4, 5, 6, 99, 99, 7, 8, 9, 10, 11, 12];   // the last row needs no padding
        Assert.Equal([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], RawPixels.ToRgb(rgb, 2, 2, 8, RawPixelFormat.Rgb8).Pixels);
        Assert.Equal([3, 2, 1, 6, 5, 4, 9, 8, 7, 12, 11, 10], RawPixels.ToRgb(rgb, 2, 2, 8, RawPixelFormat.Bgr8).Pixels);
        Assert.Equal([1, 1, 1, 2, 2, 2, 5, 5, 5, 6, 6, 6], RawPixels.ToRgb(rgb, 2, 2, 4, RawPixelFormat.Mono8).Pixels);
    }

    [Theory]
    [InlineData(0, 2, 8, 14, "image width: at least 1 needed, 0 given")]
    [InlineData(2, -1, 8, 14, "image height: at least 1 needed, -1 given")]
    [InlineData(2, 2, 5, 14, "image row stride: at least 6 needed, 5 given")]
    [InlineData(2, 2, 8, 13, "image pixel bytes: at least 14 needed, 13 given")]
    [InlineData(2, 3, int.MaxValue, 14, "image pixel bytes: at least 4,294,967,300 needed, 14 given")]
    public void ToRgb_NumbersThatDisagree_AreRefusedByName(int width, int height, int stride, int length, string message)
    {
        var error = Assert.Throws<ImageRejectedException>(() => RawPixels.ToRgb(new byte[length], width, height, stride, RawPixelFormat.Rgb8));
        Assert.Equal(ImageRejection.InvalidLayout, error.Reason);
        Assert.Equal(message, error.Message);
    }

    [Fact]
    public void ToRgb_TooManyPixels_IsRefusedBeforeAllocation()
    {
        var error = Assert.Throws<ImageRejectedException>(() => RawPixels.ToRgb([], 50_000_001, 1, 50_000_001, RawPixelFormat.Mono8));
        Assert.Equal(ImageRejection.TooManyPixels, error.Reason);
    }

    [Fact]
    public void CropFrom_RegionInside_CopiesIt()
    {
        var image = Pictures.Noise(7, 5);
        var crop = new PixelRegion(2, 1, 3, 4).CropFrom(image);
        for (int y = 0; y < 4; y++)
        {
            Assert.Equal(image.Pixels.AsSpan((((y + 1) * 7) + 2) * 3, 9), crop.Pixels.AsSpan(y * 9, 9));
        }

        Assert.Equal(image.Pixels, new PixelRegion(0, 0, 7, 5).CropFrom(image).Pixels);
    }

    [Theory]
    [InlineData(-1, 0, 2, 2)]
    [InlineData(0, 4, 2, 2)]
    [InlineData(6, 0, 2, 1)]
    [InlineData(0, 0, 0, 1)]
    [InlineData(1, 0, int.MaxValue, 1)]
    public void CropFrom_RegionOutside_IsRefused(int x, int y, int width, int height)
    {
        var error = Assert.Throws<ImageRejectedException>(() => new PixelRegion(x, y, width, height).CropFrom(Pictures.Noise(7, 5)));
        Assert.Equal(ImageRejection.InvalidRegion, error.Reason);
    }
}
