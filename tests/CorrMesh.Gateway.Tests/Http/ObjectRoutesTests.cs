using System.Net;
using CorrMesh.Hosting.Errors;
using CorrMesh.Protos.Common.V1;
using CorrMesh.Protos.Pose.V1;
using Grpc.Core;
using Xunit;

namespace CorrMesh.Gateway.Tests.Http;

public sealed class ObjectRoutesTests
{
    private const string Camera = """{"fx":1,"fy":2,"cx":3,"cy":4}""", Pose = "[[-1,0,0,5],[0,-1,0,6],[0,0,1,7],[0,0,0,1]]";

    private static readonly byte[] One = [1];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task PostObjects_MeshWithEveryField_ReachesTheService()
    {
        var pose = new FakePose();
        await using var mesh = await FakeMesh.StartAsync(pose);

        // The config is the first message wherever its fields are in the form.
        var answer = await mesh.PostAsync(
            "/v1/objects", ("mesh", new byte[] { 1, 2 }), ("resource", ("box.bin", new byte[] { 3 })), ("resource", ("tex/box.png", new byte[] { 4 })), ("id", "box"), ("display_name", "A box"), ("request_id", "mine"),
            ("model", "big"), ("adapter", "paper"), ("tokens", "40"), ("mesh_unit_m", "0.001"), ("view_count", "12"), ("roll_count", "4"), ("detect_symmetries", "true"),
            ("symmetries", $$$"""{"discrete":[{{{Pose}}}],"continuous":[{"direction":[0,0,1]},{"direction":[1,0,0],"offset":[1,2,3]}]}"""), ("box", """{"least":[-1,-2,-3],"greatest":[1,2,3]}"""));

        Assert.Equal(HttpStatusCode.Created, answer.StatusCode);
        Assert.Equal("/v1/objects/box", answer.Headers.Location?.ToString());
        var made = await answer.JsonAsync();
        Assert.Equal(
            """
            {"id":"box","display_name":"A box","create_time":"1970-01-01T00:00:00+00:00","source":"triangulated","identity":{"model":"compact","model_digest":"ab"},"tokens":40,"pictures":42,"sampled":1000,"kept":300,"diameter_m":0.25,"box":{"least":[-1,-2,-3],"greatest":[1,2,3]},"symmetries":{"discrete":[[[-1,0,0,4],[0,-1,0,5],[0,0,1,6],[0,0,0,1]]],"continuous":[{"direction":[0,0,1],"offset":[0,0,0]}]},"has_mesh":true,"duration_s":1.5,"findings":[{"kind":"millimetres","message":"m"}],"digest":"cd"}
            """,
            made.GetRawText().Replace("\\u002B", "+", StringComparison.Ordinal));
        CreateObjectRequest[] messages = [.. pose.Uploaded];
        Assert.Equal(
            new ObjectConfig
            {
                Id = "box",
                DisplayName = "A box",
                RequestId = "mine",
                Spec = new FeatureSpec { Model = "big", Adapter = "paper", Tokens = 40 },
                MeshUnitM = 0.001,
                ViewCount = 12,
                RollCount = 4,
                DetectSymmetries = true,
                Symmetries = new ObjectSymmetries
                {
                    Discrete = { FakePose.Pose(5, 6, 7) },
                    Continuous = { new SymmetryAxis { Direction = new Vector3 { Z = 1 } }, new SymmetryAxis { Direction = new Vector3 { X = 1 }, Offset = new Vector3 { X = 1, Y = 2, Z = 3 } } },
                },
                Box = new ObjectBox { Least = new Vector3 { X = -1, Y = -2, Z = -3 }, Greatest = new Vector3 { X = 1, Y = 2, Z = 3 } },
            },
            messages[0].Config);
        Assert.Equal([("", "AQI="), ("box.bin", "Aw=="), ("tex/box.png", "BA==")], messages[1..].Select(message => (message.Mesh.Name, message.Mesh.Content.ToBase64())));
    }

