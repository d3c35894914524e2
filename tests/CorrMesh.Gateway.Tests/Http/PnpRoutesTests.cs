using System.Net;
using System.Text;
using System.Text.Json;
using CorrMesh.Geometry;
using Xunit;

namespace CorrMesh.Gateway.Tests.Http;

public sealed class PnpRoutesTests
{
    private static readonly RigidPose Truth = RigidPose.LookAt((0.2, -0.3, -0.5), (0, 0, 0), (0, -1, 0));

    // Goal: pairs in, matrices out. Method: 20 exact points before the real service, a camera in another frame.
    [Fact]
    public async Task PostPnp_Pairs_GiveMatrices()
    {
        await using var mesh = await FakeMesh.StartAsync();
        (HttpStatusCode status, JsonElement answer) = await PostAsync(mesh, Body(20, new { camera_to_base = new[] { new[] { 0.0, -1, 0, 1 }, [1.0, 0, 0, 2], [0.0, 0, 1, 3], [0.0, 0, 0, 1] }, scores = Enumerable.Range(0, 20).ToArray(), seed = 3 }));
        Assert.Equal(HttpStatusCode.OK, status);
        Assert.Equal("solved", answer.GetProperty("status").GetString());
        double[] matrix = Flat(answer.GetProperty("best").GetProperty("object_to_camera")), inBase = Flat(answer.GetProperty("best").GetProperty("object_to_base"));
        double[] truth = Truth.Matrix();
        for (int i = 0; i < 16; i++) Assert.Equal(truth[i], matrix[i], 1e-4);
        Assert.Equal(1 - truth[7], inBase[3], 1e-4);
        Assert.Equal(2 + truth[3], inBase[7], 1e-4);
        Assert.Equal(3 + truth[11], inBase[11], 1e-4);
        Assert.Equal(36, Flat(answer.GetProperty("best").GetProperty("covariance")).Length);
        Assert.Equal(20, answer.GetProperty("inliers").GetArrayLength());
        Assert.Equal(0, answer.GetProperty("alternatives").GetArrayLength());
        Assert.True(answer.GetProperty("timings").GetProperty("total_ms").GetDouble() > 0);
    }

    // Goal: no pose is an answer.
    [Fact]
    public async Task PostPnp_ThreePairs_IsAnAnswer()
    {
        await using var mesh = await FakeMesh.StartAsync();
        (HttpStatusCode status, JsonElement answer) = await PostAsync(mesh, Body(3, new { }));
        Assert.Equal(HttpStatusCode.OK, status);
        Assert.Equal("too_few_points", answer.GetProperty("status").GetString());
        Assert.False(answer.TryGetProperty("best", out _));
    }

    // Goal: what is wrong is named as the body has it, by the gateway and by the service behind it.
    [Theory]
    [InlineData("""{"object_points":[],"image_points":[]}""", "camera", "a camera needed, none given")]
    [InlineData("""{"camera":{"fx":1,"fy":1,"cx":1},"object_points":[],"image_points":[]}""", "camera.cy", "a number needed, none given")]
    [InlineData("""{"camera":{"fx":-1,"fy":1,"cx":1,"cy":1},"object_points":[],"image_points":[]}""", "camera.fx", "finite and above 0 needed, -1 given")]
    [InlineData("""{"camera":{"fx":1,"fy":1,"cx":1,"cy":1,"distortion":[1]},"object_points":[],"image_points":[]}""", "camera.distortion", "4, 5, 8 or 12 values needed, 1 given")]
    [InlineData("""{"camera":{"fx":1,"fy":1,"cx":1,"cy":1,"fisheye":[1]},"object_points":[],"image_points":[]}""", "camera.fisheye", "4 values needed, 1 given")]
    [InlineData("""{"camera":{"fx":1,"fy":1,"cx":1,"cy":1,"fisheye":[0,0,0,0],"distortion":[0,0,0,0]},"object_points":[],"image_points":[]}""", "camera.fisheye", "one of distortion and fisheye allowed, both given")]
    [InlineData("""{"camera":{"fx":1,"fy":1,"cx":1,"cy":1},"object_points":[[1,2,3]],"image_points":[]}""", "image_points", "1 needed, one for each of object_points, 0 given")]
    [InlineData("""{"camera":{"fx":1,"fy":1,"cx":1,"cy":1},"object_points":[[1,2]],"image_points":[[1,2]]}""", "object_points[0]", "3 numbers needed, 2 given")]
    [InlineData("""{"camera":{"fx":1,"fy":1,"cx":1,"cy":1},"object_points":[[1,2,3]],"image_points":[null]}""", "image_points[0]", "2 numbers needed, 0 given")]
    [InlineData("""{"camera":{"fx":1,"fy":1,"cx":1,"cy":1},"object_points":[],"image_points":[],"scores":[1]}""", "scores", "0 needed, one for each of object_points, 1 given")]
    [InlineData("""{"camera":{"fx":1,"fy":1,"cx":1,"cy":1},"object_points":[],"image_points":[],"max_error_px":0}""", "max_error_px", "above 0 and at most 1000 allowed, 0 given")]
    [InlineData("""{"camera":{"fx":1,"fy":1,"cx":1,"cy":1},"object_points":[],"image_points":[],"camera_to_base":[[2,0,0,0],[0,1,0,0],[0,0,1,0],[0,0,0,1]]}""", "camera_to_base", "a rotation needed, R times its transpose is 3 from the identity, at most 0.001")]
    [InlineData("""{"camera":{"fx":"x"},"object_points":[],"image_points":[]}""", "camera.fx", "not JSON of the documented form, in line 1 at byte 20")]
    [InlineData("""{"points":[]}""", "points", "not JSON of the documented form, in line 1 at byte 11")]
    [InlineData("null", "body", "an object needed, null given")]
    [InlineData("{", "body", "not JSON of the documented form, in line 1 at byte 2")]
    public async Task PostPnp_BadField_IsNamed(string body, string field, string description)
    {
        await using var mesh = await FakeMesh.StartAsync();
        (HttpStatusCode status, JsonElement answer) = await PostAsync(mesh, body);
        Assert.Equal(HttpStatusCode.BadRequest, status);
        JsonElement error = answer.GetProperty("errors")[0];
        Assert.Equal((field, description), (error.GetProperty("field").GetString(), error.GetProperty("message").GetString()));
    }

