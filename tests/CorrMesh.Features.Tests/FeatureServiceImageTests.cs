using CorrMesh.Features.Tests.Support;
using CorrMesh.Protos.Common.V1;
using CorrMesh.Protos.Features.V1;
using CorrMesh.TestKit;
using CorrMesh.Vision.Images;
using Grpc.Core;
using Xunit;

namespace CorrMesh.Features.Tests;

/// <summary>Pictures of all kinds through the service: each works rightly or is refused with the field and the reason.</summary>
public sealed class FeatureServiceImageTests
{
    private static CancellationToken Test => TestContext.Current.CancellationToken;

    // Goal: what a file decodes to decides its features. Method: grey, RGBA, 16-bit and turned files against the same pixels sent raw; bit-equal values.
    [Fact]
    public async Task ExtractFeatures_OrdinaryFilesOfOtherKinds_EqualTheirPixelsSentRaw()
    {
        await using FeatureHost host = await FeatureHost.StartAsync();
        RgbImage picture = Make.Picture(30, 20);
        byte[] rgba = [.. picture.Pixels.Chunk(3).SelectMany((p, i) => new[] { p[0], p[1], p[2], (byte)i })];
        byte[] deep = [.. picture.Pixels.SelectMany((sample, i) => new[] { sample, (byte)i })];
        byte[] grey = [.. picture.Pixels.Chunk(3).Select(p => p[0])];
        RgbImage greyRgb = new(30, 20, [.. grey.SelectMany(g => new[] { g, g, g })]);
        byte[] turned = PngBuilder.Build(30, 20, PngBuilder.Rgb, 8, picture.Pixels, ("eXIf", JpegBuilder.ExifOrientation(6)));

        foreach ((string kind, byte[] file, RgbImage expected) in new[]
        {
            ("rgb", PngEncoder.Encode(picture), picture),
            ("rgba", PngBuilder.Build(30, 20, PngBuilder.Rgba, 8, rgba), picture),
            ("16-bit", PngBuilder.Build(30, 20, PngBuilder.Rgb, 16, deep), picture),
            ("grey", PngBuilder.Build(30, 20, PngBuilder.Grey, 8, grey), greyRgb),
            ("EXIF-rotated", turned, Rotated(picture)),
            ("one frame of an animation", PngBuilder.Animated(30, 20, picture.Pixels), picture),
        })
        {
            ExtractFeaturesResponse ofFile = await ExtractAsync(host, Make.Encoded(file)), ofPixels = await ExtractAsync(host, Make.Raw(expected));
            Assert.True(ofPixels.Values.Equals(ofFile.Values), kind);
            Assert.Equal(ofPixels.Reference.ImageSize, ofFile.Reference.ImageSize);
            Assert.Equal(ofPixels.Reference.Grid, ofFile.Reference.Grid);
        }
    }

    [Fact]
    public async Task ExtractFeatures_OnePixel_HasATokenGrid()
    {
        await using FeatureHost host = await FeatureHost.StartAsync();
        ExtractFeaturesResponse response = await ExtractAsync(host, Make.Encoded(PngEncoder.Encode(new RgbImage(1, 1, [10, 20, 30]))));
        Assert.Equal((1u, 1u, 16u, 16u), (response.Reference.ImageSize.Width, response.Reference.ImageSize.Height, response.Reference.Grid.Columns, response.Reference.Grid.Rows));
        CorrelateDescriptorsResponse found = await host.Client.CorrelateDescriptorsAsync(
            new CorrelateDescriptorsRequest
            {
                Descriptors = new DescriptorSet { Values = WireTensors.Encode([.. Enumerable.Repeat(1f, 12)], DataType.F32, 1, 12) }, Target = Make.Key(response.Reference.FeaturesKey), TopK = 5,
            }, cancellationToken: Test);
        Assert.Equal((0, 0), (Assert.Single(found.Correlations[0].Candidates).Position.X, found.Correlations[0].Candidates[0].Position.Y));
    }

