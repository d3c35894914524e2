using System.IO.Compression;
using System.Numerics;
using System.Runtime.InteropServices;
using CorrMesh.Geometry;

namespace CorrMesh.Pose.Objects;

/// <summary>An object's points and descriptors as a file that NumPy opens: a zip of arrays. Equal objects are equal files.</summary>
/// <remarks>
/// pictures f8 [V, 4, 4] (object to camera); for `wide` and `close`: _points f4 [N, 3] (metres), _descriptors f2 [N, C], _colours u1 [N, 3],
/// _rows i4 [M] and _starts i4 [V + 1] (picture v shows rows[starts[v] : starts[v + 1]]); of a symmetric object wide_points lie on one of the sides that
/// look the same; with a mesh, mesh_positions f4 [P, 3] and mesh_faces i4 [F, 3].
/// </remarks>
internal static class ObjectArchive
{
    private static readonly DateTimeOffset SomeTime = new(1980, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public static void Write(Stream to, ObjectModel model)
    {
        using var zip = new ZipArchive(to, ZipArchiveMode.Create, leaveOpen: true);
        double[] poses = [.. model.Pictures.SelectMany(pose => pose.Matrix())];
        Add("pictures", "<f8", MemoryMarshal.AsBytes<double>(poses), model.Pictures.Length, 4, 4);
        AddRows("wide", model.Wide);
        AddRows("close", model.Close);
        if (model.Surface is not { } surface) return;
        Add("mesh_positions", "<f4", MemoryMarshal.AsBytes<Vector3>(surface.Positions), surface.Positions.Length, 3);
        Add("mesh_faces", "<i4", MemoryMarshal.AsBytes<int>(surface.Indices), surface.Indices.Length / 3, 3);

        void AddRows(string name, DescriptorRows rows)
        {
            Add($"{name}_points", "<f4", MemoryMarshal.AsBytes<float>(rows.Points), rows.Count, 3);
            Add($"{name}_descriptors", "<f2", rows.Descriptors, rows.Count, rows.Channels);
            Add($"{name}_colours", "|u1", rows.Colours, rows.Count, 3);
            int[] all = [.. rows.RowsOfPicture.SelectMany(list => list)], starts = new int[rows.RowsOfPicture.Length + 1];
            for (int i = 0; i < rows.RowsOfPicture.Length; i++) starts[i + 1] = starts[i] + rows.RowsOfPicture[i].Length;
            Add($"{name}_rows", "<i4", MemoryMarshal.AsBytes<int>(all), all.Length);
            Add($"{name}_starts", "<i4", MemoryMarshal.AsBytes<int>(starts), starts.Length);
        }

        void Add(string name, string type, ReadOnlySpan<byte> content, params int[] shape)
        {
            ZipArchiveEntry entry = zip.CreateEntry(name + ".npy", CompressionLevel.NoCompression);
            entry.LastWriteTime = SomeTime;
            using Stream stream = entry.Open();
            Npy.Write(stream, type, content, shape);
        }
    }

    /// <exception cref="InvalidDataException">The file is not what <see cref="Write"/> makes.</exception>
    public static ObjectModel Read(Stream from)
    {
        using var zip = new ZipArchive(from, ZipArchiveMode.Read, leaveOpen: true);
        double[] poses = Get<double>("pictures", "<f8").Values;
        RigidPose[] pictures = [.. poses.Chunk(16).Select(matrix => RigidPose.FromRowMajor(matrix))];
        ObjectSurface? surface = null;
        if (zip.GetEntry("mesh_positions.npy") is not null)
            surface = new ObjectSurface(MemoryMarshal.Cast<float, Vector3>(Get<float>("mesh_positions", "<f4").Values).ToArray(), Get<int>("mesh_faces", "<i4").Values);
        return new ObjectModel(pictures, Rows("wide"), Rows("close"), surface);

        DescriptorRows Rows(string name)
        {
            float[] points = Get<float>($"{name}_points", "<f4").Values;
            (Half[] descriptors, int[] shape) = Get<Half>($"{name}_descriptors", "<f2");
            int[] rows = Get<int>($"{name}_rows", "<i4").Values, starts = Get<int>($"{name}_starts", "<i4").Values;
            int count = points.Length / 3;
            if (shape is not [var n, var channels] || n != count || starts.Length != pictures.Length + 1 || starts[^1] != rows.Length || rows.Any(row => (uint)row >= (uint)count))
                throw new InvalidDataException($"{name}: arrays of one object needed");
            return new DescriptorRows(
                channels, points, MemoryMarshal.AsBytes<Half>(descriptors).ToArray(), Get<byte>($"{name}_colours", "|u1").Values,
                [.. Enumerable.Range(0, pictures.Length).Select(i => rows[starts[i]..starts[i + 1]])]);
        }

        (T[] Values, int[] Shape) Get<T>(string name, string type) where T : unmanaged
        {
            ZipArchiveEntry entry = zip.GetEntry(name + ".npy") ?? throw new InvalidDataException($"{name}.npy: needed, not there");
            using Stream stream = entry.Open();
            return Npy.Read<T>(stream, type);
        }
    }
}
