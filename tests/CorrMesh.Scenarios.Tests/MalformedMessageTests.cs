using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using CorrMesh.Features.Tests.Support;
using CorrMesh.Hosting;
using CorrMesh.Protos.Admin.V1;
using CorrMesh.Protos.Features.V1;
using Google.Protobuf.Reflection;
using Google.Rpc;
using Grpc.Core;
using Grpc.Net.Client;
using Xunit;

namespace CorrMesh.Scenarios.Tests;

/// <summary>Messages that nobody can read, sent to everything that reads messages.</summary>
public sealed class MalformedMessageTests(ITestOutputHelper output)
{
    private static readonly (string Name, byte Flag, byte[] Payload)[] Garbage =
    [
        ("field cut short", 0, [0x0a, 0x05, 0x01]),
        ("no wire type", 0, [0x0f]),
        ("endless varint", 0, [0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
        ("negative length", 0, [0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]),
        ("deep nesting", 0, [.. Enumerable.Repeat((byte)0x0b, 200)]),
        ("no gzip", 1, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]),
        ("no flag", 2, [0x08]),
    ];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    // Goal: a message that cannot be read is the caller's fault, told with details, whichever call of whichever service it is for and whichever
    // way it comes, and changes nothing. Method: every RPC of every contract at each listener that serves it, with each kind of garbage; a
    // picture's features are there before and after, and so is everything that can be listed.
    [Fact]
    public async Task EveryCall_MessageThatCannotBeRead_IsInvalidArgumentWithDetailsAndChangesNothing()
    {
        await using WholeMesh mesh = await WholeMesh.StartAsync();
        MeshEndpoint features = Of(MeshTopology.Features), matching = Of(MeshTopology.Matching), training = Of(MeshTopology.Training), pose = Of(MeshTopology.Pose), gateway = Of(MeshTopology.Gateway);
        ServiceDescriptor[] everywhere = [Grpc.Health.V1.Health.Descriptor, Protos.Status.V1.StatusService.Descriptor, Grpc.Reflection.V1.ServerReflection.Descriptor, Grpc.Reflection.V1Alpha.ServerReflection.Descriptor];
        (string Name, Uri Address, string Type, ServiceDescriptor[] Contracts)[] doors =
        [
            ("features", features.Grpc, "application/grpc", [.. MeshTopology.Get(MeshTopology.Features).Contracts, .. everywhere]),
            ("features, admin", features.Admin!, "application/grpc", [.. MeshTopology.Get(MeshTopology.Features).AdminContracts]),
            ("matching", matching.Grpc, "application/grpc", [.. MeshTopology.Get(MeshTopology.Matching).Contracts, .. everywhere]),
            ("training", training.Grpc, "application/grpc", [.. MeshTopology.Get(MeshTopology.Training).Contracts, .. everywhere]),
            ("pose", pose.Grpc, "application/grpc", [.. MeshTopology.Get(MeshTopology.Pose).Contracts, .. everywhere]),
            ("gateway", gateway.Grpc, "application/grpc", [.. MeshTopology.Contracts, .. everywhere]),
            ("gateway, gRPC-Web", gateway.Http, "application/grpc-web", [.. MeshTopology.Contracts, .. everywhere]),
        ];
        using var http = new HttpClient();
        string before = await EverythingAsync();
        var wrong = new List<string>();
        int rows = 0;

        foreach (var door in doors)
            foreach (var method in door.Contracts.SelectMany(contract => contract.Methods))
                foreach (var (name, flag, payload) in Garbage)
                {
                    rows++;
                    string path = $"/{method.Service.FullName}/{method.Name}";
                    (StatusCode code, Google.Rpc.Status? details) = await SendAsync(http, new Uri(door.Address, path), door.Type, flag, payload);
                    if (code != StatusCode.InvalidArgument || details?.GetDetail<BadRequest>()?.FieldViolations is not [{ Field: "message", Description.Length: > 0 }])
                        wrong.Add($"{door.Name}: {path} with {name}: {code} {details}");
                }

        output.WriteLine($"{rows} calls");
        Assert.Empty(wrong);
        Assert.Equal(before, await EverythingAsync());
        Assert.Equal(HttpStatusCode.OK, (await mesh.Http.GetAsync("/healthz", Token)).StatusCode);

        MeshEndpoint Of(string service) => mesh.Endpoints.First(endpoint => endpoint.Service == service);

        async Task<string> EverythingAsync()
        {
            using var admin = GrpcChannel.ForAddress(features.Admin!);
            var client = new FeatureService.FeatureServiceClient(mesh.Grpc);
            return string.Join('\n',
                await client.ListModelsAsync(new ListModelsRequest(), cancellationToken: Token),
                await new AdminService.AdminServiceClient(admin).ListAdaptersAsync(new ListAdaptersRequest(), cancellationToken: Token),
                (await client.ExtractFeaturesAsync(new ExtractFeaturesRequest { Source = Make.Source(64, 48, 1) }, cancellationToken: Token)).Reference);
        }
    }

    private static async Task<(StatusCode Code, Google.Rpc.Status? Details)> SendAsync(HttpClient http, Uri address, string type, byte flag, byte[] payload)
    {
        byte[] body = new byte[5 + payload.Length];
        body[0] = flag;
        BinaryPrimitives.WriteInt32BigEndian(body.AsSpan(1), payload.Length);
        payload.CopyTo(body, 5);
        bool isWeb = type != "application/grpc";
        using var request = new HttpRequestMessage(HttpMethod.Post, address) { Content = new ByteArrayContent(body), Version = isWeb ? HttpVersion.Version11 : HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue(type);
        request.Headers.TE.Add(new TransferCodingWithQualityHeaderValue("trailers"));
        request.Headers.Add("grpc-encoding", "gzip");
        using var response = await http.SendAsync(request, Token);
        string? Value(string name) => response.Headers.TryGetValues(name, out var early) ? early.Single() : response.TrailingHeaders.TryGetValues(name, out var late) ? late.Single() : null;
        string? details = Value("grpc-status-details-bin");
        return ((StatusCode)int.Parse(Value("grpc-status") ?? "-1", CultureInfo.InvariantCulture),
            details is null ? null : Google.Rpc.Status.Parser.ParseFrom(Convert.FromBase64String(details.PadRight((details.Length + 3) / 4 * 4, '='))));
    }
}
