using System.Diagnostics;
using System.Globalization;
using CorrMesh.Protos.Common.V1;
using CorrMesh.Protos.Pose.V1;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using RigidPose = CorrMesh.Geometry.RigidPose;
using WirePose = CorrMesh.Protos.Common.V1.RigidPose;

namespace CorrMesh.Evaluation.Pose;

/// <summary>The whole mesh in a process of its own, asked for poses through its public API alone.</summary>
internal sealed class ServedPoses : IDisposable
{
    private readonly Process? host;
    private readonly string? data;
    private readonly GrpcChannel channel;

    private ServedPoses(Process? host, string? data, Uri address)
    {
        (this.host, this.data) = (host, data);
        channel = GrpcChannel.ForAddress(address, new GrpcChannelOptions { MaxReceiveMessageSize = null, MaxSendMessageSize = null });
        Client = new PoseService.PoseServiceClient(channel);
    }

    public PoseService.PoseServiceClient Client { get; }

    /// <summary>Starts the program that was built beside this one, on free ports, with an empty data directory.</summary>
    /// <param name="settings">Of the mesh.</param>
    public static ServedPoses Start(params string[] settings)
    {
        string program = Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, "..", "..", "CorrMesh.Host", new DirectoryInfo(AppContext.BaseDirectory).Name, "CorrMesh.Host"));
        string data = Directory.CreateTempSubdirectory("corrmesh-poses-").FullName;
        var start = new ProcessStartInfo(program, ["--http-port=0", "--grpc-port=0", "--port-base=0", $"--data={data}", .. settings.SelectMany(setting => new[] { "--set", setting })]) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["OMP_WAIT_POLICY"] = "passive";
        Process host = Process.Start(start) ?? throw new InvalidOperationException($"{program}: could not be started");
        host.ErrorDataReceived += (_, _) => { };
        host.BeginErrorReadLine();
        string ready = host.StandardOutput.ReadLine() ?? throw new InvalidOperationException("the mesh ended before it was ready");
        host.StandardOutput.ReadToEndAsync();
        return new ServedPoses(host, data, new Uri(ready.Split(' ').First(word => word.StartsWith("gateway.grpc=", StringComparison.Ordinal)).Split('=', 2)[1]));
    }

    /// <summary>A mesh that runs already.</summary>
    public static ServedPoses At(Uri address) => new(null, null, address);

    /// <summary>Makes an object, in the place of one of the same id.</summary>
    public async Task<ObjectInfo> CreateAsync(ObjectConfig config, IEnumerable<CreateObjectRequest> parts)
    {
        try
        {
            await Client.DeleteObjectAsync(new DeleteObjectRequest { Id = config.Id });
        }
        catch (RpcException exception) when (exception.StatusCode == StatusCode.NotFound)
        {
        }
        using var call = Client.CreateObject();
        await call.RequestStream.WriteAsync(new CreateObjectRequest { Config = config }).ConfigureAwait(false);
        foreach (CreateObjectRequest part in parts) await call.RequestStream.WriteAsync(part).ConfigureAwait(false);
        await call.RequestStream.CompleteAsync().ConfigureAwait(false);
        return (await call.ResponseAsync.ConfigureAwait(false)).Object;
    }

    /// <summary>A file of a mesh, in messages of 1 MiB.</summary>
    public static IEnumerable<CreateObjectRequest> MeshParts(string name, byte[] content) =>
        content.Chunk(1 << 20).Select(part => new CreateObjectRequest { Mesh = new MeshPart { Name = name, Content = UnsafeByteOperations.UnsafeWrap(part) } });

    public static WirePose Write(RigidPose pose)
    {
        (double x, double y, double z, double w) = pose.ToQuaternion();
        return new WirePose { Rotation = new Quaternion { X = x, Y = y, Z = z, W = w }, Translation = new Vector3 { X = pose.X, Y = pose.Y, Z = pose.Z } };
    }

    public static RigidPose Read(WirePose pose) => RigidPose.FromQuaternion(pose.Rotation.X, pose.Rotation.Y, pose.Rotation.Z, pose.Rotation.W) with
    {
        X = pose.Translation.X,
        Y = pose.Translation.Y,
        Z = pose.Translation.Z,
    };

    public void Dispose()
    {
        channel.Dispose();
        if (host is null) return;
        host.Kill();   // nothing of it is kept
        host.WaitForExit();
        host.Dispose();
        Directory.Delete(data!, recursive: true);
    }
}

/// <summary>Frames of a video, decoded by ffmpeg: 8-bit RGB.</summary>
internal static class VideoFrames
{
    /// <exception cref="InvalidDataException">ffmpeg is not there or cannot read the file.</exception>
    public static IEnumerable<byte[]> Read(string path, int width, int height)
    {
        var start = new ProcessStartInfo("ffmpeg", ["-v", "fatal", "-i", path, "-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", string.Create(CultureInfo.InvariantCulture, $"{width}x{height}"), "-"]) { RedirectStandardOutput = true };
        Process process;
        try
        {
            process = Process.Start(start)!;
        }
        catch (System.ComponentModel.Win32Exception exception)
        {
            throw new InvalidDataException("ffmpeg: needed to decode the video, not found (apt-get install ffmpeg)", exception);
        }
        using (process)
        {
            while (true)
            {
                var frame = new byte[3 * width * height];
                int read = process.StandardOutput.BaseStream.ReadAtLeast(frame, frame.Length, throwOnEndOfStream: false);
                if (read == 0) break;
                if (read < frame.Length) throw new InvalidDataException($"{path}: whole frames of {width} x {height} needed, {read} bytes at the end");
                yield return frame;
            }
            process.WaitForExit();
            if (process.ExitCode != 0) throw new InvalidDataException($"{path}: ffmpeg cannot read it");
        }
    }
}
