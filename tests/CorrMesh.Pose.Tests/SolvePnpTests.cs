using CorrMesh.Geometry;
using CorrMesh.Hosting;
using CorrMesh.Hosting.Errors;
using CorrMesh.Protos.Common.V1;
using CorrMesh.Protos.Pose.V1;
using Grpc.Core;
using Grpc.Net.Client;
using Microsoft.Extensions.Configuration;
using Xunit;
using Client = CorrMesh.Protos.Pose.V1.PoseService.PoseServiceClient;
using SolverPose = CorrMesh.Geometry.RigidPose;
using WirePose = CorrMesh.Protos.Common.V1.RigidPose;

namespace CorrMesh.Pose.Tests;

/// <summary>`SolvePnp` over gRPC on the loopback.</summary>
public sealed class SolvePnpTests : IAsyncLifetime
{
    private static readonly SolverPose Truth = SolverPose.LookAt((0.2, -0.3, -0.5), (0, 0, 0), (0, -1, 0));
    private static readonly PinholeCamera Pinhole = new(1280, 960, 900, 910, 640, 480);

    private Mesh mesh = null!;
    private GrpcChannel channel = null!;

    private static CancellationToken Test => TestContext.Current.CancellationToken;

    private Client Poses => new(channel);

    public async ValueTask InitializeAsync()
    {
        IConfiguration settings = new ConfigurationBuilder().AddInMemoryCollection([new("CorrMesh:Listen:PortBase", "0"), new("CorrMesh:Limits:Points", "200")]).Build();
        mesh = await Mesh.StartAsync(settings, [new PoseModule()], cancellationToken: Test);
        channel = GrpcChannel.ForAddress(mesh.Endpoints[0].Grpc);
    }

    public async ValueTask DisposeAsync()
    {
        channel.Dispose();
        await mesh.DisposeAsync();
    }

    // Goal: the pose comes back with all that the contract says of it. Method: 60 seeded points half a pixel off, 20 of them anywhere; a camera in a frame of the caller's.
    [Fact]
    public async Task SolvePnp_PairsWithOutliers_GiveThePose()
    {
        SolverPose cameraToBase = SolverPose.LookAt((1, 2, 3), (0, 0, 0), (0, 0, 1)).Inverse();
        SolvePnpRequest request = Request(60, noise: 0.5f, outliers: 20);
        (double x, double y, double z, double w) = cameraToBase.ToQuaternion();
        request.CameraToBase = new WirePose { Rotation = new Quaternion { X = -x, Y = -y, Z = -z, W = -w }, Translation = new Vector3 { X = cameraToBase.X, Y = cameraToBase.Y, Z = cameraToBase.Z } };
        SolvePnpResponse response = await Poses.SolvePnpAsync(request, cancellationToken: Test);
        Assert.Equal(PoseStatus.Solved, response.Status);
        AssertNear(Truth, response.Best.ObjectToCamera);
        AssertNear(cameraToBase * Truth, response.Best.ObjectToBase);
        Assert.True(response.Best.ObjectToCamera.Rotation.W >= 0);
        Assert.Equal(36, response.Best.Covariance.Count);
        Assert.All(Enumerable.Range(0, 6), i => Assert.True(response.Best.Covariance[7 * i] > 0));
        Assert.Equal(Enumerable.Range(20, 40).Select(i => (uint)i), response.InlierIndices.Where(i => i >= 20));
        Assert.InRange(response.NoisePx, 0.3, 0.8);
        Assert.True(response.ThresholdPx > response.NoisePx && response.Samples > 0 && response.Best.LogLikelihood > 0 && response.Timings.ComputeNs > 0);
    }

    // Goal: lenses and scores arrive. Method: the same points through each lens, with its coefficients.
    [Fact]
    public async Task SolvePnp_Lens_IsTakenAway()
    {
        double[] plain = [-0.2, 0.05, 0.001, 0.002], fisheye = [0.05, -0.01, 0.002, 0];
        SolvePnpRequest request = Request(40, LensDistortion.Plain(plain));
        request.Camera.Plain = new PlainDistortion { Coefficients = { plain } };
        AssertNear(Truth, (await Poses.SolvePnpAsync(request, cancellationToken: Test)).Best.ObjectToCamera);
        request = Request(40, LensDistortion.Fisheye(fisheye));
        request.Camera.Fisheye = new FisheyeDistortion { Coefficients = { fisheye } };
        request.Scores.Add(Enumerable.Range(0, 40).Select(i => (double)i));
        AssertNear(Truth, (await Poses.SolvePnpAsync(request, cancellationToken: Test)).Best.ObjectToCamera);
    }

