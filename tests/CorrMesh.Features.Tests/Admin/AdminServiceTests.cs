using CorrMesh.Features.Tests.Support;
using CorrMesh.Hosting.Data;
using CorrMesh.Hosting.Errors;
using CorrMesh.Hosting.Security;
using CorrMesh.Models;
using CorrMesh.Protos.Admin.V1;
using CorrMesh.Protos.Features.V1;
using CorrMesh.Vision.Adapters;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using Xunit;
using Contract = CorrMesh.Protos.Admin.V1.AdminService;
using ServedContract = CorrMesh.Protos.Features.V1.FeatureService;

namespace CorrMesh.Features.Tests.Admin;

public sealed class AdminServiceTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    // Goal: a publication leaves what add-adapter would: the file as a blob, the manifest that names it, nothing else. Once more changes
    // nothing; deleting takes the name and leaves the file.
    [Fact]
    public async Task PublishTwiceListDelete_Adapter_FilesAreAsTheyShouldBe()
    {
        await using FeatureHost host = await FeatureHost.StartAsync();
        using GrpcChannel channel = Admin(host);
        var admin = new Contract.AdminServiceClient(channel);
        string root = host.Data.Root;
        byte[] content = AdapterOf(12);

        StoredAdapter published = (await admin.PublishAdapterAsync(Publish("mine", "tiny", content), cancellationToken: Token)).Adapter;
        string[] files = Files(root);
        StoredAdapter again = (await admin.PublishAdapterAsync(Publish("mine", "tiny", content), cancellationToken: Token)).Adapter;
        var listed = (await admin.ListAdaptersAsync(new ListAdaptersRequest(), cancellationToken: Token)).Adapters;

        Assert.Equal(content, File.ReadAllBytes(new DataDirectory(root).BlobPath(published.Digest)));
        Assert.Equal(published, again);
        Assert.Equal(files, Files(root));
        Assert.DoesNotContain(files, file => file.Contains("incoming", StringComparison.Ordinal));
        Assert.Equal(["mine", "tuned"], listed.Select(adapter => adapter.Name));
        Assert.Equal(published, listed[0]);

        await admin.DeleteAdapterAsync(new DeleteAdapterRequest { Name = "mine" }, cancellationToken: Token);

        Assert.Equal(["tuned"], (await admin.ListAdaptersAsync(new ListAdaptersRequest(), cancellationToken: Token)).Adapters.Select(adapter => adapter.Name));
        Assert.True(File.Exists(new DataDirectory(root).BlobPath(published.Digest)));
        await admin.DeleteAdapterAsync(new DeleteAdapterRequest { Name = "mine" }, cancellationToken: Token).FailsAsync(StatusCode.NotFound, "adapter");
    }

    [Fact]
    public async Task Publish_WrongRequests_AreRefusedAndLeaveNothing()
    {
        await using FeatureHost host = await FeatureHost.StartAsync();
        using GrpcChannel channel = Admin(host);
        var admin = new Contract.AdminServiceClient(channel);
        string[] before = Files(host.Data.Root);

        await admin.PublishAdapterAsync(Publish("../mine", "tiny", AdapterOf(12)), cancellationToken: Token).FailsAsync(StatusCode.InvalidArgument, "name");
        await admin.PublishAdapterAsync(Publish("mine", "", AdapterOf(12)), cancellationToken: Token).FailsAsync(StatusCode.InvalidArgument, "model");
        await admin.PublishAdapterAsync(Publish("mine", "nobody", AdapterOf(12)), cancellationToken: Token).FailsAsync(StatusCode.NotFound, "model");
        await admin.PublishAdapterAsync(Publish("mine", "tiny", []), cancellationToken: Token).FailsAsync(StatusCode.InvalidArgument, "content");
        RpcException damaged = await admin.PublishAdapterAsync(Publish("mine", "tiny", [1, 2, 3]), cancellationToken: Token).FailsAsync(StatusCode.InvalidArgument, "content");
        RpcException other = await admin.PublishAdapterAsync(Publish("mine", "wide", AdapterOf(12)), cancellationToken: Token).FailsAsync(StatusCode.InvalidArgument, "content");

        Assert.Equal(before, Files(host.Data.Root));
        Assert.All([damaged, other], error => Assert.DoesNotContain("incoming", error.Status.Detail, StringComparison.Ordinal));
        Assert.Contains("made for 12 channels", other.Status.Detail, StringComparison.Ordinal);
    }

    // Goal: each listener serves its own contracts and no others.
    [Fact]
    public async Task Listeners_OtherOnesContracts_AreUnimplemented()
    {
        await using FeatureHost host = await FeatureHost.StartAsync();
        using GrpcChannel channel = Admin(host);

        await new ServedContract.FeatureServiceClient(channel).ListModelsAsync(new ListModelsRequest(), cancellationToken: Token).FailsAsync(StatusCode.Unimplemented);
        await new Contract.AdminServiceClient(host.Channel(Hosting.MeshTopology.Features)).ListAdaptersAsync(new ListAdaptersRequest(), cancellationToken: Token).FailsAsync(StatusCode.Unimplemented);
    }

    [Fact]
    public async Task Calls_KeysInForce_NeedTheRoleAdmin()
    {
        await using FeatureHost host = await FeatureHost.StartAsync();
        (ApiKey user, string userText) = ApiKey.Create("someone", KeyRole.User, null, null, TimeProvider.System);
        (ApiKey operatorKey, string adminText) = ApiKey.Create("operator", KeyRole.Admin, null, null, TimeProvider.System);
        new KeyFile(1, [user, operatorKey]).Write(Path.Combine(host.Data.Root, ApiKeys.DefaultFile));
        await Task.Delay(700, Token);
        using GrpcChannel channel = Admin(host);
        var admin = new Contract.AdminServiceClient(channel);
        AsyncUnaryCall<ListAdaptersResponse> List(string? key) => admin.ListAdaptersAsync(new ListAdaptersRequest(), key is null ? [] : new Metadata { { "x-api-key", key } }, cancellationToken: Token);

        await List(null).FailsAsync(StatusCode.Unauthenticated);
        await List(adminText + "x").FailsAsync(StatusCode.Unauthenticated);
        await List(userText).FailsAsync(StatusCode.PermissionDenied);
        Assert.Single((await List(adminText)).Adapters);
    }

    private static GrpcChannel Admin(FeatureHost host) => GrpcChannel.ForAddress(host.Mesh.Endpoints[0].Admin!);

    private static PublishAdapterRequest Publish(string name, string model, byte[] content) => new() { Name = name, Model = model, Content = ByteString.CopyFrom(content) };

    private static string[] Files(string root) => [.. Directory.EnumerateFiles(root, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal)];

    private static byte[] AdapterOf(int width)
    {
        string file = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid():N}.safetensors");
        try
        {
            float[] matrix = [.. Enumerable.Range(0, 4 * width).Select(i => i / 100f)];
            AdapterFile.Write(file, new Vision.Adapters.Adapter(width, 4, [new LoraBlock(matrix, matrix, matrix, matrix)], []));
            return File.ReadAllBytes(file);
        }
        finally
        {
            File.Delete(file);
        }
    }
}
