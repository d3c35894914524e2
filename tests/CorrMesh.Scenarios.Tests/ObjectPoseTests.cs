using System.Net;
using System.Text.Json;
using CorrMesh.Geometry;
using CorrMesh.Protos.Common.V1;
using CorrMesh.Protos.Pose.V1;
using CorrMesh.Rendering.Files;
using CorrMesh.Rendering.Meshes;
using CorrMesh.Rendering.Raster;
using CorrMesh.Rendering.Views;
using CorrMesh.TestKit;
using CorrMesh.Vision.Images;
using Google.Protobuf;
using Grpc.Core;
using Xunit;
using MeshPart = CorrMesh.Protos.Pose.V1.MeshPart;
using RigidPose = CorrMesh.Geometry.RigidPose;
using WirePose = CorrMesh.Protos.Common.V1.RigidPose;

namespace CorrMesh.Scenarios.Tests;

/// <summary>An object from its files to its pose, with the built-in model, as clients have it.</summary>
public sealed class ObjectPoseTests
{
    private static readonly byte[] Ply = ColouredBox.Ply();
    private static readonly TriangleMesh Mesh = MeshFile.Read(Ply);
    private static readonly PinholeCamera Lens = new(480, 360, 500, 500, 239.5, 179.5);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    // Goal: what a mesh alone makes of a photo: status, pose, outline; and that an unlike picture has no sure pose. Method: rendered photos of known pose.
    [Fact]
    public async Task Mesh_RegisteredThenPhotographed_IsFound()
    {
        await using WholeMesh mesh = await StartAsync();
        var poses = new PoseService.PoseServiceClient(mesh.Grpc);
        ObjectInfo made = await CreateAsync(poses, new ObjectConfig { Id = "box", DisplayName = "a box", ViewCount = 24, RollCount = 1 }, WholeMeshFile());
        Assert.Equal((ObjectSource.Mesh, 24u, true), (made.Source, made.Pictures, made.HasMesh));
        Assert.InRange(made.DiameterM, 0.25, 0.27);
        Assert.Empty(made.Findings);

        int right = 0;
        RigidPose[] truths = [.. Enumerable.Range(0, 4).Select(Truth)];
        foreach (RigidPose truth in truths)
        {
            EstimatePoseResponse answer = await poses.EstimatePoseAsync(new EstimatePoseRequest { Image = Photo(truth), Camera = Wire(), Objects = { "box" }, ReturnOutline = true }, cancellationToken: Token);
            ObjectPose pose = Assert.Single(answer.Poses);
            Assert.Equal((480u, 360u), (answer.ImageSize.Width, answer.ImageSize.Height));
            if (pose.Status != PoseStatus.Solved || !IsNear(Read(pose.Best.ObjectToCamera), truth)) continue;
            right++;
            Assert.True(pose.Outline.Count > 20);
            Assert.Equal(36, pose.Best.Covariance.Count);
        }
        Assert.True(right >= 3, $"{right} of 4 right");

        var empty = new Image { Raw = new RawImage { Format = PixelFormat.Rgb8, Width = 480, Height = 360, Data = ByteString.CopyFrom(new byte[480 * 360 * 3]) } };
        Assert.True((await poses.EstimatePoseAsync(new EstimatePoseRequest { Image = empty, Camera = Wire(), Objects = { "box" } }, cancellationToken: Token)).Poses[0].Confidence < 0.5);
    }

    // Goal: posed pictures without depth, mesh or masks make an object, too. Method: eight pictures from around one side.
    [Fact]
    public async Task PicturesAlone_AreTriangulatedAndFound()
    {
        await using WholeMesh mesh = await StartAsync();
        var poses = new PoseService.PoseServiceClient(mesh.Grpc);
        CreateObjectRequest[] pictures =
        [
            .. Enumerable.Range(0, 8).Select(i => Turned(-20 + 6 * i, 25 + 2 * (i % 3))).Select(pose => new CreateObjectRequest
            {
                Picture = new ObjectPicture { Image = Photo(pose), Camera = Wire(), ObjectToCamera = Write(pose) },
            }),
        ];
        ObjectInfo made = await CreateAsync(poses, new ObjectConfig { Id = "seen" }, pictures);
        Assert.Equal((ObjectSource.Triangulated, 8u, false), (made.Source, made.Pictures, made.HasMesh));
        RigidPose truth = Turned(-2, 27);
        ObjectPose found = (await poses.EstimatePoseAsync(new EstimatePoseRequest { Image = Photo(truth), Camera = Wire(), Objects = { "seen" } }, cancellationToken: Token)).Poses[0];
        Assert.Equal(PoseStatus.Solved, found.Status);
        Assert.True(IsNear(Read(found.Best.ObjectToCamera), truth));
    }