    [Fact]
    public async Task PostObjects_Pictures_ComeOneByOneWithCameraDepthAndMask()
    {
        var pose = new FakePose();
        await using var mesh = await FakeMesh.StartAsync(pose);

        var answer = await mesh.PostAsync(
            "/v1/objects", ("id", "box"), ("image", new byte[] { 1 }), ("depth", new byte[] { 2 }), ("mask", new byte[] { 3 }), ("image", new byte[] { 4 }), ("depth", new byte[] { 5 }), ("mask", new byte[] { 6 }), ("depth_unit_m", "0.0001"),
            ("camera", Camera), ("poses", $$$"""[{"object_to_camera":{{{Pose}}}},{"object_to_camera":{{{Pose}}},"camera":{"fx":9,"fy":9,"cx":9,"cy":9,"fisheye":[1,2,3,4]}}]"""));

        Assert.Equal(HttpStatusCode.Created, answer.StatusCode);
        CreateObjectRequest[] messages = [.. pose.Uploaded];
        Assert.NotEmpty(messages[0].Config.RequestId);
        Assert.Equal((0u, 0u, 0d, null, null), (messages[0].Config.ViewCount, messages[0].Config.RollCount, messages[0].Config.MeshUnitM, messages[0].Config.Symmetries, messages[0].Config.Box));
        ObjectPicture[] pictures = [.. messages[1..].Select(message => message.Picture)];
        Assert.Equal([("AQ==", "Ag==", "Aw==", 0.0001), ("BA==", "BQ==", "Bg==", 0.0001)], pictures.Select(picture => (picture.Image.Encoded.ToBase64(), picture.Depth.Png.ToBase64(), picture.Mask.ToBase64(), picture.Depth.UnitM)));
        Assert.All(pictures, picture => Assert.Equal(FakePose.Pose(5, 6, 7), picture.ObjectToCamera));
        Assert.Equal(new Camera { Fx = 1, Fy = 2, Cx = 3, Cy = 4 }, pictures[0].Camera);
        Assert.Equal(new Camera { Fx = 9, Fy = 9, Cx = 9, Cy = 9, Fisheye = new FisheyeDistortion { Coefficients = { 1, 2, 3, 4 } } }, pictures[1].Camera);
    }

    // Goal: an object may be larger than a message, its files each, too. Method: 64 KiB a message, and files and pictures of ten times that; the bytes come out again.
    [Theory]
    [InlineData("mesh")]
    [InlineData("views")]
    public async Task PostObjects_LargerThanAMessage_ComesInParts(string name)
    {
        var pose = new FakePose();
        await using var mesh = await FakeMesh.StartAsync(pose, ("CorrMesh:Limits:EncodedBytes", "32768"), ("CorrMesh:Limits:MessageBytes", "65536"));
        byte[] file = [.. Enumerable.Range(0, 655_360).Select(i => (byte)(i * 7 >> 3))];

        var answer = await mesh.PostAsync("/v1/objects", [("id", "box"), (name, file), .. name == "views" ? [("object_id", "0")] : ((string, object)[])[]]);

        Assert.Equal(HttpStatusCode.Created, answer.StatusCode);
        CreateObjectRequest[] messages = [.. pose.Uploaded];
        Assert.Equal(file, messages[1..].SelectMany(message => name == "mesh" ? message.Mesh.Content : message.Archive));
        Assert.Equal(name == "views" ? 1u : 0u, messages[0].Config.ArchiveObject);   // obj_id 0, plus 1
    }

    [Fact]
    public async Task PostObjects_PictureWithDepthLargerThanAMessage_IsTooLarge()
    {
        await using var mesh = await FakeMesh.StartAsync(new FakePose(), ("CorrMesh:Limits:EncodedBytes", "60000"), ("CorrMesh:Limits:MessageBytes", "65536"));

        var answer = await mesh.PostAsync("/v1/objects", ("id", "box"), ("image", new byte[50_000]), ("depth", new byte[50_000]), ("poses", $$$"""[{"camera":{{{Camera}}},"object_to_camera":{{{Pose}}}}]"""));

        Assert.Equal(["image[0]"], (await answer.ProblemAsync(413)).Fields);
    }