    // Goal: that there is no pose is an answer, each kind by its name. Method: none, three, outliers alone, a line.
    [Fact]
    public async Task SolvePnp_NoPose_IsAnAnswerWithItsReason()
    {
        Assert.Equal(PoseStatus.TooFewPoints, (await Poses.SolvePnpAsync(Request(0), cancellationToken: Test)).Status);
        Assert.Equal(PoseStatus.TooFewPoints, (await Poses.SolvePnpAsync(Request(3), cancellationToken: Test)).Status);
        SolvePnpResponse chance = await Poses.SolvePnpAsync(Request(50, outliers: 50), cancellationToken: Test);
        Assert.Equal(PoseStatus.NoConsensus, chance.Status);
        Assert.Null(chance.Best);
        Assert.Empty(chance.InlierIndices);
        SolvePnpRequest line = Request(20);
        for (int i = 0; i < 20; i++) line.Correspondences[i].ObjectPoint = new Vector3 { X = 0.01 * i };
        Assert.Equal(PoseStatus.Degenerate, (await Poses.SolvePnpAsync(line, cancellationToken: Test)).Status);
    }

    // Goal: a bad field is named with its bound and value.
    [Theory]
    [InlineData("camera", "a camera needed, none given")]
    [InlineData("camera.fx", "finite and above 0 needed, 0 given")]
    [InlineData("camera.cy", "a finite number needed, NaN given")]
    [InlineData("camera.plain.coefficients", "4, 5, 8 or 12 values needed, 3 given")]
    [InlineData("camera.fisheye.coefficients", "finite values needed, Infinity given")]
    [InlineData("scores", "10 needed, one for each of correspondences, or none, 1 given")]
    [InlineData("max_error_px", "above 0 and at most 1000 allowed, 1001 given")]
    [InlineData("correspondences", "at most 200 allowed, 201 given")]
    [InlineData("correspondences[2].object_point", "a point needed, none given")]
    [InlineData("correspondences[1].image_point", "a point needed, none given")]
    [InlineData("camera_to_base.rotation", "a length of 1 to within 0.001 needed, 2 given")]
    [InlineData("camera_to_base.translation", "a vector needed, none given")]
    public async Task SolvePnp_BadField_IsNamed(string field, string description)
    {
        SolvePnpRequest request = Request(field == "correspondences" ? 201 : 10);
        switch (field)
        {
            case "camera": request.Camera = null; break;
            case "camera.fx": request.Camera.Fx = 0; break;
            case "camera.cy": request.Camera.Cy = double.NaN; break;
            case "camera.plain.coefficients": request.Camera.Plain = new PlainDistortion { Coefficients = { 1, 2, 3 } }; break;
            case "camera.fisheye.coefficients": request.Camera.Fisheye = new FisheyeDistortion { Coefficients = { 1, 2, 3, double.PositiveInfinity } }; break;
            case "scores": request.Scores.Add(1); break;
            case "max_error_px": request.MaxErrorPx = 1001; break;
            case "correspondences[2].object_point": request.Correspondences[2].ObjectPoint = null; break;
            case "correspondences[1].image_point": request.Correspondences[1].ImagePoint = null; break;
            case "camera_to_base.rotation": request.CameraToBase = new WirePose { Rotation = new Quaternion { W = 2 }, Translation = new Vector3() }; break;
            case "camera_to_base.translation": request.CameraToBase = new WirePose { Rotation = new Quaternion { W = 1 } }; break;
            default: break;
        }
        RpcException error = await Assert.ThrowsAsync<RpcException>(async () => await Poses.SolvePnpAsync(request, cancellationToken: Test));
        Assert.Equal(StatusCode.InvalidArgument, error.StatusCode);
        Assert.Equal([new FieldViolation(field, description)], error.FieldViolations());
    }

    private static SolvePnpRequest Request(int count, LensDistortion? lens = null, float noise = 0, int outliers = 0)
    {
        var random = new SeededRandom(6, (ulong)count);
        var request = new SolvePnpRequest { Camera = new Camera { Fx = Pinhole.FocalX, Fy = Pinhole.FocalY, Cx = Pinhole.CentreX, Cy = Pinhole.CentreY } };
        for (int i = 0; i < count; i++)
        {
            (double X, double Y, double Z) p = (random.Range(-0.1f, 0.1f), random.Range(-0.1f, 0.1f), random.Range(-0.1f, 0.1f)), c = Truth.Apply(p);
            (double x, double y) = lens?.Distort(c.X / c.Z, c.Y / c.Z) ?? (c.X / c.Z, c.Y / c.Z);
            (x, y) = i < outliers ? (random.Range(0, 1280), random.Range(0, 960)) : (Pinhole.FocalX * x + Pinhole.CentreX + noise * random.Normal(), Pinhole.FocalY * y + Pinhole.CentreY + noise * random.Normal());
            request.Correspondences.Add(new Correspondence { ObjectPoint = new Vector3 { X = p.X, Y = p.Y, Z = p.Z }, ImagePoint = new Point { X = x, Y = y } });
        }
        return request;
    }

    private static void AssertNear(SolverPose expected, WirePose actual)
    {
        var pose = SolverPose.FromQuaternion(actual.Rotation.X, actual.Rotation.Y, actual.Rotation.Z, actual.Rotation.W) with { X = actual.Translation.X, Y = actual.Translation.Y, Z = actual.Translation.Z };
        Assert.InRange(pose.AngleTo(expected), 0, 0.5);
        Assert.Equal(expected.X, pose.X, 0.01);
        Assert.Equal(expected.Y, pose.Y, 0.01);
        Assert.Equal(expected.Z, pose.Z, 0.01);
    }
}