    // Goal: a stream finds the object, follows it, says when it is gone and when it is back.
    [Fact]
    public async Task Stream_ObjectThatGoesAndComesBack_IsLostAndFoundAgain()
    {
        await using WholeMesh mesh = await StartAsync();
        var poses = new PoseService.PoseServiceClient(mesh.Grpc);
        await CreateAsync(poses, new ObjectConfig { Id = "box", ViewCount = 24, RollCount = 1 }, WholeMeshFile());
        using var call = poses.StreamPoses(cancellationToken: Token);
        await call.RequestStream.WriteAsync(new StreamPosesRequest { Config = new StreamPosesConfig { Objects = { "box" }, Camera = Wire(), Policy = new StreamPolicy { Mode = StreamPolicy.Types.Mode.All } } }, Token);
        RigidPose[] truths = [.. Enumerable.Range(0, 9).Select(i => Turned(-10 + 2 * i, 25))];
        for (int i = 0; i < truths.Length; i++)
            await call.RequestStream.WriteAsync(new StreamPosesRequest { Frame = new Frame { Sequence = (ulong)i + 1, Image = i is 4 or 5 ? Photo(null) : Photo(truths[i]) } }, Token);
        await call.RequestStream.CompleteAsync();
        var events = new List<TrackEvent>();
        while (await call.ResponseStream.MoveNext(Token))
        {
            TrackedPose tracked = call.ResponseStream.Current.Poses.Poses[0];
            int at = events.Count;
            events.Add(tracked.Event);
            if (at is not (4 or 5)) Assert.True(IsNear(Read(tracked.Pose.Best.ObjectToCamera), truths[at]), $"frame {at}");
            Assert.Equal(at is 1 or 2 or 3 or 6 or 7 or 8, tracked.Guided);
        }
        Assert.Equal([TrackEvent.Found, 0, 0, 0, TrackEvent.Lost, 0, TrackEvent.Refound, 0, 0], events);
    }

    // Goal: calls may be repeated; objects are listed page by page, exported and deleted.
    [Fact]
    public async Task Objects_RepeatedListedExportedDeleted_AreAsTheContractSays()
    {
        await using WholeMesh mesh = await StartAsync();
        var poses = new PoseService.PoseServiceClient(mesh.Grpc);
        var config = new ObjectConfig { Id = "a", RequestId = "one", ViewCount = 8, RollCount = 1 };
        ObjectInfo first = await CreateAsync(poses, config, WholeMeshFile()), again = await CreateAsync(poses, config, WholeMeshFile());
        Assert.Equal(first, again);
        var taken = await Assert.ThrowsAsync<RpcException>(() => CreateAsync(poses, new ObjectConfig { Id = "a" }, WholeMeshFile()));
        Assert.Equal(StatusCode.AlreadyExists, taken.StatusCode);
        // Made anew, it is the same byte for byte.
        Assert.Equal(first.Digest, (await CreateAsync(poses, new ObjectConfig { Id = "b", ViewCount = 8, RollCount = 1 }, WholeMeshFile())).Digest);

        ListObjectsResponse page = await poses.ListObjectsAsync(new ListObjectsRequest { PageSize = 1 }, cancellationToken: Token);
        Assert.Equal(("a", "a"), (Assert.Single(page.Objects).Id, page.NextPageToken));
        page = await poses.ListObjectsAsync(new ListObjectsRequest { PageSize = 1, PageToken = page.NextPageToken }, cancellationToken: Token);
        Assert.Equal(("b", ""), (Assert.Single(page.Objects).Id, page.NextPageToken));

        using var archive = new MemoryStream();
        using (var export = poses.ExportObject(new ExportObjectRequest { Id = "a" }, cancellationToken: Token))
            while (await export.ResponseStream.MoveNext(Token)) export.ResponseStream.Current.Content.WriteTo(archive);
        Assert.Equal(first.Digest, Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(archive.ToArray())));