    // Goal: what the gateway finds wrong is named as the form has it. "mesh", "views" and "image" among the fields given are files.
    [Theory]
    [InlineData("id", "an id needed, none given", "mesh")]
    [InlineData("mesh", "a mesh, views or images needed, none given", "id=a")]
    [InlineData("views", "one of views and image allowed, both given", "id=a", "views", "image")]
    [InlineData("resource", "only with a mesh allowed", "id=a", "views", "resource")]
    [InlineData("resource[1]", "each file name once allowed, 'resource.png' given twice", "id=a", "mesh", "resource", "resource")]
    [InlineData("object_id", "only with views allowed", "id=a", "mesh", "object_id=3")]
    [InlineData("object_id", "a whole number needed, '-1' given", "id=a", "views", "object_id=-1")]
    [InlineData("object_id", "less than 2147483647 allowed, 4294967295 given", "id=a", "views", "object_id=4294967295")]
    [InlineData("tokens", "a whole number from 8 to 160 needed, '7' given", "id=a", "mesh", "tokens=7")]
    [InlineData("mesh_unit_m", "above 0 and at most 1000 allowed, 0 given", "id=a", "mesh", "mesh_unit_m=0")]
    [InlineData("mesh_unit_m", "a number needed, 'mm' given", "id=a", "mesh", "mesh_unit_m=mm")]
    [InlineData("view_count", "a whole number above 0 needed, 0 given", "id=a", "mesh", "view_count=0")]
    [InlineData("roll_count", "a whole number needed, 'two' given", "id=a", "mesh", "roll_count=two")]
    [InlineData("detect_symmetries", "true or false needed, 'yes' given", "id=a", "mesh", "detect_symmetries=yes")]
    [InlineData("symmetries.axes", "not JSON of the documented form, in line 1 at byte 9", "id=a", "mesh", """symmetries={"axes":[]}""")]
    [InlineData("symmetries.discrete[0]", "4 rows needed, 1 given", "id=a", "mesh", """symmetries={"discrete":[[[1]]]}""")]
    [InlineData("symmetries.continuous[0].direction", "3 numbers needed, 2 given", "id=a", "mesh", """symmetries={"continuous":[{"direction":[0,1]}]}""")]
    [InlineData("symmetries.continuous[0].direction", "3 numbers needed, 0 given", "id=a", "mesh", """symmetries={"continuous":[null]}""")]
    [InlineData("box.greatest", "3 numbers needed, 0 given", "id=a", "mesh", """box={"least":[0,0,0]}""")]
    [InlineData("box", "JSON of the documented form needed, null given", "id=a", "mesh", "box=null")]
    [InlineData("poses", "only with image allowed", "id=a", "mesh", "poses=[]")]
    [InlineData("camera", "only with image allowed", "id=a", "views", "camera={}")]
    [InlineData("mask", "only with image allowed", "id=a", "mesh", "mask")]
    [InlineData("depth_unit_m", "only with depth allowed", "id=a", "mesh", "depth_unit_m=1")]
    [InlineData("depth_unit_m", "only with depth allowed", "id=a", "image", "poses=[]", "depth_unit_m=1")]
    [InlineData("poses", "one for each image needed, none given", "id=a", "image")]
    [InlineData("poses", "2 needed, one for each image, 1 given", "id=a", "image", "image", "poses=[{}]")]
    [InlineData("depth", "2 needed, one for each image, 1 given", "id=a", "image", "image", "depth", "poses=[{},{}]")]
    [InlineData("mask", "1 needed, one for each image, 2 given", "id=a", "image", "mask", "mask", "poses=[{}]")]
    [InlineData("depth_unit_m", "above 0 and at most 1 allowed, 0 given", "id=a", "image", "depth", "depth_unit_m=0", "poses=[{}]")]
    [InlineData("poses[0]", "an object needed, null given", "id=a", "image", "poses=[null]")]
    [InlineData("poses[0].camera", "a camera needed, here or as camera of all pictures, none given", "id=a", "image", "poses=[{}]")]
    [InlineData("poses[0].camera.cy", "a number needed, none given", "id=a", "image", """poses=[{"camera":{"fx":1,"fy":1,"cx":1}}]""")]
    [InlineData("poses[0].camera.fx", "not JSON of the documented form, in line 1 at byte 21", "id=a", "image", """poses=[{"camera":{"fx":"x"}}]""")]
    [InlineData("camera.fx", "a number needed, none given", "id=a", "image", "poses=[{}]", "camera={}")]
    [InlineData("poses[0].object_to_camera", "4 rows needed, 0 given", "id=a", "image", "poses=[{}]", "camera=" + Camera)]
    [InlineData("poses[0].object_to_camera[3]", "4 numbers needed, 1 given", "id=a", "image", """poses=[{"object_to_camera":[[1,0,0,0],[0,1,0,0],[0,0,1,0],[1]]}]""", "camera=" + Camera)]
    [InlineData("poses[0].object_to_camera", "a rotation needed, R times its transpose is 3 from the identity, at most 0.001", "id=a", "image", """poses=[{"object_to_camera":[[2,0,0,0],[0,1,0,0],[0,0,1,0],[0,0,0,1]]}]""", "camera=" + Camera)]
    public async Task PostObjects_BadField_IsNamedAndNothingIsUploaded(string field, string description, params string[] given)
    {
        var pose = new FakePose();
        await using var mesh = await FakeMesh.StartAsync(pose);

        var (detail, fields) = await (await mesh.PostAsync("/v1/objects", [.. given.Select(part => part.Split('=', 2)).Select(part => (part[0], part.Length > 1 ? (object)part[1] : One))])).ProblemAsync(400);

        Assert.Equal($"{field}: {description}", detail);
        Assert.Equal([field], fields);
        Assert.Empty(pose.Uploaded);
    }

