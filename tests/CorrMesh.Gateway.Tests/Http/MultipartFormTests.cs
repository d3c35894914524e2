using System.Net;
using System.Net.Http.Headers;
using System.Text;
using Xunit;

namespace CorrMesh.Gateway.Tests.Http;

public sealed class MultipartFormTests
{
    private const int ImageLimit = 100_000;
    private const int UploadLimit = 150_000;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("image", ImageLimit, 200)]
    [InlineData("image", ImageLimit + 1, 413)]
    public async Task Post_FileAtTheLimitAndOnePast_FirstServedSecondRefused(string name, int size, int status)
    {
        var features = new FakeFeatures();
        await using var mesh = await Limited(features);

        var answer = await mesh.PostAsync("/v1/features", (name, new byte[size]));

        Assert.Equal(status, (int)answer.StatusCode);
        if (status == 200) Assert.Equal(size, features.Last!.Source.Image.Encoded.Length);
        else Assert.Equal(["image"], (await answer.ProblemAsync(413)).Fields);
    }

    // Goal: the whole body has a limit of its own, whatever its parts. Method: a body of exactly the limit (a text field filled
    // with white space pads it), then one byte more; the latter also without a length told in advance (the frames of chunks count
    // towards the limit, so it has no exact case of the former).
    [Theory]
    [InlineData(0, false)]
    [InlineData(1, false)]
    [InlineData(1, true)]
    public async Task Post_BodyAtTheLimitAndOnePast_FirstServedSecondRefused(int past, bool chunked)
    {
        await using var mesh = await Limited(new FakeFeatures());
        byte[] Body(int padding) => Encoding.ASCII.GetBytes(
            "--b\r\nContent-Disposition: form-data; name=\"image\"; filename=\"a\"\r\n\r\nx\r\n--b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\n"
            + new string(' ', padding) + "\r\n--b--\r\n");
        byte[] body = Body(UploadLimit + past - Body(0).Length);
        Assert.Equal(UploadLimit + past, body.Length);
        var request = new HttpRequestMessage(HttpMethod.Post, "/v1/features") { Content = new ByteArrayContent(body) };
        request.Content.Headers.ContentType = MediaTypeHeaderValue.Parse("multipart/form-data; boundary=b");
        request.Headers.TransferEncodingChunked = chunked;

        var answer = await mesh.Http.SendAsync(request, Token);

        if (past == 0) Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        else Assert.Equal(["body"], (await answer.ProblemAsync(413)).Fields);
    }

    [Fact]
    public async Task Post_TextPartTooLong_IsRefused()
    {
        await using var mesh = await FakeMesh.StartAsync();

        var (_, fields) = await (await mesh.PostAsync("/v1/features", ("image", Sample.Picture), ("model", new string('m', (1 << 20) + 1)))).ProblemAsync(413);

        Assert.Equal(["model"], fields);
    }

    [Fact]
    public async Task Post_TwoLargestFiles_DoNotFitOneMessageAndAreRefused()
    {
        await using var mesh = await FakeMesh.StartAsync(settings: [("CorrMesh:Limits:MessageBytes", "65536"), ("CorrMesh:Limits:EncodedBytes", "40000")]);

        var (_, fields) = await (await mesh.PostAsync("/v1/match", ("source", new byte[40_000]), ("target", new byte[40_000]), ("grid", "2"))).ProblemAsync(413);

        Assert.Equal(["target"], fields);
    }

    [Fact]
    public async Task Post_NoFile_IsRefusedNamingIt()
    {
        await using var mesh = await FakeMesh.StartAsync();

        var (detail, _) = await (await mesh.PostAsync("/v1/features", ("model", "compact"))).ProblemAsync(400);

        Assert.Equal("image: a file needed, none given", detail);
    }

    [Fact]
    public async Task Post_EmptyFile_IsRefusedNamingIt()
    {
        await using var mesh = await FakeMesh.StartAsync();

        var (_, fields) = await (await mesh.PostAsync("/v1/features", ("image", Array.Empty<byte>()))).ProblemAsync(400);

        Assert.Equal(["image"], fields);
    }

    [Fact]
    public async Task Post_TextWhereAFileBelongs_SaysHowToSendOne()
    {
        await using var mesh = await FakeMesh.StartAsync();

        var (detail, _) = await (await mesh.PostAsync("/v1/features", ("image", "photo.jpg"))).ProblemAsync(400);

        Assert.Contains("-F image=@FILE", detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Post_UnknownPart_IsRefusedWithTheNamesThereAre()
    {
        await using var mesh = await FakeMesh.StartAsync();

        var (detail, fields) = await (await mesh.PostAsync("/v1/features", ("image", Sample.Picture), ("modell", "x"))).ProblemAsync(400);

        Assert.Equal(["modell"], fields);
        Assert.Contains("image, model, adapter, tokens", detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Post_PartTwice_IsRefused()
    {
        await using var mesh = await FakeMesh.StartAsync();

        var (_, fields) = await (await mesh.PostAsync("/v1/features", ("image", Sample.Picture), ("image", Sample.Picture))).ProblemAsync(400);

        Assert.Equal(["image"], fields);
    }

    [Theory]
    [InlineData("application/json", 415, "Content-Type")]
    [InlineData("application/x-www-form-urlencoded", 415, "Content-Type")]
    [InlineData("multipart/form-data", 400, "Content-Type")]
    [InlineData("multipart/form-data; boundary=other", 400, "body")]
    public async Task Post_NotSuchABody_IsRefused(string type, int status, string field)
    {
        await using var mesh = await FakeMesh.StartAsync();
        var content = new ByteArrayContent("--b\r\nContent-Disposition: form-data; name=\"image\"; filename=\"a\"\r\n\r\nx\r\n--b--\r\n"u8.ToArray());
        content.Headers.ContentType = MediaTypeHeaderValue.Parse(type);

        var (_, fields) = await (await mesh.Http.PostAsync("/v1/features", content, Token)).ProblemAsync(status);

        Assert.Equal([field], fields);
    }

    [Theory]
    [InlineData("--b\r\nContent-Disposition: form-data; name=\"image\"; filename=\"a\"\r\n\r\ncut")]
    [InlineData("--b\r\nContent-Disposition: form-data; filename=\"a\"\r\n\r\nx\r\n--b--\r\n")]
    [InlineData("--b\r\nContent-Disp")]
    public async Task Post_BrokenBody_IsRefused(string body)
    {
        await using var mesh = await FakeMesh.StartAsync();
        var content = new ByteArrayContent(Encoding.ASCII.GetBytes(body));
        content.Headers.ContentType = MediaTypeHeaderValue.Parse("multipart/form-data; boundary=b");

        var (_, fields) = await (await mesh.Http.PostAsync("/v1/features", content, Token)).ProblemAsync(400);

        Assert.Equal(["body"], fields);
    }

    private static Task<FakeMesh> Limited(FakeFeatures features) => FakeMesh.StartAsync(
        features, settings: [("CorrMesh:Limits:EncodedBytes", $"{ImageLimit}"), ("CorrMesh:Limits:UploadBytes", $"{UploadLimit}")]);
}
