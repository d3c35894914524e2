using CorrMesh.Geometry;
using CorrMesh.Hosting.Options;
using CorrMesh.Pose.Objects;
using CorrMesh.Protos.Pose.V1;

namespace CorrMesh.Pose.Tests.Support;

/// <summary>Small objects for tests, and a data directory that goes away.</summary>
internal sealed class Made : IDisposable
{
    public string Folder { get; } = Directory.CreateTempSubdirectory("corrmesh-pose-").FullName;

    public ObjectStore Store(PoseOptions? options = null) => new(new DataOptions { Directory = Folder }, options ?? new PoseOptions(), TimeProvider.System);

    /// <summary>A model of so many rows; equal seeds are equal models.</summary>
    public static ObjectModel Model(int rows = 20, ulong seed = 0, bool withMesh = false)
    {
        var random = new SeededRandom(seed, 1);
        const int channels = 8;
        float[] points = [.. Enumerable.Range(0, 3 * rows).Select(_ => random.Range(-0.1f, 0.1f))];
        byte[] descriptors = new byte[2 * rows * channels];
        for (int i = 0; i < rows * channels; i++) BitConverter.TryWriteBytes(descriptors.AsSpan(2 * i), (Half)random.Range(-1, 1));
        var all = new DescriptorRows(channels, points, descriptors, new byte[3 * rows], [[.. Enumerable.Range(0, rows / 2)], [.. Enumerable.Range(rows / 2, rows - rows / 2)]]);
        ObjectSurface? surface = withMesh ? new ObjectSurface([new(0, 0, 0), new(0.1f, 0, 0), new(0, 0.1f, 0)], [0, 1, 2]) : null;
        return new ObjectModel([RigidPose.Identity with { Z = 1 }, RigidPose.FromQuaternion(0, 1, 0, 0) with { Z = 1 }], all, all, surface);
    }

    public static ObjectManifest Manifest(string id, string archive, string requestId = "", string upload = "") => new(
        ObjectManifest.CurrentSchema, id, "", DateTimeOffset.UnixEpoch, requestId, upload, ObjectSource.Depth, "compact", new string('a', 64), "", "", 40, 2, 50, 40, 0.3,
        [-0.1, -0.1, -0.1, 0.1, 0.1, 0.1], [], [[0, 0, 1, 0, 0, 0]], false, 1.5, [["millimetres", "config.mesh_unit_m: too large."]], archive);

    public void Dispose() => Directory.Delete(Folder, recursive: true);
}
