using System.Net;
using CorrMesh.Hosting.Errors;
using CorrMesh.Protos.Common.V1;
using CorrMesh.Protos.Pose.V1;
using Google.Protobuf;
using Xunit;

namespace CorrMesh.Gateway.Tests.Http;

public sealed class PoseRoutesTests
{
    private static readonly (string, object)[] Numbers = [("fx", "1"), ("fy", "2"), ("cx", "3"), ("cy", "4")];

    private static readonly Camera Pinhole = new() { Fx = 1, Fy = 2, Cx = 3, Cy = 4 };

    private static ByteString Picture => ByteString.CopyFrom(Sample.Picture);

    [Fact]
    public async Task PostPose_EveryField_ReachesTheServiceAndComesBack()
    {
        var pose = new FakePose();
        await using var mesh = await FakeMesh.StartAsync(pose);

        var answer = await mesh.PostAsync(
            "/v1/pose",
            [("image", Sample.Picture), ("object", "box, cup"), .. Numbers, ("region", "1,2, 30,40"), ("depth", new byte[] { 9 }), ("depth_unit_m", "0.01"), ("camera_to_base", "[[-1,0,0,5],[0,-1,0,6],[0,0,1,7],[0,0,0,1]]"), ("seed", "18446744073709551615"), ("outline", "true")]);

        Assert.Equal(
            new EstimatePoseRequest
            {
                Image = new Image { Encoded = Picture },
                Camera = Pinhole,
                Objects = { "box", "cup" },
                RegionOfInterest = new Rectangle { X = 1, Y = 2, Width = 30, Height = 40 },
                Depth = new DepthImage { Png = ByteString.CopyFrom(9), UnitM = 0.01 },
                CameraToBase = FakePose.Pose(5, 6, 7),
                Seed = ulong.MaxValue,
                ReturnOutline = true,
            },
            pose.Last);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        string rows = string.Join(',', Enumerable.Range(0, 6).Select(row => $"[{string.Join(',', Enumerable.Range(6 * row, 6))}]"));
        string first = """[[-1,0,0,1],[0,-1,0,2],[0,0,1,3],[0,0,0,1]]""", toBase = """[[-1,0,0,7],[0,-1,0,8],[0,0,1,9],[0,0,0,1]]""";
        Assert.Equal(
            $$$"""
            {"poses":[{"object":"box","status":"solved","best":{"object_to_camera":{{{first}}},"object_to_base":{{{toBase}}},"covariance":[{{{rows}}}],"log_likelihood":1},"alternatives":[{"object_to_camera":{{{first}}},"covariance":[{{{rows}}}],"log_likelihood":2}],"confidence":0.75,"matches":20,"inliers":12,"noise_px":1.25,"outline":[[1,2.5],[3,4]],"findings":[{"kind":"bgr","message":"b"}]},{"object":"cup","status":"no_consensus","alternatives":[],"confidence":0,"matches":3,"inliers":0,"noise_px":0,"findings":[]}],"image_size":{"width":640,"height":480},"timings":{"features_ms":1,"matching_ms":2,"solver_ms":0.5,"total_ms":4}}
            """,
            (await answer.JsonAsync()).GetRawText());
    }

    [Fact]
    public async Task PostPose_CameraAsJson_HasItsLens()
    {
        var pose = new FakePose();
        await using var mesh = await FakeMesh.StartAsync(pose);

        await mesh.PostAsync("/v1/pose", ("image", Sample.Picture), ("object", "box"), ("camera", """{"fx":1,"fy":2,"cx":3,"cy":4,"distortion":[1,2,3,4]}"""));

        Assert.Equal(
            new EstimatePoseRequest { Image = new Image { Encoded = Picture }, Camera = new Camera(Pinhole) { Plain = new PlainDistortion { Coefficients = { 1, 2, 3, 4 } } }, Objects = { "box" } },
            pose.Last);
    }

