using System.Net;
using System.Net.Http.Headers;
using System.Runtime.InteropServices;
using System.Text;
using CorrMesh.Protos.Common.V1;
using Google.Protobuf;
using Xunit;

namespace CorrMesh.Gateway.Tests.Http;

public sealed class FeatureRoutesTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    // [2, 3, 4] values that float16 holds exactly.
    private static readonly float[] Values = [.. Enumerable.Range(0, 24).Select(i => i / 8f - 1)];

    [Fact]
    public async Task GetModels_ServiceAnswers_GivesItsModels()
    {
        await using var mesh = await FakeMesh.StartAsync();

        string json = await mesh.Http.GetStringAsync("/v1/models", Token);

        Assert.Equal(
            """{"default_model":"compact","min_tokens":8,"max_tokens":160,"models":[{"name":"compact","digest":"ab","patch_size":14,"width":192,"depth":8,"default_tokens":40,"adapters":[{"name":"paper","digest":"cd"}]}]}""",
            json);
    }

    [Fact]
    public async Task PostFeatures_NoAccept_GivesTheReferenceAndPassesTheSpec()
    {
        var features = new FakeFeatures();
        await using var mesh = await FakeMesh.StartAsync(features);

        var answer = await mesh.PostAsync("/v1/features", ("image", Sample.Picture), ("model", "compact"), ("adapter", " paper "), ("tokens", "80"));

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal("application/json", answer.Content.Headers.ContentType?.MediaType);
        Assert.Equal(
            """{"features_key":"k1","image_size":{"width":640,"height":480},"grid":{"columns":3,"rows":2,"first_centre":{"x":6.5,"y":7.5},"step_x_px":14,"step_y_px":15},"channels":4,"identity":{"model":"compact","model_digest":"ab","adapter":"paper","adapter_digest":"cd"},"timings":{"decode_ms":1,"queue_ms":2,"compute_ms":3,"cache_ms":0.5,"total_ms":7}}""",
            await answer.Content.ReadAsStringAsync(Token));
        Assert.Equal(Sample.Picture, features.Last!.Source.Image.Encoded.ToByteArray());
        Assert.Equal(("compact", "paper", 80u), (features.Last.Spec.Model, features.Last.Spec.Adapter, features.Last.Spec.Tokens));
        Assert.Equal(DataType.Unspecified, features.Last.ReturnValues);
    }

    [Theory]
    [InlineData(DataType.F16)]
    [InlineData(DataType.F32)]
    public async Task PostFeatures_OctetStream_GivesFloat32Values(DataType type)
    {
        await using var mesh = await FakeMesh.StartAsync(Answering(type));

        var answer = await Post(mesh, "application/octet-stream");

        Assert.Equal("application/octet-stream", answer.Content.Headers.ContentType?.MediaType);
        Assert.Equal("2,3,4", answer.Headers.GetValues("Features-Shape").Single());
        Assert.Equal("k1", answer.Headers.GetValues("Features-Key").Single());
        Assert.Equal(Values, MemoryMarshal.Cast<byte, float>(await answer.Content.ReadAsByteArrayAsync(Token)).ToArray());
    }

    // Goal: numpy.load must read the answer. Method: the rules of numpy.lib.format 1.0, checked byte by byte: magic, version,
    // header length, padding to 64, line feed, dictionary, values.
    [Fact]
    public async Task PostFeatures_Npy_IsTheFormatOfNumpy()
    {
        await using var mesh = await FakeMesh.StartAsync(Answering(DataType.F16));

        var answer = await Post(mesh, "application/x-npy");

        byte[] file = await answer.Content.ReadAsByteArrayAsync(Token);
        Assert.Equal([0x93, .. "NUMPY"u8, 1, 0], file[..8]);
        int start = 10 + file[8] + 256 * file[9];
        Assert.Equal(0, start % 64);
        string header = Encoding.ASCII.GetString(file[10..start]);
        Assert.EndsWith("\n", header, StringComparison.Ordinal);
        Assert.Equal("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3, 4), }", header.TrimEnd());
        Assert.Equal(Values, MemoryMarshal.Cast<byte, float>(file.AsSpan(start)).ToArray());
    }

    // Goal: a map of more values than one chunk of the writer comes out whole and in order.
    [Fact]
    public async Task PostFeatures_LargeMap_KeepsEveryValueInOrder()
    {
        float[] large = [.. Enumerable.Range(0, 50_001).Select(i => (float)(i % 2048))];
        await using var mesh = await FakeMesh.StartAsync(Answering(DataType.F16, large, [1, 50_001, 1]));

        var answer = await Post(mesh, "application/octet-stream");

        Assert.Equal(large, MemoryMarshal.Cast<byte, float>(await answer.Content.ReadAsByteArrayAsync(Token)).ToArray());
    }

    [Theory]
    [InlineData("*/*", "application/json")]
    [InlineData("application/*", "application/json")]
    [InlineData("text/html, application/x-npy;q=0.5, application/octet-stream;q=0.4", "application/x-npy")]
    [InlineData("application/json;q=0.1, application/octet-stream", "application/octet-stream")]
    public async Task PostFeatures_Accept_GivesTheFormatLikedBest(string accept, string expected)
    {
        await using var mesh = await FakeMesh.StartAsync(Answering(DataType.F16));

        var answer = await Post(mesh, accept);

        Assert.Equal(expected, answer.Content.Headers.ContentType?.MediaType);
    }

    [Theory]
    [InlineData("text/html")]
    [InlineData("application/json;q=0")]
    public async Task PostFeatures_AcceptsNothingThereIs_IsRefused(string accept)
    {
        await using var mesh = await FakeMesh.StartAsync();

        var (_, fields) = await (await Post(mesh, accept)).ProblemAsync(406);

        Assert.Equal(["Accept"], fields);
    }

    private static FakeFeatures Answering(DataType type, float[]? values = null, uint[]? shape = null)
    {
        values ??= Values;
        var bytes = type == DataType.F32 ? MemoryMarshal.AsBytes(values.AsSpan()) : MemoryMarshal.AsBytes(values.Select(value => (Half)value).ToArray().AsSpan());
        var tensor = new Tensor { DataType = type, Shape = { shape ?? [2, 3, 4] }, Data = ByteString.CopyFrom(bytes) };
        return new FakeFeatures
        {
            OnExtract = (request, _) =>
            {
                var response = Sample.Features();
                response.Values = request.ReturnValues == DataType.Unspecified ? null : tensor;
                return Task.FromResult(response);
            },
        };
    }

    private static async Task<HttpResponseMessage> Post(FakeMesh mesh, string accept)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, "/v1/features")
        {
            Content = new MultipartFormDataContent { { new ByteArrayContent(Sample.Picture), "image", "a.png" } },
        };
        foreach (string part in accept.Split(", ")) request.Headers.Accept.Add(MediaTypeWithQualityHeaderValue.Parse(part));
        return await mesh.Http.SendAsync(request, Token);
    }
}
