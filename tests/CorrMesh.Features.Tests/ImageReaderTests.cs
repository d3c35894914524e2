using CorrMesh.Features.Tests.Support;
using CorrMesh.Hosting.Errors;
using CorrMesh.Hosting.Images;
using CorrMesh.Hosting.Options;
using CorrMesh.Protos.Common.V1;
using CorrMesh.TestKit;
using CorrMesh.Vision.Images;
using Google.Protobuf;
using Xunit;

namespace CorrMesh.Features.Tests;

public sealed class ImageReaderTests
{
    private readonly ImageReader reader = new(new MeshLimits());

    [Fact]
    public void Check_WithoutDecoding_NamesTheFieldOfWhatIsWrong()
    {
        byte[] png = Make.Png(20, 10);
        reader.Check(Make.Encoded(png), "source.image");
        Assert.Equal("source.image", Field(() => reader.Check(new Image(), "source.image")));
        Assert.Equal("source.image.encoded", Field(() => reader.Check(new Image { Encoded = ByteString.Empty }, "source.image")));
        Assert.Equal("source.image.encoded", Field(() => reader.Check(Make.Encoded("hello"u8.ToArray()), "source.image")));
        Assert.Equal("source.image.encoded", Field(() => reader.Check(Make.Encoded(PngBuilder.HeaderOnly(50_000, 50_000)), "source.image")));
    }

    [Fact]
    public void Read_TruncatedFile_NamesTheField() =>
        Assert.Equal("frame.encoded", Field(() => reader.Read(Make.Encoded(Make.Png(64, 48)[..2000]), null, "frame")));

    [Fact]
    public void Read_RawFormatsWithPadding_GiveTheSamePixels()
    {
        RgbImage picture = Make.Picture(5, 3);
        foreach ((PixelFormat format, int order) in new[] { (PixelFormat.Rgb8, 0), (PixelFormat.Bgr8, 2) })
        {
            var data = new byte[3 * 20];
            for (int i = 0; i < 45; i++) data[i / 15 * 20 + i % 15 / 3 * 3 + Math.Abs(order - i % 3)] = picture.Pixels[i];
            (RgbImage seen, int width, int height) = reader.Read(
                new Image { Raw = new RawImage { Format = format, Width = 5, Height = 3, RowStride = 20, Data = ByteString.CopyFrom(data) } }, null, "i");
            Assert.Equal((5, 3), (width, height));
            Assert.Equal(picture.Pixels, seen.Pixels);
        }

        (RgbImage grey, _, _) = reader.Read(new Image { Raw = new RawImage { Format = PixelFormat.Mono8, Width = 2, Height = 1, Data = ByteString.CopyFrom(7, 9) } }, null, "i");
        Assert.Equal([7, 7, 7, 9, 9, 9], grey.Pixels);
    }

    [Theory]
    [InlineData(PixelFormat.Unspecified, 2, 2, 0, 12, "i.raw.format")]
    [InlineData((PixelFormat)9, 2, 2, 0, 12, "i.raw.format")]
    [InlineData(PixelFormat.Rgb8, 0, 2, 0, 12, "i.raw")]
    [InlineData(PixelFormat.Rgb8, 2, 0, 0, 12, "i.raw")]
    [InlineData(PixelFormat.Rgb8, 2, 2, 5, 12, "i.raw")]
    [InlineData(PixelFormat.Rgb8, 2, 2, 0, 11, "i.raw")]
    [InlineData(PixelFormat.Rgb8, 2, 2, 8, 13, "i.raw")]
    [InlineData(PixelFormat.Mono8, 10_000, 5_001, 0, 12, "i.raw")]
    [InlineData(PixelFormat.Mono8, uint.MaxValue, 1, 0, 12, "i.raw")]
    [InlineData(PixelFormat.Rgb8, 2, uint.MaxValue, 0, 12, "i.raw")]
    [InlineData(PixelFormat.Rgb8, 2, 2, uint.MaxValue, 12, "i.raw")]
    public void Read_RawLayoutsThatCannotBe_AreRefusedByName(PixelFormat format, uint width, uint height, uint stride, int bytes, string field) =>
        Assert.Equal(field, Field(() => reader.Read(
            new Image { Raw = new RawImage { Format = format, Width = width, Height = height, RowStride = stride, Data = ByteString.CopyFrom(new byte[bytes]) } }, null, "i")));

    [Fact]
    public void Read_RawOfTheLeastBytes_IsTaken()
    {
        (RgbImage seen, _, _) = reader.Read(
            new Image { Raw = new RawImage { Format = PixelFormat.Rgb8, Width = 2, Height = 2, RowStride = 8, Data = ByteString.CopyFrom(new byte[14]) } }, null, "i");
        Assert.Equal((2, 2), (seen.Width, seen.Height));
    }

    [Fact]
    public void Read_Region_IsCutOutAndTheWholeSizeTold()
    {
        RgbImage picture = Make.Picture(20, 10);
        (RgbImage seen, int width, int height) = reader.Read(Make.Raw(picture), new PixelRegion(3, 2, 17, 8), "i");
        Assert.Equal((17, 8, 20, 10), (seen.Width, seen.Height, width, height));
        Assert.Equal(picture.Pixels.AsSpan((2 * 20 + 3) * 3, 17 * 3).ToArray(), seen.Pixels.AsSpan(0, 17 * 3).ToArray());
        foreach (var outside in new[] { new PixelRegion(4, 2, 17, 8), new PixelRegion(3, 3, 17, 8), new PixelRegion(int.MaxValue, 0, int.MaxValue, 1) })
            Assert.Equal("spec.region_of_interest", Field(() => reader.Read(Make.Raw(picture), outside, "i")));
    }

    private static string Field(Action act) => Assert.Throws<FieldException>(act).Violations.Single().Field;
}
