using System.Net;
using System.Net.Http.Headers;
using CorrMesh.Hosting.Errors;
using Xunit;

namespace CorrMesh.Gateway.Tests.Http;

public sealed class PictureRoutesTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task PostRender_SeveralImages_GivesOnePngAndPassesThemInOrder()
    {
        var features = new FakeFeatures();
        await using var mesh = await FakeMesh.StartAsync(features);

        var answer = await mesh.PostAsync("/v1/features:render", ("image", new byte[] { 1 }), ("image", new byte[] { 2 }), ("long_side", "300"), ("tokens", "16"), ("model", "compact"));

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal("image/png", answer.Content.Headers.ContentType?.MediaType);
        Assert.Equal([7, 7], await answer.Content.ReadAsByteArrayAsync(Token));
        Assert.Equal("k1,k2", answer.Headers.GetValues("Features-Key").Single());
        Assert.Equal([[1], [2]], features.LastRender!.Sources.Select(source => source.Image.Encoded.ToByteArray()));
        Assert.Equal((300u, 16u, "compact", true), (features.LastRender.LongSidePx, features.LastRender.Spec.Tokens, features.LastRender.Spec.Model, features.LastRender.SideBySide));
    }

    [Fact]
    public async Task PostRender_Json_GivesAPngForEachImage()
    {
        var features = new FakeFeatures();
        await using var mesh = await FakeMesh.StartAsync(features);
        mesh.Http.DefaultRequestHeaders.Accept.Add(new MediaTypeWithQualityHeaderValue("application/json"));

        var answer = await mesh.PostAsync("/v1/features:render", ("image", Sample.Picture), ("image", Sample.Picture));

        var images = (await answer.JsonAsync()).GetProperty("images").EnumerateArray().ToArray();
        Assert.Equal([[0, 9], [1, 9]], images.Select(image => image.GetProperty("png").GetBytesFromBase64()));
        Assert.Equal(["k1", "k2"], images.Select(image => image.GetProperty("features_key").GetString()!));
        Assert.False(features.LastRender!.SideBySide);
    }

    // Goal: the limit on images of a render holds at the door, before the one past it is kept. Method: at the limit, and one past it.
    [Theory]
    [InlineData(16, 200)]
    [InlineData(17, 400)]
    public async Task PostRender_ImagesAtTheLimitAndOnePast_FirstServedSecondRefused(int count, int status)
    {
        await using var mesh = await FakeMesh.StartAsync();

        var answer = await mesh.PostAsync("/v1/features:render", [.. Enumerable.Repeat(("image", (object)Sample.Picture), count)]);

        if (status == 200) Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        else Assert.Equal("image: given 1 to 16 times allowed, given more often", (await answer.ProblemAsync(400)).Detail);
    }

    [Theory]
    [InlineData("long_side", "0")]
    [InlineData("long_side", "2049")]
    [InlineData("long_side", "1.5")]
    [InlineData("tokens", "161")]
    [InlineData("colour", "red")]
    public async Task PostRender_WrongField_IsRefusedNamingIt(string field, string value)
    {
        await using var mesh = await FakeMesh.StartAsync();

        Assert.Equal([field], (await (await mesh.PostAsync("/v1/features:render", ("image", Sample.Picture), (field, value))).ProblemAsync(400)).Fields);
    }

    [Fact]
    public async Task PostRender_NoImageOrAnEmptyOne_IsRefusedNamingIt()
    {
        await using var mesh = await FakeMesh.StartAsync();

        Assert.Equal(["image"], (await (await mesh.PostAsync("/v1/features:render", ("tokens", "16"))).ProblemAsync(400)).Fields);
        Assert.Equal(["image[1]"], (await (await mesh.PostAsync("/v1/features:render", ("image", Sample.Picture), ("image", Array.Empty<byte>()))).ProblemAsync(400)).Fields);
    }

    // Goal: what the service refuses is named as the form names it.
    [Theory]
    [InlineData("sources[1].image.encoded", "image[1]")]
    [InlineData("sources", "image")]
    [InlineData("spec.tokens", "tokens")]
    [InlineData("long_side_px", "long_side")]
    public async Task PostRender_ServiceRefuses_FieldIsTheForms(string field, string expected)
    {
        await using var mesh = await FakeMesh.StartAsync(new FakeFeatures { OnRender = _ => throw new FieldException(field, "d") });

        Assert.Equal([expected], (await (await mesh.PostAsync("/v1/features:render", ("image", Sample.Picture))).ProblemAsync(400)).Fields);
    }

    [Fact]
    public async Task PostHeatmap_NoAccept_GivesThePngAndItsBestPosition()
    {
        var matching = new FakeMatching();
        await using var mesh = await FakeMesh.StartAsync(matching: matching);

        var answer = await mesh.PostAsync("/v1/match:heatmap", ("source", new byte[] { 1 }), ("target", new byte[] { 2 }), ("point", " 1.5, 2 "), ("adapter", "paper"));

        Assert.Equal("image/png", answer.Content.Headers.ContentType?.MediaType);
        Assert.Equal([5, 6], await answer.Content.ReadAsByteArrayAsync(Token));
        Assert.Equal("3,-0.25", answer.Headers.GetValues("Match-Position").Single());
        Assert.Equal("0.75", answer.Headers.GetValues("Match-Similarity").Single());
        var request = matching.LastHeatmap!;
        Assert.Equal((1, 2, 1.5, 2.0, "paper"), (request.Source.Image.Encoded[0], request.Target.Image.Encoded[0], request.Point.X, request.Point.Y, request.Spec.Adapter));
    }

    [Fact]
    public async Task PostHeatmap_Json_GivesAllOfIt()
    {
        await using var mesh = await FakeMesh.StartAsync();
        mesh.Http.DefaultRequestHeaders.Accept.Add(new MediaTypeWithQualityHeaderValue("application/json"));

        var answer = await (await mesh.PostAsync("/v1/match:heatmap", ("source", Sample.Picture), ("target", Sample.Picture), ("point", "1,2"))).JsonAsync();

        Assert.Equal([5, 6], answer.GetProperty("png").GetBytesFromBase64());
        Assert.Equal("""{"x":3,"y":-0.25}""", answer.GetProperty("best").GetRawText());
        Assert.Equal(0.75, answer.GetProperty("similarity").GetDouble());
        Assert.Equal(640, answer.GetProperty("target_size").GetProperty("width").GetInt32());
    }

    [Theory]
    [InlineData(null)]
    [InlineData("1")]
    [InlineData("1,2,3")]
    [InlineData("1,x")]
    [InlineData("nan,1")]
    public async Task PostHeatmap_WrongPoint_IsRefusedNamingIt(string? point)
    {
        await using var mesh = await FakeMesh.StartAsync();
        (string, object)[] parts = [("source", Sample.Picture), ("target", Sample.Picture), .. point is null ? Array.Empty<(string, object)>() : [("point", point)]];

        Assert.StartsWith("point", Assert.Single((await (await mesh.PostAsync("/v1/match:heatmap", parts)).ProblemAsync(400)).Fields), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/v1/features:render")]
    [InlineData("/v1/match:heatmap")]
    public async Task Post_AcceptsNoPictureAndNoJson_IsRefused(string path)
    {
        await using var mesh = await FakeMesh.StartAsync();
        mesh.Http.DefaultRequestHeaders.Accept.Add(new MediaTypeWithQualityHeaderValue("image/gif"));

        Assert.Equal(["Accept"], (await (await mesh.PostAsync(path, ("image", Sample.Picture))).ProblemAsync(406)).Fields);
    }
}
