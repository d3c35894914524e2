using System.IO.Compression;
using CorrMesh.Protos.Common.V1;
using CorrMesh.Protos.Features.V1;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Compression;
using Xunit;

namespace CorrMesh.Hosting.Tests;

public sealed class MessageLimitTests
{
    private const int Limit = 1 << 16;

    // Goal: a message is measured as it is after decompression, since a small one may unfold without end. Method: a request
    // whose serialized form is exactly the limit, then one byte more, each plain and compressed.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Call_MessageAtTheLimitAndOnePast_FirstServedSecondRefused(bool compressed)
    {
        await using var mesh = await new FakeModule().StartAsync(("CorrMesh:Limits:MessageBytes", $"{Limit}"), ("CorrMesh:Limits:EncodedBytes", "1024"));
        var client = new FeatureService.FeatureServiceClient(mesh.Channel(options => options.CompressionProviders = [new GzipCompressionProvider(CompressionLevel.Fastest)]));
        Metadata headers = compressed ? [new Metadata.Entry("grpc-internal-encoding-request", "gzip")] : [];
        var request = Request(Limit);
        var larger = Request(Limit + 1);

        await client.ExtractFeaturesAsync(request, headers, cancellationToken: TestContext.Current.CancellationToken);
        var refused = await Assert.ThrowsAsync<RpcException>(async () => await client.ExtractFeaturesAsync(larger, headers, cancellationToken: TestContext.Current.CancellationToken));

        Assert.Equal(StatusCode.ResourceExhausted, refused.StatusCode);
    }

    [Fact]
    public async Task Call_ZerosThatUnfoldTenThousandfold_IsRefused()
    {
        await using var mesh = await new FakeModule().StartAsync(("CorrMesh:Limits:MessageBytes", $"{Limit}"), ("CorrMesh:Limits:EncodedBytes", "1024"));
        var client = new FeatureService.FeatureServiceClient(mesh.Channel(options => options.CompressionProviders = [new GzipCompressionProvider(CompressionLevel.Fastest)]));

        var refused = await Assert.ThrowsAsync<RpcException>(async () => await client.ExtractFeaturesAsync(
            Request(8 << 20), [new Metadata.Entry("grpc-internal-encoding-request", "gzip")], cancellationToken: TestContext.Current.CancellationToken));

        Assert.Equal(StatusCode.ResourceExhausted, refused.StatusCode);
    }

    // Goal: a bomb ends long before the limit, and what merely compresses well passes. Method: zeros on both sides of 4 MiB, and noise beyond it.
    [Fact]
    public async Task Call_OutOfProportion_IsRefusedBeyondFourMebibytes()
    {
        await using var mesh = await new FakeModule().StartAsync();
        var client = new FeatureService.FeatureServiceClient(mesh.Channel(options => options.CompressionProviders = [new GzipCompressionProvider(CompressionLevel.Fastest)]));
        Metadata headers = [new Metadata.Entry("grpc-internal-encoding-request", "gzip")];
        var noise = Request(8 << 20);
        byte[] bytes = new byte[noise.Source.Image.Encoded.Length];
        new Random(1).NextBytes(bytes);
        noise.Source.Image.Encoded = ByteString.CopyFrom(bytes);

        await client.ExtractFeaturesAsync(Request(4 << 20), headers, cancellationToken: TestContext.Current.CancellationToken);
        await client.ExtractFeaturesAsync(noise, headers, cancellationToken: TestContext.Current.CancellationToken);
        var refused = await Assert.ThrowsAsync<RpcException>(async () => await client.ExtractFeaturesAsync(Request(16 << 20), headers, cancellationToken: TestContext.Current.CancellationToken));

        Assert.Equal(StatusCode.ResourceExhausted, refused.StatusCode);
        Assert.Contains("100 times", refused.Status.Detail, StringComparison.Ordinal);
    }

    private static ExtractFeaturesRequest Request(int size)
    {
        ExtractFeaturesRequest Of(int bytes) => new() { Source = new FeatureSource { Image = new Image { Encoded = ByteString.CopyFrom(new byte[bytes]) } } };
        var request = Of(size - (Of(size).CalculateSize() - size));
        Assert.Equal(size, request.CalculateSize());
        return request;
    }
}