    [Theory]
    [InlineData(PoseStatus.Solved, "solved", 25)]
    [InlineData(PoseStatus.NoBaseline, "no_baseline", 9)]
    [InlineData(PoseStatus.TooFewPoints, "too_few_points", 0)]
    [InlineData(PoseStatus.Degenerate, "degenerate", 0)]
    [InlineData(PoseStatus.NoConsensus, "no_consensus", 0)]
    public async Task PostRelative_EveryField_ReachesTheServiceAndComesBack(PoseStatus status, string word, int covariance)
    {
        var pose = new FakePose
        {
            OnRelate = _ =>
            {
                EstimateRelativePoseResponse response = FakePose.Relative();
                response.Status = status;
                if (status == PoseStatus.NoBaseline) response.Best.SourceToTarget.Translation = null;
                while (response.Best.Covariance.Count > covariance) response.Best.Covariance.RemoveAt(covariance);
                if (covariance == 0) response.Best = null;
                return response;
            },
        };
        await using var mesh = await FakeMesh.StartAsync(pose);

        var answer = await mesh.PostAsync(
            "/v1/pose:relative",
            [("source", Sample.Picture), ("target", new byte[] { 8 }), .. Numbers, ("target_camera", """{"fx":5,"fy":6,"cx":7,"cy":8}"""), ("source_depth", new byte[] { 9 }), ("model", "big"), ("adapter", "paper"), ("tokens", "40"), ("seed", "3")]);

        Assert.Equal(
            new EstimateRelativePoseRequest
            {
                Source = new Image { Encoded = Picture },
                Target = new Image { Encoded = ByteString.CopyFrom(8) },
                SourceCamera = Pinhole,
                TargetCamera = new Camera { Fx = 5, Fy = 6, Cx = 7, Cy = 8 },
                Spec = new FeatureSpec { Model = "big", Adapter = "paper", Tokens = 40 },
                SourceDepth = new DepthImage { Png = ByteString.CopyFrom(9) },
                Seed = 3,
            },
            pose.Last);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        string best = covariance switch
        {
            25 => """
                "best":{"source_to_target":[[-1,0,0,0],[0,-1,0,0],[0,0,1,1],[0,0,0,1]],"covariance":[[0,1,2,3,4],[5,6,7,8,9],[10,11,12,13,14],[15,16,17,18,19],[20,21,22,23,24]],"log_likelihood":9,"length_deviation":0.125},
                """,
            9 => """
                "best":{"source_to_target":[[-1,0,0,0],[0,-1,0,0],[0,0,1,0],[0,0,0,1]],"covariance":[[0,1,2],[3,4,5],[6,7,8]],"log_likelihood":9,"length_deviation":0.125},
                """,
            _ => "",
        };
        Assert.Equal(
            $$$"""
            {"status":"{{{word}}}",{{{best}}}"alternatives":[],"metric":true,"matches":30,"inliers":20,"noise_px":0.5,"timings":{"features_ms":0,"matching_ms":0,"solver_ms":0,"total_ms":4}}
            """,
            (await answer.JsonAsync()).GetRawText());
    }

    // Goal: what the gateway finds wrong is named as the form has it. "image" and "depth" among the fields given are files; "numbers" are all four of the camera.
    [Theory]
    [InlineData("image", "a file needed, none given", "object=box", "numbers")]
    [InlineData("object", "1 to 16 ids needed, 0 given", "image", "numbers")]
    [InlineData("object", "1 to 16 ids needed, 17 given", "image", "numbers", "object=a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q")]
    [InlineData("camera", "a camera needed (fx, fy, cx and cy, or camera), none given", "image", "object=box")]
    [InlineData("camera", "one of camera and fx, fy, cx, cy allowed, both given", "image", "object=box", "fx=1", """camera={"fx":1,"fy":1,"cx":1,"cy":1}""")]
    [InlineData("camera.fy", "a number needed, none given", "image", "object=box", """camera={"fx":1}""")]
    [InlineData("camera.f", "not JSON of the documented form, in line 1 at byte 6", "image", "object=box", """camera={"f":1}""")]
    [InlineData("camera", "not JSON of the documented form, in line 1 at byte 1", "image", "object=box", "camera=x")]
    [InlineData("cy", "a number needed, none given", "image", "object=box", "fx=1", "fy=1", "cx=1")]
    [InlineData("fx", "a number needed, 'wide' given", "image", "object=box", "fx=wide", "fy=1", "cx=1", "cy=1")]
    [InlineData("region", "x,y,width,height in whole pixels needed, '1,2,3' given", "image", "object=box", "numbers", "region=1,2,3")]
    [InlineData("region", "x,y,width,height in whole pixels needed, '1,2,3,-4' given", "image", "object=box", "numbers", "region=1,2,3,-4")]
    [InlineData("depth_unit_m", "only with depth allowed", "image", "object=box", "numbers", "depth_unit_m=1")]
    [InlineData("depth_unit_m", "a number needed, 'mm' given", "image", "object=box", "numbers", "depth", "depth_unit_m=mm")]
    [InlineData("camera_to_base", "4 rows needed, 0 given", "image", "object=box", "numbers", "camera_to_base=[]")]
    [InlineData("camera_to_base[0]", "4 numbers needed, 0 given", "image", "object=box", "numbers", "camera_to_base=[null,null,null,null]")]
    [InlineData("seed", "a whole number needed, '-1' given", "image", "object=box", "numbers", "seed=-1")]
    [InlineData("outline", "true or false needed, '1' given", "image", "object=box", "numbers", "outline=1")]
    public async Task PostPose_BadField_IsNamed(string field, string description, params string[] given)
    {
        var pose = new FakePose();
        await using var mesh = await FakeMesh.StartAsync(pose);

        var (detail, fields) = await (await mesh.PostAsync(
            "/v1/pose", [.. given.SelectMany(part => part == "numbers" ? Numbers : [part.Split('=', 2) is [var name, var text] ? (name, text) : (part, (object)Sample.Picture)])])).ProblemAsync(400);

        Assert.Equal($"{field}: {description}", detail);
        Assert.Equal([field], fields);
        Assert.Null(pose.Last);
    }