    [Fact]
    public async Task ExtractFeatures_CmykWithAnAdobeSegment_IsReadAndWithoutRefused()
    {
        await using FeatureHost host = await FeatureHost.StartAsync();
        byte[][] blocks = [[.. Enumerable.Repeat((byte)200, 4)], [.. Enumerable.Repeat((byte)150, 4)], [.. Enumerable.Repeat((byte)100, 4)], [.. Enumerable.Repeat((byte)255, 4)]];
        Assert.Equal(16u, (await ExtractAsync(host, Make.Encoded(JpegBuilder.Build(blocks, 2, 2, adobeTransform: 0)))).Reference.ImageSize.Width);
        RpcException error = await RefusedAsync(host, JpegBuilder.Build(blocks, 2, 2));
        Assert.Contains("CMYK", error.Status.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ExtractFeatures_FilesThatCannotBe_AreRefusedWithTheReason()
    {
        await using FeatureHost host = await FeatureHost.StartAsync();
        RgbImage picture = Make.Picture(64, 48);
        byte[][] jpeg = [[.. Enumerable.Range(0, 64).Select(i => (byte)(i * 3 + 20))]];
        foreach ((byte[] file, string reason) in new[]
        {
            (PngBuilder.HeaderOnly(50_000, 50_000), "at most 50,000,000"),
            (JpegBuilder.Build(jpeg, 8, 8)[..^30], "ends before"),
            (PngEncoder.Encode(picture)[..3000], "ends before"),
            (PngBuilder.Animated(64, 48, picture.Pixels, picture.Pixels), "animated image of 2 frames"),
            ("<svg xmlns="u8.ToArray(), "SVG"),
            ("plain text"u8.ToArray(), "unknown format"),
        })
        {
            Assert.Contains(reason, (await RefusedAsync(host, file)).Status.Detail, StringComparison.Ordinal);
        }

        Assert.Equal(0, host.Engine.ImageCount);
    }

    // Goal: at the limits of shape and size a picture works, one past it is refused. Method: 1 x 16 at 16 tokens has one token across, 1 x 17 has none.
    [Fact]
    public async Task ExtractFeatures_SliversAtAndPastTheLimit_WorkAndAreRefused()
    {
        await using FeatureHost host = await FeatureHost.StartAsync();
        FeatureMapReference sliver = (await ExtractAsync(host, Make.Raw(Make.Picture(1, 16)))).Reference;
        Assert.Equal((1u, 16u), (sliver.Grid.Columns, sliver.Grid.Rows));
        RpcException error = await host.Client.ExtractFeaturesAsync(new ExtractFeaturesRequest { Source = new FeatureSource { Image = Make.Raw(Make.Picture(17, 1)) } }, cancellationToken: Test)
            .FailsAsync(StatusCode.InvalidArgument, "source.image");
        Assert.Contains("17 x 1", error.Status.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ExtractFeatures_RegionOutsideTheImage_IsRefusedByName()
    {
        await using FeatureHost host = await FeatureHost.StartAsync();
        var spec = new FeatureSpec { RegionOfInterest = new Rectangle { X = 50, Y = 0, Width = 47, Height = 64 } };
        await host.Client.ExtractFeaturesAsync(new ExtractFeaturesRequest { Source = Make.Source(96, 64), Spec = spec }, cancellationToken: Test)
            .FailsAsync(StatusCode.InvalidArgument, "spec.region_of_interest");
        spec.RegionOfInterest.Width = 46;
        Assert.Equal(96u, (await host.Client.ExtractFeaturesAsync(new ExtractFeaturesRequest { Source = Make.Source(96, 64), Spec = spec }, cancellationToken: Test)).Reference.ImageSize.Width);
    }

    // Goal: 32 MiB of file and not one byte more. Method: a small picture in a PNG padded to the byte with a chunk that decoders skip.
    [Fact]
    public async Task ExtractFeatures_EncodedBytesAtAndPastTheLimit_AreReadAndRefused()
    {
        await using FeatureHost host = await FeatureHost.StartAsync();
        const int limit = 32 << 20;
        int bare = Padded(0).Length;
        Assert.Equal(30u, (await ExtractAsync(host, Make.Encoded(Padded(limit - bare)))).Reference.ImageSize.Width);
        RpcException error = await RefusedAsync(host, Padded(limit - bare + 1));
        Assert.Contains("33,554,433 bytes, at most 33,554,432", error.Status.Detail, StringComparison.Ordinal);

        static byte[] Padded(int bytes) => PngBuilder.Build(30, 20, PngBuilder.Rgb, 8, Make.Picture(30, 20).Pixels, ("paDd", new byte[bytes]));
    }

    // Goal: 50 megapixels and not one row more, whatever the bytes. Method: grey rows that compress to little.
    [Fact]
    public async Task ExtractFeatures_PixelsAtAndPastTheLimit_AreReadAndRefused()
    {
        await using FeatureHost host = await FeatureHost.StartAsync(("CorrMesh:Limits:ImagePixels", "5000"));
        Assert.Equal(100u, (await ExtractAsync(host, Make.Encoded(Make.Png(100, 50)))).Reference.ImageSize.Width);
        Assert.Contains("at most 5,000", (await RefusedAsync(host, Make.Png(100, 51))).Status.Detail, StringComparison.Ordinal);
        await host.Client.ExtractFeaturesAsync(new ExtractFeaturesRequest { Source = new FeatureSource { Image = Make.Raw(Make.Picture(51, 100)) } }, cancellationToken: Test)
            .FailsAsync(StatusCode.InvalidArgument, "source.image.raw");
    }

    private static RgbImage Rotated(RgbImage picture)
    {
        // EXIF 6: the stored picture is to be turned clockwise, so its left column, from the bottom up, becomes the top row.
        var pixels = new byte[picture.Pixels.Length];
        for (int y = 0; y < picture.Width; y++)
            for (int x = 0; x < picture.Height; x++) picture.Pixels.AsSpan(((picture.Height - 1 - x) * picture.Width + y) * 3, 3).CopyTo(pixels.AsSpan((y * picture.Height + x) * 3));
        return new RgbImage(picture.Height, picture.Width, pixels);
    }

    private static async Task<ExtractFeaturesResponse> ExtractAsync(FeatureHost host, Image image) => await host.Client.ExtractFeaturesAsync(
        new ExtractFeaturesRequest { Source = new FeatureSource { Image = image }, ReturnValues = DataType.F32 }, cancellationToken: Test);

    private static Task<RpcException> RefusedAsync(FeatureHost host, byte[] file) => host.Client
        .ExtractFeaturesAsync(new ExtractFeaturesRequest { Source = Make.Source(file) }, cancellationToken: Test).FailsAsync(StatusCode.InvalidArgument, "source.image.encoded");
}