        await poses.DeleteObjectAsync(new DeleteObjectRequest { Id = "a" }, cancellationToken: Token);
        var gone = await Assert.ThrowsAsync<RpcException>(() => poses.EstimatePoseAsync(new EstimatePoseRequest { Image = Photo(null), Camera = Wire(), Objects = { "a" } }, cancellationToken: Token).ResponseAsync);
        Assert.Equal(StatusCode.NotFound, gone.StatusCode);
    }

    // Goal: two pictures tell how the camera moved between them.
    [Fact]
    public async Task TwoPictures_TellTheMotion()
    {
        await using WholeMesh mesh = await StartAsync();
        var poses = new PoseService.PoseServiceClient(mesh.Grpc);
        // So near that there is nothing but the box to be seen.
        RigidPose one = Turned(-8, 12, 0.18), two = Turned(6, 18, 0.18);
        EstimateRelativePoseResponse answer = await poses.EstimateRelativePoseAsync(
            new EstimateRelativePoseRequest { Source = Photo(one), Target = Photo(two), SourceCamera = Wire(), SourceDepth = DepthOf(one) }, cancellationToken: Token);
        Assert.Equal(PoseStatus.Solved, answer.Status);
        RigidPose truth = two * one.Inverse(), found = Read(answer.Best.SourceToTarget);
        Assert.True(found.AngleTo(truth) < 5, $"{found.AngleTo(truth)} degrees");
        Assert.True(answer.Metric);
        double length = Math.Sqrt(truth.X * truth.X + truth.Y * truth.Y + truth.Z * truth.Z);
        Assert.InRange(Math.Sqrt(found.X * found.X + found.Y * found.Y + found.Z * found.Z), 0.7 * length, 1.3 * length);
    }

    // Goal: each refusal names the field, the bound and the value, and leaves nothing behind.
    [Fact]
    public async Task BadUploads_NameTheirFieldAndLeaveNothing()
    {
        await using WholeMesh mesh = await StartAsync();
        var poses = new PoseService.PoseServiceClient(mesh.Grpc);
        await RefusedAsync("config", []);
        await RefusedAsync("config.id", [new CreateObjectRequest { Config = new ObjectConfig { Id = "A/B" } }]);
        await RefusedAsync("part", [Config(new ObjectConfig { Id = "x" })]);
        await RefusedAsync("mesh", [Config(new ObjectConfig { Id = "x" }), new CreateObjectRequest { Mesh = new MeshPart { Content = ByteString.CopyFromUtf8("solid cube") } }]);
        await RefusedAsync("config.view_count", [Config(new ObjectConfig { Id = "x", ViewCount = 3 })]);
        await RefusedAsync("config.spec.tokens", [Config(new ObjectConfig { Id = "x", Spec = new FeatureSpec { Tokens = 7 } })]);
        await RefusedAsync("config.symmetries.continuous[0].direction", [Config(new ObjectConfig { Id = "x", Symmetries = new ObjectSymmetries { Continuous = { new Protos.Pose.V1.SymmetryAxis { Direction = new Vector3() } } } })]);
        await RefusedAsync("picture[0].camera", [Config(new ObjectConfig { Id = "x" }), new CreateObjectRequest { Picture = new ObjectPicture { Image = Photo(null) } }]);
        await RefusedAsync("picture[0].object_to_camera", [Config(new ObjectConfig { Id = "x" }), new CreateObjectRequest { Picture = new ObjectPicture { Image = Photo(null), Camera = Wire() } }]);
        await RefusedAsync("archive", [Config(new ObjectConfig { Id = "x" }), new CreateObjectRequest { Archive = ByteString.CopyFromUtf8("no zip") }]);
        // Poses with y up and z backward: the object is behind every camera, and the reason says so.
        var flipped = Turned(0, 25) with { Z = -0.5 };
        string reason = await RefusedAsync("picture", [Config(new ObjectConfig { Id = "x" }), WholeMeshFile(), new CreateObjectRequest { Picture = new ObjectPicture { Image = Photo(null), Camera = Wire(), ObjectToCamera = Write(flipped) } }]);
        Assert.Contains("OpenGL", reason, StringComparison.Ordinal);
        Assert.Empty((await poses.ListObjectsAsync(new ListObjectsRequest(), cancellationToken: Token)).Objects);

        async Task<string> RefusedAsync(string field, CreateObjectRequest[] parts)
        {
            using var call = poses.CreateObject(cancellationToken: Token);
            RpcException refused = await Assert.ThrowsAsync<RpcException>(async () =>
            {
                try
                {
                    foreach (CreateObjectRequest part in parts) await call.RequestStream.WriteAsync(part, Token);
                    await call.RequestStream.CompleteAsync();
                }
                catch (Exception exception) when (exception is not OperationCanceledException)
                {
                    // Refused already; the answer says why.
                }
                await call.ResponseAsync;
            });
            Assert.Equal((StatusCode.InvalidArgument, field), (refused.StatusCode, Hosting.Errors.RpcErrors.FieldViolations(refused)[0].Field));
            return refused.Status.Detail;
        }
    }

    // Goal: curl's way: a mesh goes in, a photo's pose comes out.
    [Fact]
    public async Task Http_MeshAndPhoto_GiveAPose()
    {
        await using WholeMesh mesh = await StartAsync();
        using var form = new MultipartFormDataContent { { new StringContent("box"), "id" }, { new StringContent("1"), "roll_count" }, { new StringContent("24"), "view_count" }, { new ByteArrayContent(Ply), "mesh", "box.ply" } };
        using HttpResponseMessage created = await mesh.Http.PostAsync("/v1/objects", form, Token);
        Assert.Equal(HttpStatusCode.Created, created.StatusCode);
        RigidPose truth = Turned(5, 30);
        using var photo = new MultipartFormDataContent
        {
            { new ByteArrayContent(PngEncoder.Encode(Render(truth).Image)), "image", "photo.png" },
            { new StringContent("box"), "object" }, { new StringContent("500"), "fx" }, { new StringContent("500"), "fy" }, { new StringContent("239.5"), "cx" }, { new StringContent("179.5"), "cy" },
        };
        using HttpResponseMessage answered = await mesh.Http.PostAsync("/v1/pose", photo, Token);
        JsonElement pose = (await WholeMesh.JsonAsync(answered)).GetProperty("poses")[0];
        Assert.Equal("solved", pose.GetProperty("status").GetString());
        double[] matrix = [.. pose.GetProperty("best").GetProperty("object_to_camera").EnumerateArray().SelectMany(row => row.EnumerateArray().Select(value => value.GetDouble()))];
        Assert.True(IsNear(RigidPose.FromRowMajor(matrix), truth));
    }

    private static Task<WholeMesh> StartAsync() => WholeMesh.StartAsync(("CorrMesh:Features:DefaultModel", "compact"));

    private static async Task<ObjectInfo> CreateAsync(PoseService.PoseServiceClient poses, ObjectConfig config, params CreateObjectRequest[] parts)
    {
        using var call = poses.CreateObject(cancellationToken: Token);
        await call.RequestStream.WriteAsync(Config(config), Token);
        foreach (CreateObjectRequest part in parts) await call.RequestStream.WriteAsync(part, Token);
        await call.RequestStream.CompleteAsync();
        return (await call.ResponseAsync).Object;
    }

    private static CreateObjectRequest Config(ObjectConfig config) => new() { Config = config };

    private static CreateObjectRequest WholeMeshFile() => new() { Mesh = new MeshPart { Content = ByteString.CopyFrom(Ply) } };

    private static bool IsNear(RigidPose pose, RigidPose truth) =>
        pose.AngleTo(truth) < 6 && Math.Abs(pose.X - truth.X) < 0.02 && Math.Abs(pose.Y - truth.Y) < 0.02 && Math.Abs(pose.Z - truth.Z) < 0.05;

    // Seen from above one of its long sides, turned by so many degrees, metres away.
    private static RigidPose Turned(double around, double above, double distance = 0.5)
    {
        (double a, double b) = (around * Math.PI / 180, above * Math.PI / 180);
        (double X, double Y, double Z) middle = (0.1, 0.07, 0.05), eye = (middle.X + distance * Math.Sin(a) * Math.Cos(b), middle.Y - distance * Math.Cos(a) * Math.Cos(b), middle.Z + distance * Math.Sin(b));
        return RigidPose.LookAt(eye, middle, (0, 0, 1));
    }

    private static RigidPose Truth(int i) => Turned(40 * i - 90, -30 + 14 * i);

    private static ObjectView Render(RigidPose? pose) => Renderer.Render(Mesh, Lens, pose ?? RigidPose.Identity with { Z = -5 }, new RenderOptions { Background = new System.Numerics.Vector3(0.15f, 0.2f, 0.25f), NearMetres = 0.001 });

    private static Image Photo(RigidPose? pose) => new()
    {
        Raw = new RawImage { Format = PixelFormat.Rgb8, Width = (uint)Lens.Width, Height = (uint)Lens.Height, Data = ByteString.CopyFrom(Render(pose).Image.Pixels) },
    };

    private static DepthImage DepthOf(RigidPose pose) => new()
    {
        Png = ByteString.CopyFrom(GreyPng.Encode(Array.ConvertAll(Render(pose).DepthMetres!, metres => (ushort)(1000 * metres)), Lens.Width, Lens.Height)),
    };

    private static Camera Wire() => new() { Fx = Lens.FocalX, Fy = Lens.FocalY, Cx = Lens.CentreX, Cy = Lens.CentreY };

    private static WirePose Write(RigidPose pose)
    {
        (double x, double y, double z, double w) = pose.ToQuaternion();
        return new WirePose { Rotation = new Quaternion { X = x, Y = y, Z = z, W = w }, Translation = new Vector3 { X = pose.X, Y = pose.Y, Z = pose.Z } };
    }

    private static RigidPose Read(WirePose pose) => RigidPose.FromQuaternion(pose.Rotation.X, pose.Rotation.Y, pose.Rotation.Z, pose.Rotation.W) with { X = pose.Translation.X, Y = pose.Translation.Y, Z = pose.Translation.Z };
}