    [Fact]
    public async Task PostObjects_ResourceWithoutAName_IsNamed()
    {
        await using var mesh = await FakeMesh.StartAsync(new FakePose());
        using var nameless = new ByteArrayContent(One) { Headers = { ContentType = new("application/octet-stream") } };
        using var form = new MultipartFormDataContent { { new StringContent("a"), "id" }, { new ByteArrayContent(One), "mesh", "a.obj" }, { nameless, "resource" } };

        var (_, fields) = await (await mesh.Http.PostAsync("/v1/objects", form, Token)).ProblemAsync(400);

        Assert.Equal(["resource[0]"], fields);
    }

    // Goal: what the service finds wrong is named as this form has it. Method: the service's own paths, against the ways in which a form can have them.
    [Theory]
    [InlineData("mesh", "config.id", "id")]
    [InlineData("mesh", "config.spec.model", "model")]
    [InlineData("mesh", "config.spec.tokens", "tokens")]
    [InlineData("mesh", "config.mesh_unit_m", "mesh_unit_m")]
    [InlineData("mesh", "config.symmetries.discrete[1].rotation", "symmetries.discrete[1]")]
    [InlineData("mesh", "config.symmetries.discrete[1].translation.x", "symmetries.discrete[1]")]
    [InlineData("mesh", "config.symmetries.continuous[0].direction.z", "symmetries.continuous[0].direction")]
    [InlineData("mesh", "config.symmetries.continuous", "symmetries.continuous")]
    [InlineData("mesh", "config.box.least.y", "box.least")]
    [InlineData("mesh", "config.box", "box")]
    [InlineData("mesh", "config.view_count", "view_count")]
    [InlineData("mesh", "mesh", "mesh")]
    [InlineData("mesh", "mesh.name", "resource")]
    [InlineData("mesh", "part", "body")]
    [InlineData("views", "archive", "views")]
    [InlineData("views", "picture", "views")]
    [InlineData("views", "config.archive_object", "object_id")]
    [InlineData("image", "picture", "image")]
    [InlineData("image", "picture[3]", "image[3]")]
    [InlineData("image", "picture[3].image", "image[3]")]
    [InlineData("image", "picture[3].image.encoded", "image[3]")]
    [InlineData("image", "picture[3].depth", "depth[3]")]
    [InlineData("image", "picture[3].depth.png", "depth[3]")]
    [InlineData("image", "picture[3].depth.unit_m", "depth_unit_m")]
    [InlineData("image", "picture[3].mask", "mask[3]")]
    [InlineData("image", "picture[3].mask.encoded", "mask[3]")]
    [InlineData("image", "picture[0].object_to_camera", "poses[0].object_to_camera")]
    [InlineData("image", "picture[0].object_to_camera.translation.x", "poses[0].object_to_camera")]
    [InlineData("image", "picture[0].camera.fx", "poses[0].camera.fx")]
    [InlineData("image", "picture[0].camera.plain.coefficients", "poses[0].camera.distortion")]
    [InlineData("image", "picture[1].camera.fx", "camera.fx")]
    [InlineData("image", "picture[1].camera.fisheye.coefficients", "camera.fisheye")]
    public async Task PostObjects_ServiceBlamesTheContractsField_FormsOwnIsNamed(string given, string path, string field)
    {
        await using var mesh = await FakeMesh.StartAsync(new FakePose { OnCall = () => throw new FieldException(path, "d") });
        string poses = $$$"""[{"object_to_camera":{{{Pose}}},"camera":{{{Camera}}}},{"object_to_camera":{{{Pose}}}}]""";

        var (detail, fields) = await (await mesh.PostAsync(
            "/v1/objects", [("id", "a"), (given, One), .. given == "image" ? [("image", One), ("poses", poses), ("camera", Camera)] : ((string, object)[])[]])).ProblemAsync(400);

        Assert.Equal([field], fields);
        Assert.Equal($"{field}: d", detail);
    }