    [Fact]
    public async Task PostPnp_NotJson_IsUnsupported()
    {
        await using var mesh = await FakeMesh.StartAsync();
        using var content = new StringContent("x", Encoding.UTF8, "text/plain");
        using HttpResponseMessage response = await mesh.Http.PostAsync("/v1/pnp", content, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.UnsupportedMediaType, response.StatusCode);
        Assert.Contains("application/json needed, 'text/plain; charset=utf-8' given", await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    // Goal: what is read goes on as one message, so its bound holds however the length is told.
    [Theory]
    [InlineData(false, "body: at most 65536 bytes allowed, 66000 given")]
    [InlineData(true, "body: at most 65536 bytes allowed, more given")]
    public async Task PostPnp_BodyLargerThanAMessage_IsRefusedWithTheBound(bool chunked, string detail)
    {
        await using var mesh = await FakeMesh.StartAsync(settings: [("CorrMesh:Limits:EncodedBytes", "1024"), ("CorrMesh:Limits:MessageBytes", "65536")]);
        using var content = new StringContent(new string(' ', 66_000), Encoding.UTF8, "application/json");
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/pnp") { Content = content, Headers = { TransferEncodingChunked = chunked } };

        var answer = await mesh.Http.SendAsync(request, TestContext.Current.CancellationToken);

        var (given, fields) = await answer.ProblemAsync(413);
        Assert.Equal((detail, "body"), (given, Assert.Single(fields)));
    }

    private static string Body(int count, object more)
    {
        var random = new SeededRandom(1, 1);
        var camera = new PinholeCamera(1, 1, 900, 910, 640, 480);
        var points = Enumerable.Range(0, count).Select(_ => new double[] { random.Range(-0.1f, 0.1f), random.Range(-0.1f, 0.1f), random.Range(-0.1f, 0.1f) }).ToArray();
        var seen = points.Select(p => camera.Project(Truth.Apply((p[0], p[1], p[2])))).Select(p => new[] { p.X, p.Y }).ToArray();
        string head = JsonSerializer.Serialize(new { camera = new { fx = 900, fy = 910, cx = 640, cy = 480 }, object_points = points, image_points = seen }), tail = JsonSerializer.Serialize(more);
        return tail == "{}" ? head : $"{head[..^1]},{tail[1..]}";
    }

    private static async Task<(HttpStatusCode Status, JsonElement Answer)> PostAsync(FakeMesh mesh, string body)
    {
        using var content = new StringContent(body, Encoding.UTF8, "application/json");
        using HttpResponseMessage response = await mesh.Http.PostAsync("/v1/pnp", content, TestContext.Current.CancellationToken);
        return (response.StatusCode, JsonDocument.Parse(await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)).RootElement);
    }

    private static double[] Flat(JsonElement rows) => [.. rows.EnumerateArray().SelectMany(row => row.EnumerateArray()).Select(value => value.GetDouble())];
}
