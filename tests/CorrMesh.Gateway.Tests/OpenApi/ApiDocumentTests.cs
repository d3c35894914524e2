using System.Net;
using System.Text.Json;
using System.Text.RegularExpressions;
using Xunit;

namespace CorrMesh.Gateway.Tests.OpenApi;

public sealed partial class ApiDocumentTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    // Goal: the document tells the truth about forms, formats and errors. Method: what a client generator would read.
    [Theory]
    [InlineData("/v1/features", "image*,model,adapter,tokens", "200,400,404,406,413,415,429,500,503,504")]
    [InlineData("/v1/match", "source*,target*,points,grid,model,adapter,tokens", "200,400,404,413,415,429,500,503,504")]
    [InlineData("/v1/features:render", "image*,long_side,model,adapter,tokens", "200,400,404,406,413,415,429,500,503,504")]
    [InlineData("/v1/match:heatmap", "source*,target*,point*,model,adapter,tokens", "200,400,404,406,413,415,429,500,503,504")]
    [InlineData(
        "/v1/pose", "image*,object*,fx,fy,cx,cy,camera,region,depth,depth_unit_m,camera_to_base,seed,outline", "200,400,404,409,413,415,429,500,503,504")]
    [InlineData(
        "/v1/pose:relative", "source*,target*,fx,fy,cx,cy,camera,target_camera,source_depth,depth_unit_m,model,adapter,tokens,seed", "200,400,404,413,415,429,500,503,504")]
    [InlineData(
        "/v1/objects",
        "id*,display_name,request_id,mesh,resource,views,object_id,image,poses,camera,depth,depth_unit_m,mask,model,adapter,tokens,mesh_unit_m,view_count,roll_count,symmetries,detect_symmetries,box",
        "201,400,404,409,413,415,429,500,503,504")]
    public async Task Document_FormRoute_DescribesFieldsAndErrors(string path, string fields, string statuses)
    {
        await using var mesh = await FakeMesh.StartAsync();

        var post = (await Document(mesh)).GetProperty("paths").GetProperty(path).GetProperty("post");

        var schema = post.GetProperty("requestBody").GetProperty("content").GetProperty("multipart/form-data").GetProperty("schema");
        string[] required = [.. schema.GetProperty("required").EnumerateArray().Select(name => name.GetString()!)];
        Assert.Equal(fields, string.Join(',', schema.GetProperty("properties").EnumerateObject().Select(field => field.Name + (required.Contains(field.Name) ? "*" : ""))));
        Assert.Equal(statuses, string.Join(',', post.GetProperty("responses").EnumerateObject().Select(response => response.Name).Order(StringComparer.Ordinal)));
        foreach (var response in post.GetProperty("responses").EnumerateObject().Where(response => response.Name is not ("200" or "201")))
            Assert.Equal("#/components/schemas/Problem", response.Value.GetProperty("content").GetProperty("application/problem+json").GetProperty("schema").GetProperty("$ref").GetString());
    }

    // Goal: a strict generated client accepts the answers: what may be absent is not required, and numbers are numbers.
    [Fact]
    public async Task Document_Answers_AreAsTheyCome()
    {
        await using var mesh = await FakeMesh.StartAsync();

        var schemas = (await Document(mesh)).GetProperty("components").GetProperty("schemas");

        Assert.Equal(["model", "model_digest"], schemas.GetProperty("IdentityReply").GetProperty("required").EnumerateArray().Select(name => name.GetString()!));
        Assert.Equal("number", schemas.GetProperty("PointReply").GetProperty("properties").GetProperty("x").GetProperty("type").GetString());
        Assert.Equal("integer", schemas.GetProperty("SizeReply").GetProperty("properties").GetProperty("width").GetProperty("type").GetString());
    }

    [Fact]
    public async Task Document_Paths_AreTheRoutesThatThereAre()
    {
        await using var mesh = await FakeMesh.StartAsync();

        var document = await Document(mesh);

        Assert.Equal(["/healthz", "/v1/adapters", "/v1/adapters/{name}", "/v1/adapters/{name}:rollback", "/v1/evaluations", "/v1/features", "/v1/features:render", "/v1/jobs", "/v1/jobs/{id}", "/v1/jobs/{id}/adapter", "/v1/jobs/{id}/events", "/v1/jobs/{id}/pictures/{name}", "/v1/jobs/{id}/report", "/v1/jobs/{id}:cancel", "/v1/jobs/{id}:resume", "/v1/match", "/v1/match:heatmap", "/v1/models", "/v1/objects", "/v1/objects/{id}", "/v1/objects/{id}/archive", "/v1/pnp", "/v1/pose", "/v1/pose:relative", "/v1/status"], document.GetProperty("paths").EnumerateObject().Select(path => path.Name).Order(StringComparer.Ordinal));
        Assert.Equal(
            ["application/json", "application/octet-stream", "application/x-npy"],
            document.GetProperty("paths").GetProperty("/v1/features").GetProperty("post").GetProperty("responses").GetProperty("200").GetProperty("content")
                .EnumerateObject().Select(format => format.Name).Order(StringComparer.Ordinal));
    }

    // Goal: the schemas name the fields as they are on the wire. Method: every property of a real answer must be in its schema.
    [Fact]
    public async Task Document_MatchSchema_HasThePropertiesOfARealAnswer()
    {
        await using var mesh = await FakeMesh.StartAsync();
        var schemas = (await Document(mesh)).GetProperty("components").GetProperty("schemas");

        var answer = await (await mesh.PostAsync("/v1/match", ("source", Sample.Picture), ("target", Sample.Picture), ("grid", "2"))).JsonAsync();

        Assert.Equal(Names(answer), Names(schemas.GetProperty("MatchesReply").GetProperty("properties")));
        Assert.Equal(Names(answer.GetProperty("matches")[0]), Names(schemas.GetProperty("MatchReply").GetProperty("properties")));
        static IEnumerable<string> Names(JsonElement element) => element.EnumerateObject().Select(property => property.Name).Order(StringComparer.Ordinal);
    }

    // Goal: a client generated from the document reads jobs. Method: every property of a real job, and of what is in it, must be in its schema, and what is required must be in it.
    [Fact]
    public async Task Document_JobSchema_HasThePropertiesOfARealJob()
    {
        await using var mesh = await FakeMesh.StartAsync();
        var schemas = (await Document(mesh)).GetProperty("components").GetProperty("schemas");

        var job = await (await mesh.Http.GetAsync("/v1/jobs/job-1", Token)).JsonAsync();

        Check("JobReply", job);
        Check("VerdictReply", job.GetProperty("verdict"));
        Check("FigureChangeReply", job.GetProperty("verdict").GetProperty("own"));
        Check("FigureChangeReply", job.GetProperty("verdict").GetProperty("references")[0]);
        Check("MatchFiguresReply", job.GetProperty("measurement").GetProperty("figures"));
        Check("PublishedAdapterReply", (await (await mesh.Http.GetAsync("/v1/adapters", Token)).JsonAsync()).GetProperty("adapters")[0]);
        void Check(string name, JsonElement element)
        {
            string[] given = [.. element.EnumerateObject().Select(property => property.Name)];
            Assert.Empty(given.Except(schemas.GetProperty(name).GetProperty("properties").EnumerateObject().Select(property => property.Name)));
            Assert.Empty(schemas.GetProperty(name).GetProperty("required").EnumerateArray().Select(property => property.GetString()!).Except(given));
        }
    }

    // Goal: as with jobs, for objects and poses. Method: the same.
    [Fact]
    public async Task Document_PoseSchemas_HaveThePropertiesOfRealAnswers()
    {
        await using var mesh = await FakeMesh.StartAsync(new FakePose());
        var schemas = (await Document(mesh)).GetProperty("components").GetProperty("schemas");
        (string, object)[] camera = [("fx", "1"), ("fy", "1"), ("cx", "1"), ("cy", "1")];

        var made = await (await mesh.Http.GetAsync("/v1/objects/box", Token)).JsonAsync();
        var poses = await (await mesh.PostAsync("/v1/pose", [("image", Sample.Picture), ("object", "box"), .. camera])).JsonAsync();
        var relative = await (await mesh.PostAsync("/v1/pose:relative", [("source", Sample.Picture), ("target", Sample.Picture), .. camera])).JsonAsync();

        Check("ObjectReply", made);
        Check("BoxReply", made.GetProperty("box"));
        Check("SymmetriesReply", made.GetProperty("symmetries"));
        Check("AxisReply", made.GetProperty("symmetries").GetProperty("continuous")[0]);
        Check("FindingReply", made.GetProperty("findings")[0]);
        Check("ObjectsReply", await (await mesh.Http.GetAsync("/v1/objects", Token)).JsonAsync());
        Check("PosesReply", poses);
        Check("ObjectPoseReply", poses.GetProperty("poses")[0]);
        Check("ObjectPoseReply", poses.GetProperty("poses")[1]);
        Check("PoseReply", poses.GetProperty("poses")[0].GetProperty("best"));
        Check("PoseTimingsReply", poses.GetProperty("timings"));
        Check("RelativePoseReply", relative);
        Check("MotionReply", relative.GetProperty("best"));
        void Check(string name, JsonElement element)
        {
            string[] given = [.. element.EnumerateObject().Select(property => property.Name)];
            Assert.Empty(given.Except(schemas.GetProperty(name).GetProperty("properties").EnumerateObject().Select(property => property.Name)));
            Assert.Empty(schemas.GetProperty(name).GetProperty("required").EnumerateArray().Select(property => property.GetString()!).Except(given));
        }
    }

    [Fact]
    public async Task Document_FormsOfJobs_HaveTheFieldsOfTheContract()
    {
        await using var mesh = await FakeMesh.StartAsync();
        var paths = (await Document(mesh)).GetProperty("paths");

        Assert.Equal(
            ["adapter", "adapter_name", "adapter_of_job", "display_name", "max_angle", "mesh", "mesh_of_job", "model", "object_id", "point_count", "request_id", "resource", "seed", "tokens", "view_count", "views"],
            Fields("/v1/evaluations").Order(StringComparer.Ordinal));
        Assert.Superset(new HashSet<string> { "mesh", "resource", "views", "object_id", "mesh_of_job", "measure_count", "publish_as", "cache_trunk" }, Fields("/v1/jobs").ToHashSet());
        IEnumerable<string> Fields(string path) => paths.GetProperty(path).GetProperty("post").GetProperty("requestBody").GetProperty("content").GetProperty("multipart/form-data")
            .GetProperty("schema").GetProperty("properties").EnumerateObject().Select(field => field.Name);
    }

    // Goal: the page works without a network beyond this server. Method: every address in it is relative and served here, and the
    // header that forbids a browser all others is there.
    [Fact]
    public async Task Docs_Page_UsesNothingFromElsewhere()
    {
        await using var mesh = await FakeMesh.StartAsync();

        var redirect = await mesh.Http.GetAsync("/docs", Token);
        var page = redirect.Headers.Location is { } location ? await mesh.Http.GetAsync(new Uri(mesh.Http.BaseAddress!, location), Token) : redirect;
        string html = await page.Content.ReadAsStringAsync(Token);

        Assert.Equal(HttpStatusCode.OK, page.StatusCode);
        Assert.DoesNotMatch(@"(src|href)=""(https?:)?//", html);
        Assert.StartsWith("default-src 'self'", page.Headers.GetValues("Content-Security-Policy").Single(), StringComparison.Ordinal);
        var scripts = ScriptSource().Matches(html);
        Assert.NotEmpty(scripts);
        foreach (Match script in scripts)
        {
            var asset = await mesh.Http.GetAsync(new Uri(page.RequestMessage!.RequestUri!, script.Groups[1].Value), Token);
            Assert.Equal(HttpStatusCode.OK, asset.StatusCode);
            Assert.True((await asset.Content.ReadAsByteArrayAsync(Token)).Length > 1000);
        }
    }

    [GeneratedRegex("<script[^>]* src=\"([^\"]+)\"")]
    private static partial Regex ScriptSource();

    private static async Task<JsonElement> Document(FakeMesh mesh) => await (await mesh.Http.GetAsync("/openapi/v1.json", Token)).JsonAsync();
}