    // Goal: a service that refuses the first message is heard, and not the broken pipe that comes of it. Method: an upload of many messages to a service that reads none.
    [Theory]
    [InlineData(false, 400)]
    [InlineData(true, 409)]
    public async Task PostObjects_RefusedBeforeItIsRead_TheReasonIsTold(bool isTaken, int status)
    {
        await using var mesh = await FakeMesh.StartAsync(new FakePose { OnOpen = () => throw (isTaken ? RpcErrors.Of(StatusCode.AlreadyExists, "OBJECT_EXISTS", "config.id: a free one needed") : new FieldException("config.id", "d")) });

        var answer = await mesh.PostAsync("/v1/objects", ("id", "a"), ("mesh", new byte[20 << 20]));

        var (detail, fields) = await answer.ProblemAsync(status);
        if (isTaken) Assert.Equal("id: a free one needed", detail);
        else Assert.Equal(["id"], fields);
        if (isTaken) Assert.Equal("OBJECT_EXISTS", (await answer.JsonAsync()).GetProperty("reason").GetString());
    }

    // Goal: an object may take longer than other requests, but not for ever.
    [Theory]
    [InlineData("00:10:00", 201)]
    [InlineData("00:00:00.3", 504)]
    public async Task PostObjects_LongerThanARequest_HasADeadlineOfItsOwn(string timeout, int status)
    {
        await using var mesh = await FakeMesh.StartAsync(new FakePose { OnCall = () => Task.Delay(1000, Token) }, ("CorrMesh:Gateway:RequestTimeout", "00:00:00.3"), ("CorrMesh:Gateway:ObjectTimeout", timeout));

        var answer = await mesh.PostAsync("/v1/objects", ("id", "a"), ("mesh", One));

        Assert.Equal(status, (int)answer.StatusCode);
    }

    [Fact]
    public async Task Objects_ListGetDelete_AskTheService()
    {
        var pose = new FakePose();
        await using var mesh = await FakeMesh.StartAsync(pose);

        var first = await (await mesh.Http.GetAsync("/v1/objects?page_size=1", Token)).JsonAsync();
        Assert.Equal(new ListObjectsRequest { PageSize = 1 }, pose.Last);
        Assert.Equal(("box", "box"), (first.GetProperty("objects")[0].GetProperty("id").GetString(), first.GetProperty("next_page_token").GetString()));
        Assert.False((await (await mesh.Http.GetAsync("/v1/objects?page_token=box", Token)).JsonAsync()).TryGetProperty("next_page_token", out _));
        Assert.Equal(new ListObjectsRequest { PageToken = "box" }, pose.Last);
        Assert.Equal(["page_size"], (await (await mesh.Http.GetAsync("/v1/objects?page_size=0", Token)).ProblemAsync(400)).Fields);
        Assert.Equal("A box", (await (await mesh.Http.GetAsync("/v1/objects/box", Token)).JsonAsync()).GetProperty("display_name").GetString());
        Assert.Equal(new GetObjectRequest { Id = "box" }, pose.Last);
        var gone = await mesh.Http.DeleteAsync("/v1/objects/box", Token);
        Assert.Equal((HttpStatusCode.NoContent, 0), (gone.StatusCode, (await gone.Content.ReadAsByteArrayAsync(Token)).Length));
        Assert.Equal(new DeleteObjectRequest { Id = "box" }, pose.Last);
    }

    [Fact]
    public async Task GetArchive_Parts_ComeAsOneFile()
    {
        await using var mesh = await FakeMesh.StartAsync(new FakePose());

        var answer = await mesh.Http.GetAsync("/v1/objects/box/archive", Token);

        Assert.Equal(("application/zip", "box.zip"), (answer.Content.Headers.ContentType?.MediaType, answer.Content.Headers.ContentDisposition?.FileName));
        Assert.Equal([1, 1, 2, 2], await answer.Content.ReadAsByteArrayAsync(Token));
    }

    [Theory]
    [InlineData("GET", "/v1/objects/cup")]
    [InlineData("DELETE", "/v1/objects/cup")]
    [InlineData("GET", "/v1/objects/cup/archive")]
    public async Task Objects_NoSuchOne_IsNotFound(string method, string path)
    {
        await using var mesh = await FakeMesh.StartAsync(new FakePose { OnCall = () => throw new NotFoundException("object", "cup", "there is box") });
        using var request = new HttpRequestMessage(new HttpMethod(method), path);

        var answer = await mesh.Http.SendAsync(request, Token);

        Assert.Contains("cup", (await answer.ProblemAsync(404)).Detail, StringComparison.Ordinal);
        Assert.Equal("OBJECT_NOT_FOUND", (await answer.JsonAsync()).GetProperty("reason").GetString());
    }
}