    // Goal: what the service finds wrong is named as this form has it, whichever way its camera is given.
    [Theory]
    [InlineData("/v1/pose", false, "image.encoded", "image")]
    [InlineData("/v1/pose", false, "objects[1]", "object")]
    [InlineData("/v1/pose", false, "region_of_interest", "region")]
    [InlineData("/v1/pose", false, "depth.png", "depth")]
    [InlineData("/v1/pose", false, "depth.unit_m", "depth_unit_m")]
    [InlineData("/v1/pose", false, "camera_to_base.translation.x", "camera_to_base")]
    [InlineData("/v1/pose", false, "camera.fx", "fx")]
    [InlineData("/v1/pose", true, "camera.fx", "camera.fx")]
    [InlineData("/v1/pose", true, "camera.plain.coefficients", "camera.distortion")]
    [InlineData("/v1/pose:relative", false, "source_camera.cy", "cy")]
    [InlineData("/v1/pose:relative", true, "source_camera.fisheye.coefficients", "camera.fisheye")]
    [InlineData("/v1/pose:relative", true, "target_camera.fisheye.coefficients", "target_camera.fisheye")]
    [InlineData("/v1/pose:relative", true, "source_depth.png", "source_depth")]
    [InlineData("/v1/pose:relative", true, "source_depth.unit_m", "depth_unit_m")]
    [InlineData("/v1/pose:relative", true, "source", "source")]
    [InlineData("/v1/pose:relative", true, "target.image.encoded", "target")]
    [InlineData("/v1/pose:relative", true, "spec.tokens", "tokens")]
    public async Task Post_ServiceBlamesTheContractsField_FormsOwnIsNamed(string route, bool isJson, string path, string field)
    {
        await using var mesh = await FakeMesh.StartAsync(new FakePose { OnCall = () => throw new FieldException(path, "d") });
        (string, object)[] camera = isJson ? [("camera", """{"fx":1,"fy":1,"cx":1,"cy":1}""")] : Numbers, pictures = route == "/v1/pose" ? [("image", Sample.Picture), ("object", "box")] : [("source", Sample.Picture), ("target", Sample.Picture)];

        var (_, fields) = await (await mesh.PostAsync(route, [.. pictures, .. camera])).ProblemAsync(400);

        Assert.Equal([field], fields);
    }

    [Theory]
    [InlineData("target", "a file needed, none given", "source", "numbers")]
    [InlineData("target_camera.fy", "a number needed, none given", "source", "target", "numbers", """target_camera={"fx":1}""")]
    [InlineData("depth_unit_m", "only with source_depth allowed", "source", "target", "numbers", "depth_unit_m=1")]
    [InlineData("tokens", "a whole number from 8 to 160 needed, '1000' given", "source", "target", "numbers", "tokens=1000")]
    [InlineData("seed", "a whole number needed, '1.5' given", "source", "target", "numbers", "seed=1.5")]
    public async Task PostRelative_BadField_IsNamed(string field, string description, params string[] given)
    {
        await using var mesh = await FakeMesh.StartAsync(new FakePose());

        var (detail, fields) = await (await mesh.PostAsync(
            "/v1/pose:relative", [.. given.SelectMany(part => part == "numbers" ? Numbers : [part.Split('=', 2) is [var name, var text] ? (name, text) : (part, (object)Sample.Picture)])])).ProblemAsync(400);

        Assert.Equal($"{field}: {description}", detail);
        Assert.Equal([field], fields);
    }

    [Fact]
    public async Task PostPose_StaleOrMissingObject_HasTheServicesWord()
    {
        await using var stale = await FakeMesh.StartAsync(new FakePose { OnEstimate = _ => throw RpcErrors.Of(Grpc.Core.StatusCode.FailedPrecondition, "OBJECT_STALE", "object: 'box' was made with weights that have gone") });
        await using var missing = await FakeMesh.StartAsync(new FakePose { OnEstimate = _ => throw new NotFoundException("object", "box", "there are none") });

        foreach (var (mesh, status, reason) in new[] { (stale, 409, "OBJECT_STALE"), (missing, 404, "OBJECT_NOT_FOUND") })
        {
            var answer = await mesh.PostAsync("/v1/pose", [("image", Sample.Picture), ("object", "box"), .. Numbers]);
            await answer.ProblemAsync(status);
            Assert.Equal(reason, (await answer.JsonAsync()).GetProperty("reason").GetString());
        }
    }
}
