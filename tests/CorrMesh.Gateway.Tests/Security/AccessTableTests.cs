using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using CorrMesh.Gateway.Security;
using CorrMesh.Hosting;
using CorrMesh.Protos.Training.V1;
using Grpc.Core;
using Microsoft.AspNetCore.Routing;
using Xunit;
using ServiceDescriptor = Google.Protobuf.Reflection.ServiceDescriptor;

namespace CorrMesh.Gateway.Tests.Security;

/// <summary>Every route and every RPC of the mesh, by every way in, against no key, a wrong one, a user's and an admin's.</summary>
public sealed class AccessTableTests(ITestOutputHelper output)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private enum Need
    {
        Nothing,
        User,
        Admin,
    }

    // What each HTTP route needs. A route without a row here fails the test, and so does a row without a route.
    private static readonly Dictionary<string, Need> Routes = new()
    {
        ["GET /"] = Need.Nothing,
        ["HEAD /"] = Need.Nothing,
        ["GET /livez"] = Need.Nothing,
        ["GET /readyz"] = Need.Nothing,
        ["GET /healthz"] = Need.Nothing,
        ["GET /openapi/{documentName}.json"] = Need.Nothing,
        ["GET /metrics"] = Need.User,
        ["GET /v1/models"] = Need.User,
        ["GET /v1/status"] = Need.User,
        ["POST /v1/features:render"] = Need.User,
        ["POST /v1/match:heatmap"] = Need.User,
        ["POST /v1/features"] = Need.User,
        ["POST /v1/match"] = Need.User,
        ["POST /v1/pnp"] = Need.User,
        ["POST /v1/pose"] = Need.User,
        ["POST /v1/pose:relative"] = Need.User,
        ["POST /v1/objects"] = Need.User,
        ["GET /v1/objects"] = Need.User,
        ["GET /v1/objects/{id}"] = Need.User,
        ["DELETE /v1/objects/{id}"] = Need.User,
        ["GET /v1/objects/{id}/archive"] = Need.User,
        ["POST /v1/jobs"] = Need.User,
        ["GET /v1/jobs"] = Need.User,
        ["GET /v1/jobs/{id}"] = Need.User,
        ["POST /v1/jobs/{id}:cancel"] = Need.User,
        ["POST /v1/jobs/{id}:resume"] = Need.User,
        ["GET /v1/jobs/{id}/events"] = Need.User,
        ["GET /v1/jobs/{id}/adapter"] = Need.User,
        ["GET /v1/jobs/{id}/report"] = Need.User,
        ["GET /v1/jobs/{id}/pictures/{name}"] = Need.User,
        ["POST /v1/evaluations"] = Need.User,
        ["GET /v1/adapters"] = Need.User,
        ["PUT /v1/adapters/{name}"] = Need.Admin,
        ["POST /v1/adapters/{name}:rollback"] = Need.Admin,
        ["GET /runs"] = Need.Nothing,
        ["HEAD /runs"] = Need.Nothing,
        ["GET /runs/{id}"] = Need.Nothing,
        ["HEAD /runs/{id}"] = Need.Nothing,
        ["GET /poses"] = Need.Nothing,
        ["HEAD /poses"] = Need.Nothing,
        ["GET /no/such/route"] = Need.User,
        ["POST /docsx"] = Need.User,
        ["GET /V1/Models"] = Need.User,
    };

    // Not among the endpoints: middleware answers it, or nobody does.
    private static readonly string[] Unmapped = ["GET /metrics", "GET /no/such/route", "POST /docsx", "GET /V1/Models"];

    // What each gRPC service needs at the gateway.
    private static readonly Dictionary<string, Need> Contracts = new()
    {
        ["corrmesh.features.v1.FeatureService"] = Need.User,
        ["corrmesh.matching.v1.MatchingService"] = Need.User,
        ["corrmesh.pose.v1.PoseService"] = Need.User,
        ["corrmesh.training.v1.TrainingService"] = Need.User,
        ["corrmesh.admin.v1.AdminService"] = Need.Admin,
        ["corrmesh.status.v1.StatusService"] = Need.Admin,
        ["grpc.health.v1.Health"] = Need.Nothing,
        ["grpc.reflection.v1.ServerReflection"] = Need.User,
        ["grpc.reflection.v1alpha.ServerReflection"] = Need.User,
    };

    // Calls that need more than the rest of their contract.
    private static readonly Dictionary<string, Need> Calls = new()
    {
        ["corrmesh.training.v1.TrainingService/PublishAdapter"] = Need.Admin,
        ["corrmesh.training.v1.TrainingService/RollBackAdapter"] = Need.Admin,
    };

    // Goal: no way into the mesh is without an entry that says who may use it, and each lets in exactly those. Method: routes come from the
    // endpoints that the gateway mapped, RPCs from the contracts' descriptors; each is called with four credentials, RPCs as gRPC, as
    // gRPC-Web in both encodings and at the admin listener. "In" is every answer but 401 and 403, UNAUTHENTICATED and PERMISSION_DENIED.
    [Fact]
    public async Task EveryRouteAndCall_EachCredential_LetsInExactlyThoseWhoMay()
    {
        using var keys = new TestKeys();
        await using var mesh = await FakeMesh.StartAsync(settings: keys.Setting);
        (string Name, string? Key, int Rank)[] callers = [("no key", null, 0), ("wrong key", TestKeys.Wrong, 0), ("user", keys.User, 1), ("admin", keys.Admin, 2)];
        var wrong = new List<string>();
        int rows = 0;

        string[] mapped = [.. mesh.ServiceOf<EndpointDataSource>(MeshTopology.Gateway).Endpoints.OfType<RouteEndpoint>().SelectMany(MethodsOf).Distinct()];
        // The API's page is a package's, with as many files as it likes, and the mesh's own page has its files; their folders are open.
        string[] page = [.. mapped.Where(route => new[] { "/docs", "/docs/", "/assets/", "/samples/", "/favicon.svg" }.Any(open => route.Split(' ')[1] == open || (open[^1] == '/' && route.Split(' ')[1].StartsWith(open, StringComparison.Ordinal))))];
        Assert.NotEmpty(page);
        Assert.Equal(Routes.Keys.Except(Unmapped).Order(StringComparer.Ordinal), mapped.Except(page).Order(StringComparer.Ordinal));
        (string Route, Need Need)[] routes = [.. Routes.Select(row => (row.Key, row.Value)), .. page.Select(route => (route, Need.Nothing))];
        foreach ((string route, Need need) in routes)
            foreach (var (name, key, rank) in callers)
            {
                using var request = new HttpRequestMessage(new HttpMethod(route.Split(' ')[0]), route.Split(' ')[1].Replace("{documentName}", "v1", StringComparison.Ordinal).Replace("/{documentName?}", "", StringComparison.Ordinal));
                if (key is not null) request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
                using var response = await mesh.Http.SendAsync(request, Token);
                Judge(route, name, rank, need, response.StatusCode == HttpStatusCode.Unauthorized, response.StatusCode == HttpStatusCode.Forbidden);
            }

        ServiceDescriptor[] contracts =
        [
            .. MeshTopology.Contracts, .. MeshTopology.Services.SelectMany(service => service.AdminContracts), Grpc.Health.V1.Health.Descriptor,
            Protos.Status.V1.StatusService.Descriptor, Grpc.Reflection.V1.ServerReflection.Descriptor, Grpc.Reflection.V1Alpha.ServerReflection.Descriptor,
        ];
        Assert.Equal(Contracts.Keys.Order(StringComparer.Ordinal), contracts.Select(contract => contract.FullName).Order(StringComparer.Ordinal));
        Assert.Empty(Calls.Keys.Except(contracts.SelectMany(contract => contract.Methods).Select(method => $"{method.Service.FullName}/{method.Name}")));
        using var h2 = new HttpClient { DefaultRequestVersion = HttpVersion.Version20, DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact };
        foreach (var method in contracts.SelectMany(contract => contract.Methods))
            foreach (var (name, key, rank) in callers)
            {
                string path = $"/{method.Service.FullName}/{method.Name}";
                Need need = Calls.TryGetValue(path[1..], out Need more) ? more : Contracts[method.Service.FullName];
                JudgeCode($"gRPC {path}", name, rank, need, await CallAsync(h2, new Uri(mesh.GrpcAddress, path), "application/grpc", key));
                JudgeCode($"gRPC-Web {path}", name, rank, need, await CallAsync(mesh.Http, new Uri(mesh.Http.BaseAddress!, path), "application/grpc-web", key));
                JudgeCode($"gRPC-Web text {path}", name, rank, need, await CallAsync(mesh.Http, new Uri(mesh.Http.BaseAddress!, path), "application/grpc-web-text", key));
                bool admin = MeshTopology.Services.Any(service => service.AdminContracts.Contains(method.Service));
                StatusCode seen = await CallAsync(h2, new Uri(mesh.AdminAddress, path), "application/grpc", key);
                JudgeCode($"admin listener {path}", name, rank, Need.Admin, seen);
                // Beyond the keys: the admin listener serves admin contracts alone, and the gateway all others alone.
                if (rank == 2 && !admin && seen != StatusCode.Unimplemented) wrong.Add($"admin listener {path}: {seen}");
            }

        output.WriteLine($"{rows} rows: {routes.Length} routes and {contracts.Sum(contract => contract.Methods.Count)} RPCs (gRPC, gRPC-Web, gRPC-Web text, admin listener) x {callers.Length} credentials");
        Assert.Empty(wrong);
        Assert.Equal(rows, callers.Length * (routes.Length + 4 * contracts.Sum(contract => contract.Methods.Count)));

        void JudgeCode(string what, string caller, int rank, Need need, StatusCode code) =>
            Judge(what, caller, rank, need, code == StatusCode.Unauthenticated, code == StatusCode.PermissionDenied);

        void Judge(string what, string caller, int rank, Need need, bool unknown, bool denied)
        {
            rows++;
            var expected = (unknown: need != Need.Nothing && rank == 0, denied: rank == 1 && need == Need.Admin);
            if ((unknown, denied) != expected) wrong.Add($"{what} with {caller}: {(unknown ? "not known" : denied ? "denied" : "let in")}, needs {need}");
        }
    }

    [Fact]
    public async Task AdminCall_AtTheGatewayWithAnAdminsKey_IsNotServed()
    {
        using var keys = new TestKeys();
        await using var mesh = await FakeMesh.StartAsync(settings: keys.Setting);
        using var h2 = new HttpClient { DefaultRequestVersion = HttpVersion.Version20, DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact };

        foreach (string folder in MeshTopology.Services.SelectMany(service => service.AdminContracts).Select(contract => $"/{contract.FullName}"))
            Assert.Equal(StatusCode.Unimplemented, await CallAsync(h2, new Uri(mesh.GrpcAddress, folder + "/PublishAdapter"), "application/grpc", keys.Admin));
    }

    // Goal: no other way of writing a path publishes with a user's key. Method: what routing, here or at the service, might take for the same; nothing may reach the service.
    [Theory]
    [InlineData("POST", "/corrmesh.training.v1.TrainingService/publishadapter")]
    [InlineData("POST", "/CORRMESH.TRAINING.V1.TRAININGSERVICE/PublishAdapter")]
    [InlineData("POST", "/corrmesh.training.v1.TrainingService/PublishAdapter/")]
    [InlineData("POST", "/corrmesh.training.v1.TrainingService/Publish%41dapter")]
    [InlineData("POST", "/corrmesh.training.v1.TrainingService/Publish%2541dapter")]
    [InlineData("POST", "/corrmesh.training.v1.TrainingService/x/../PublishAdapter")]
    [InlineData("POST", "/corrmesh.training.v1.TrainingService%2fPublishAdapter")]
    [InlineData("POST", "/corrmesh.training.v1.TrainingService/PublishAdapter%2f")]
    [InlineData("PUT", "/V1/ADAPTERS/cup?job=job-1")]
    [InlineData("PUT", "/v1/adapters/cup/?job=job-1")]
    [InlineData("PUT", "/v1//adapters/cup?job=job-1")]
    [InlineData("PUT", "/v1/adapters//cup?job=job-1")]
    [InlineData("PUT", "/v1/%61dapters/cup?job=job-1")]
    [InlineData("POST", "/v1/adapters/cup%3arollback")]
    [InlineData("POST", "/v1/Adapters/cup:ROLLBACK")]
    public async Task Publish_PathDressedUp_NeverReachesTheServiceWithAUsersKey(string method, string path)
    {
        var training = new FakeTraining();
        using var keys = new TestKeys();
        await using var mesh = await FakeMesh.StartAsync(training, keys.Setting);
        bool isGrpc = path.Contains("corrmesh.", StringComparison.OrdinalIgnoreCase);
        // As written: a Uri would tidy it up.
        using var tcp = new System.Net.Sockets.TcpClient(mesh.Http.BaseAddress!.Host, mesh.Http.BaseAddress.Port);
        string body = isGrpc ? "Content-Type: application/grpc-web-text\r\nAccept: application/grpc-web-text\r\nContent-Length: 8\r\n\r\nAAAAAAA=" : "Content-Length: 0\r\n\r\n";
        await tcp.GetStream().WriteAsync(Encoding.ASCII.GetBytes($"{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nx-api-key: {keys.User}\r\n{body}"), Token);
        using var reader = new StreamReader(tcp.GetStream());

        string answer = await reader.ReadToEndAsync(Token);

        Assert.StartsWith("HTTP/1.1 ", answer, StringComparison.Ordinal);
        Assert.True(training is { LastPublish: null, LastRollBack: null }, answer);
    }

    // Goal: publishing by the way of a job needs an admin's key too, and training does not. Method: the form with and without the name, by both keys and without keys in force.
    [Fact]
    public async Task PostJobs_WithPublishAs_NeedsAnAdminsKey()
    {
        var training = new FakeTraining();
        using var keys = new TestKeys();
        await using var mesh = await FakeMesh.StartAsync(training, keys.Setting);
        mesh.Http.DefaultRequestHeaders.Add("x-api-key", keys.User);

        Assert.Equal(["publish_as"], (await (await mesh.PostAsync("/v1/jobs", ("mesh_of_job", "job-1"), ("publish_as", "cup"))).ProblemAsync(403)).Fields);
        Assert.Empty(training.Created);
        Assert.Equal(HttpStatusCode.Created, (await mesh.PostAsync("/v1/jobs", ("mesh_of_job", "job-1"))).StatusCode);
        mesh.Http.DefaultRequestHeaders.Remove("x-api-key");
        mesh.Http.DefaultRequestHeaders.Add("x-api-key", keys.Admin);
        Assert.Equal(HttpStatusCode.Created, (await mesh.PostAsync("/v1/jobs", ("mesh_of_job", "job-1"), ("publish_as", "cup"))).StatusCode);
        Assert.Equal("cup", training.Created[^1].PublishAs);

        await using var open = await FakeMesh.StartAsync();
        Assert.Equal(HttpStatusCode.Created, (await open.PostAsync("/v1/jobs", ("mesh_of_job", "job-1"), ("publish_as", "cup"))).StatusCode);
    }

    // Goal: the service learns from the gateway alone who calls. Method: both keys, each with a lie about itself, and a mesh without keys.
    [Fact]
    public async Task CreateFinetuneJob_CallerSaysItsRole_GatewayPutsTheTruth()
    {
        var training = new FakeTraining();
        using var keys = new TestKeys();
        await using var mesh = await FakeMesh.StartAsync(training, keys.Setting);
        var client = new TrainingService.TrainingServiceClient(mesh.Grpc);

        await client.CreateFinetuneJobAsync(new CreateFinetuneJobRequest(), new Metadata { { "x-api-key", keys.User }, { "corrmesh-caller-role", "admin" } }, cancellationToken: Token);
        Assert.Equal("user", training.LastRole);
        await client.CreateFinetuneJobAsync(new CreateFinetuneJobRequest(), new Metadata { { "x-api-key", keys.Admin }, { "corrmesh-caller-role", "user" } }, cancellationToken: Token);
        Assert.Null(training.LastRole);
    }

    [Theory]
    [InlineData("/healthz/../v1/models")]
    [InlineData("/docs/%2e%2e/v1/models")]
    [InlineData("//v1/models")]
    [InlineData("/docs/..%2fv1/models")]
    [InlineData("/V1/MODELS")]
    public async Task Get_PathDressedUp_NeverReachesAServiceWithoutAKey(string path)
    {
        var features = new FakeFeatures();
        using var keys = new TestKeys();
        await using var mesh = await FakeMesh.StartAsync(features, settings: keys.Setting);
        // As written: a Uri would tidy it up.
        using var tcp = new System.Net.Sockets.TcpClient(mesh.Http.BaseAddress!.Host, mesh.Http.BaseAddress.Port);
        await tcp.GetStream().WriteAsync(Encoding.ASCII.GetBytes($"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"), Token);
        using var reader = new StreamReader(tcp.GetStream());

        string answer = await reader.ReadToEndAsync(Token);

        Assert.DoesNotContain("default_model", answer, StringComparison.Ordinal);
        Assert.Matches("^HTTP/1.1 (401|404|400)", answer);
    }

    private static IEnumerable<string> MethodsOf(RouteEndpoint endpoint)
    {
        string path = "/" + endpoint.RoutePattern.RawText!.TrimStart('/');
        // gRPC's own endpoints and the proxy's are judged by descriptor.
        if (path.Contains("{**", StringComparison.Ordinal) || path.Split('/')[1].Contains('.', StringComparison.Ordinal)) return [];
        return endpoint.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods.Select(method => $"{method} {path}") ?? [];
    }

    /// <summary>Sends an empty message and reads the status that comes first, in the headers or in the trailers.</summary>
    private static async Task<StatusCode> CallAsync(HttpClient http, Uri address, string type, string? key)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, address) { Content = new ByteArrayContent(IsText(type) ? Encoding.ASCII.GetBytes(Convert.ToBase64String(new byte[5])) : new byte[5]) };
        (request.Version, request.VersionPolicy) = (http.DefaultRequestVersion, http.DefaultVersionPolicy);
        request.Content.Headers.ContentType = new MediaTypeHeaderValue(type);
        if (IsText(type)) request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue(type));
        request.Headers.TE.Add(new TransferCodingWithQualityHeaderValue("trailers"));
        if (key is not null) request.Headers.Add("x-api-key", key);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(Token);
        using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, ending.Token);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        if (response.Headers.TryGetValues("grpc-status", out var early)) return Parse(early.Single());
        // A watch does not end by itself: what has begun is let in.
        using var body = response.Content.ReadAsStream(ending.Token);
        byte[] first = new byte[IsText(type) ? 8 : 5];
        int count = await body.ReadAtLeastAsync(first, first.Length, throwOnEndOfStream: false, ending.Token);
        string text = IsText(type) ? Encoding.ASCII.GetString(first) : "";
        if (count == first.Length && (IsText(type) ? Convert.FromBase64String(text)[0] : first[0]) == 0) return StatusCode.OK;
        if (count == first.Length)
        {
            string rest = await new StreamReader(body).ReadToEndAsync(ending.Token);
            return Parse(System.Text.RegularExpressions.Regex.Match(IsText(type) ? Encoding.ASCII.GetString(Convert.FromBase64String(text + rest)) : rest, @"grpc-status: ?(\d+)").Groups[1].Value);
        }

        return response.TrailingHeaders.TryGetValues("grpc-status", out var late) ? Parse(late.Single()) : StatusCode.OK;
    }

    private static bool IsText(string type) => type.EndsWith("-text", StringComparison.Ordinal);

    private static StatusCode Parse(string code) => (StatusCode)int.Parse(code, CultureInfo.InvariantCulture);
}
