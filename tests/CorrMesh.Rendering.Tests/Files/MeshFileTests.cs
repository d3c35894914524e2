using System.Buffers.Binary;
using System.Numerics;
using System.Text;
using CorrMesh.Rendering.Files;
using CorrMesh.Rendering.Meshes;
using CorrMesh.Vision.Images;
using Xunit;

namespace CorrMesh.Rendering.Tests.Files;

public sealed class MeshFileTests
{
    private const string Quad = "v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\n";
    private static readonly byte[] RedPicture = PngEncoder.Encode(new RgbImage(2, 2, [255, 0, 0, 255, 0, 0, 255, 0, 0, 255, 0, 0]));

    [Fact]
    public void Read_Obj_GivesWhatIsWritten()
    {
        const string obj = """
            # a square of two materials
            mtllib materials/two.mtl
            v 0 0 0 1 0 0
            v 1 0 0 0 1 0
            v 1 1 0 0 0 1
            v 0 1 0
            vt 0 0
            vt 1 0
            vt 1 0.25
            vn 0 0 2
            usemtl red
            f 1/1/1 2/2/1 3/3/1
            usemtl painted
            s off
            f -4/1 -2/3 -1/2
            """;
        var files = new Dictionary<string, byte[]>
        {
            ["materials/two.mtl"] = "newmtl red\nKd 1 0 0\nNs 100\nnewmtl painted\nKd 0 0 0\nmap_Kd -s 1 1 1 my picture.png\n"u8.ToArray(),
            ["my picture.png"] = RedPicture,
        };
        TriangleMesh mesh = MeshFile.Read(Encoding.UTF8.GetBytes(obj), MeshResources.Of(files));
        Assert.Equal(2, mesh.FaceCount);
        Assert.Equal(new[] { "red", "painted" }, mesh.Parts.Select(part => part.Material.Name));
        Assert.Equal(new[] { false, true }, mesh.Parts.Select(part => part.IsFlat));
        Assert.Equal(Vector3.UnitX, mesh.Parts[0].Material.BaseColour);
        Assert.InRange(mesh.Parts[0].Material.Roughness, 0.3f, 0.5f);
        Assert.IsType<Texture>(mesh.Parts[1].Material.Pattern);
        Assert.Equal(Vector3.One, mesh.Parts[1].Material.BaseColour);
        Assert.Equal([new(0, 0, 0), new(1, 0, 0), new(1, 1, 0), new(0, 0, 0), new(1, 1, 0), new(0, 1, 0)], mesh.Indices.Select(index => mesh.Positions[index]));
        Assert.Equal(new Vector2(1, 0.75f), mesh.TextureCoordinates[mesh.Indices[2]]);
        Assert.Equal(Vector3.UnitZ, mesh.Normals[mesh.Indices[0]]);
        Assert.Equal(Vector3.UnitY, mesh.Colours[mesh.Indices[1]]);
        Assert.Equal(Vector3.UnitY, mesh.Up);
    }

    [Fact]
    public void Read_ObjPolygon_IsCutIntoAFan() =>
        Assert.Equal(2, MeshFile.Read(Encoding.UTF8.GetBytes(Quad + "f 1 2 3 4\n")).FaceCount);

    [Theory]
    [InlineData("ascii")]
    [InlineData("binary_little_endian")]
    [InlineData("binary_big_endian")]
    public void Read_Ply_GivesWhatIsWritten(string format)
    {
        TriangleMesh mesh = MeshFile.Read(Ply(format));
        Assert.Equal([new(0, 0, 0), new(1, 0, 0), new(1, 1, 0), new(0, 1, -2.5f)], mesh.Positions);
        Assert.Equal([0, 1, 2, 0, 2, 3], mesh.Indices);
        Assert.Equal(new Vector3(Srgb.ToLinear(255), Srgb.ToLinear(128), 0), mesh.Colours[3]);
        Assert.Empty(mesh.TextureCoordinates);
        Assert.Equal(1, mesh.Normals[0].Length(), 1e-5f);
    }

    [Fact]
    public void Read_Glb_GivesWhatIsWritten()
    {
        TriangleMesh mesh = MeshFile.Read(Glb());
        Assert.Equal(2, mesh.FaceCount);   // one mesh, two nodes
        Assert.Equal([new(10, 0, 0), new(12, 0, 0), new(10, 2, 0)], mesh.Indices[..3].Select(index => mesh.Positions[index]).Order(Comparer<Vector3>.Create((a, b) => (a.Y, a.X).CompareTo((b.Y, b.X)))));
        Assert.Equal([new(0, 0, 0), new(1, 0, 0), new(0, 1, 0)], mesh.Indices[3..].Select(index => mesh.Positions[index]));
        Assert.All(mesh.Parts, part => Assert.True(part.IsFlat));
        Assert.Equal(new Vector3(0.5f, 0.25f, 1), mesh.Parts[0].Material.BaseColour);
        Assert.Equal(0.5f, mesh.Parts[0].Material.Roughness);
        Assert.Equal(Vector3.UnitY, mesh.Up);
    }

    [Fact]
    public void Read_GltfWithFiles_TakesThemByName()
    {
        string json = GltfJson("\"uri\": \"my%20buffer.bin\", ");
        TriangleMesh mesh = MeshFile.Read(Encoding.UTF8.GetBytes(json), MeshResources.Of(new Dictionary<string, byte[]> { ["my buffer.bin"] = GltfBuffer() }));
        Assert.Equal(2, mesh.FaceCount);
    }

    // Hostile and broken files: each with the reason that the message must carry.
    public static TheoryData<string, MeshRejection, string> Refused => new()
    {
        { "", MeshRejection.Empty, "at least 1 byte" },
        { "hello", MeshRejection.UnsupportedFormat, "unknown format" },
        { "solid cube\n", MeshRejection.UnsupportedFormat, "STL" },
        { "PK\u0003\u0004", MeshRejection.UnsupportedFormat, "zip" },
        { Quad, MeshRejection.Empty, "faces: at least 1 needed, 0 given" },
        { Quad + "f 1 2\n", MeshRejection.Corrupt, "3 corners needed, 2 given" },
        { Quad + "f 1 2 5\n", MeshRejection.IndexOutOfRange, "index 1 to 4 needed, 5 given" },
        { Quad + "f 1 2 0\n", MeshRejection.IndexOutOfRange, "0 given" },
        { Quad + "f -1 -2 -5\n", MeshRejection.IndexOutOfRange, "-5 given" },
        { Quad + "f 1 2 99999999999999999999\n", MeshRejection.Corrupt, "corner" },
        { Quad + "f 1/1 2/1 3/1\n", MeshRejection.IndexOutOfRange, "1 given" },
        { "v 0 0 nan\n" + Quad + "f 1 2 3\n", MeshRejection.NotFinite, "NaN given" },
        { "v 0 0 1e999\n" + Quad + "f 1 2 3\n", MeshRejection.NotFinite, "given" },
        { "v 0 0\n", MeshRejection.Corrupt, "3 numbers needed, 2 given" },
        { "v 0 0 x\n", MeshRejection.Corrupt, "numbers" },
        { "mtllib ../secret.mtl\n" + Quad + "f 1 2 3\n", MeshRejection.BadReference, "'../secret.mtl'" },
        { "mtllib /etc/passwd\n" + Quad + "f 1 2 3\n", MeshRejection.BadReference, "'/etc/passwd'" },
        { "mtllib a\\..\\b.mtl\n" + Quad + "f 1 2 3\n", MeshRejection.BadReference, "given" },
        { "mtllib http://example.org/a.mtl\n" + Quad + "f 1 2 3\n", MeshRejection.BadReference, "given" },
        { "mtllib gone.mtl\n" + Quad + "f 1 2 3\n", MeshRejection.BadReference, "'gone.mtl' is not there" },
        { "ply\nformat ascii 1.0\nelement vertex 2000000000\nproperty float x\nproperty float y\nproperty float z\nend_header\n0 0 0\n", MeshRejection.Truncated, "declared" },
        { "ply\nformat ascii 1.0\nelement vertex -1\nend_header\n", MeshRejection.Corrupt, "'-1'" },
        { "ply\nformat ascii 1.0\nelement vertex 1\nproperty float x\n", MeshRejection.Truncated, "end_header" },
        { "ply\nformat utf8 1.0\nend_header\n", MeshRejection.UnsupportedFeature, "'utf8'" },
        { "ply\nformat ascii 1.0\nelement vertex 1\nproperty float x\nend_header\n0\n", MeshRejection.Corrupt, "x, y and z" },
        { PlyFaces("4 0 1 2"), MeshRejection.Truncated, "ends" },
        { PlyFaces("3 0 1 3"), MeshRejection.IndexOutOfRange, "3 given" },
        { PlyFaces("3 0 1 -1"), MeshRejection.IndexOutOfRange, "-1 given" },
        { PlyFaces("2000000000 0 1 2"), MeshRejection.Truncated, "declared" },
        { PlyFaces("2 0 1"), MeshRejection.Corrupt, "at least 3 corners" },
        { "ply\nformat ascii 1.0\nelement ghost 4000000000\nend_header\n", MeshRejection.Corrupt, "property" },
        { "{", MeshRejection.Corrupt, "glTF" },
        { "{}", MeshRejection.Empty, "faces" },
        { "{\"asset\":{\"version\":\"2.0\"}}", MeshRejection.Empty, "faces" },
        { "{\"asset\":{\"version\":\"2.0\"},\"accessors\":[{\"componentType\":5126,\"type\":\"VEC3\",\"count\":2000000000}]}", MeshRejection.TooLarge, "faces" },
        { "{\"asset\":{\"version\":\"2.0\"},\"accessors\":[{\"componentType\":5126,\"type\":\"VEC3\",\"count\":3}]}", MeshRejection.UnsupportedFeature, "bufferView" },
        { "{\"asset\":{\"version\":\"2.0\"},\"buffers\":[{\"byteLength\":99999999999}]}", MeshRejection.TooLarge, "bytes" },
        { "{\"asset\":{\"version\":\"2.0\"},\"nodes\":[{\"children\":[1]},{\"children\":[0]}]}", MeshRejection.TooLarge, "ancestors" },
        { "{\"asset\":{\"version\":\"2.0\"},\"nodes\":[{\"children\":[7]}]}", MeshRejection.IndexOutOfRange, "7 given" },
        { "{\"asset\":{\"version\":\"2.0\"},\"accessors\":[{\"count\":\"many\"}]}", MeshRejection.Corrupt, "glTF" },
        { "{\"asset\":{\"version\":\"2.0\"},\"extensionsRequired\":[\"KHR_draco_mesh_compression\"],\"extensionsUsed\":[\"KHR_draco_mesh_compression\"]}", MeshRejection.UnsupportedFeature, "xtension" },
        { GltfJson("\"uri\": \"../outside.bin\", "), MeshRejection.BadReference, "'../outside.bin'" },
        { GltfJson("\"uri\": \"%2e%2e/outside.bin\", "), MeshRejection.BadReference, "'../outside.bin'" },
        { GltfJson("\"uri\": \"file:///etc/passwd\", "), MeshRejection.BadReference, "given" },
        { GltfJson("\"uri\": \"gone.bin\", "), MeshRejection.BadReference, "'gone.bin' is not there" },
    };

    [Theory]
    [MemberData(nameof(Refused))]
    public void Read_HostileText_IsRefusedWithItsReason(string text, MeshRejection reason, string part)
    {
        var refused = Assert.Throws<MeshRejectedException>(() => MeshFile.Read(Encoding.UTF8.GetBytes(text)));
        Assert.True(reason == refused.Reason, $"{refused.Reason}: {refused.Message}");
        Assert.Contains(part, refused.Message, StringComparison.Ordinal);
    }

    // Goal: a file that ends early is refused in good order, wherever it ends. Method: every prefix of valid files, and every byte flipped.
    [Theory]
    [InlineData("glb")]
    [InlineData("ply")]
    public void Read_CutOrDamagedBinary_NeverFailsOtherwise(string kind)
    {
        byte[] whole = kind == "glb" ? Glb() : Ply("binary_little_endian");
        for (int length = 0; length < whole.Length; length++) Try(whole[..length]);
        foreach (byte flip in new byte[] { 0x01, 0x80, 0xFF })
            for (int at = 0; at < whole.Length; at++)
            {
                byte[] damaged = (byte[])whole.Clone();
                damaged[at] ^= flip;
                Try(damaged);
            }

        static void Try(byte[] bytes)
        {
            try
            {
                MeshFile.Read(bytes);
            }
            catch (MeshRejectedException e)
            {
                Assert.NotEmpty(e.Message);
            }
        }
    }

    [Fact]
    public void Read_DeclaredCounts_TakeNoMemoryAhead()
    {
        byte[] bomb = Encoding.UTF8.GetBytes("ply\nformat binary_little_endian 1.0\nelement vertex 1900000\nproperty double x\nproperty double y\nproperty double z\nend_header\n0123456789");
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Throws<MeshRejectedException>(() => MeshFile.Read(bomb));
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 1 << 20);
    }

    // One table of limits, each at the limit and one past it.
    [Theory]
    [InlineData("vertices")]
    [InlineData("faces")]
    [InlineData("texture pixels")]
    [InlineData("bytes")]
    public void Read_Limits_HoldAtAndOnePast(string what)
    {
        byte[] obj = Encoding.UTF8.GetBytes("mtllib a.mtl\n" + Quad + "vt 0 0\nusemtl a\nf 1/1 2/1 3/1 4/1\n");
        byte[] library = "newmtl a\nmap_Kd red.png\n"u8.ToArray();
        MeshResources files = MeshResources.Of(new Dictionary<string, byte[]> { ["a.mtl"] = library, ["red.png"] = RedPicture });
        int bytes = obj.Length + library.Length + RedPicture.Length;
        MeshFileLimits At(int less) => what switch
        {
            "vertices" => new MeshFileLimits { MaxVertices = 4 - less },
            "faces" => new MeshFileLimits { MaxFaces = 2 - less },
            "bytes" => new MeshFileLimits { MaxBytes = bytes - less },
            _ => new MeshFileLimits { MaxTexturePixels = 4 - less },
        };
        Assert.Equal(2, MeshFile.Read(obj, files, At(0)).FaceCount);
        var refused = Assert.Throws<MeshRejectedException>(() => MeshFile.Read(obj, files, At(1)));
        Assert.Equal(MeshRejection.TooLarge, refused.Reason);
    }

    [Fact]
    public void Load_LinkOutOfTheFolder_IsNotFollowed()
    {
        string folder = Directory.CreateTempSubdirectory().FullName, outside = Path.GetTempFileName();
        try
        {
            File.WriteAllText(outside, "newmtl a\nKd 1 0 0\n");
            File.CreateSymbolicLink(Path.Combine(folder, "link.mtl"), outside);
            File.WriteAllText(Path.Combine(folder, "mesh.obj"), "mtllib link.mtl\n" + Quad + "f 1 2 3\n");
            Assert.Equal(MeshRejection.BadReference, Assert.Throws<MeshRejectedException>(() => MeshFile.Load(Path.Combine(folder, "mesh.obj"))).Reason);
            File.Delete(Path.Combine(folder, "link.mtl"));
            File.Copy(outside, Path.Combine(folder, "link.mtl"));
            Assert.Equal(1, MeshFile.Load(Path.Combine(folder, "mesh.obj")).FaceCount);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
            File.Delete(outside);
        }
    }

    // Goal: normals that a file lacks are smooth across vertices split at one place. Method: a ball cut in two halves with vertices of their own.
    [Fact]
    public void Normals_Missing_AreSmoothAcrossSplitVertices()
    {
        TriangleMesh ball = Solids.Sphere(0.5f, 32);   // its seam has each vertex twice
        for (int i = 0; i < ball.Positions.Length; i++) Assert.True(MathF.Abs(Vector3.Dot(ball.Normals[i], Vector3.Normalize(ball.Positions[i]))) > 0.999f, $"vertex {i}");
    }

    private static string PlyFaces(string face) =>
        $"ply\nformat ascii 1.0\nelement vertex 3\nproperty float x\nproperty float y\nproperty float z\nelement face 1\nproperty list uchar int vertex_indices\nend_header\n0 0 0\n1 0 0\n0 1 0\n{face}\n";

    private static byte[] Ply(string format)
    {
        string header = $"ply\r\nformat {format} 1.0\ncomment made by hand\nelement vertex 4\nproperty float x\nproperty double y\nproperty float z\nproperty uchar red\nproperty uchar green\nproperty uchar blue\n"
            + "element face 1\nproperty list uchar uint vertex_indices\nproperty short flags\nend_header\n";
        if (format == "ascii") return Encoding.ASCII.GetBytes(header + "0 0 0 0 0 0\n1 0 0 0 0 0\n1 1 0 0 0 0\n0 1 -2.5 255 128 0\n4 0 1 2 3 7\n");
        using var file = new MemoryStream();
        file.Write(Encoding.ASCII.GetBytes(header));
        bool isLittle = format.Contains("little", StringComparison.Ordinal);
        (float X, double Y, float Z, byte[] Colour)[] vertices = [(0, 0, 0, [0, 0, 0]), (1, 0, 0, [0, 0, 0]), (1, 1, 0, [0, 0, 0]), (0, 1, -2.5f, [255, 128, 0])];
        foreach (var (x, y, z, colour) in vertices)
        {
            Put(BitConverter.GetBytes(x));
            Put(BitConverter.GetBytes(y));
            Put(BitConverter.GetBytes(z));
            file.Write(colour);
        }
        file.WriteByte(4);
        for (uint i = 0; i < 4; i++) Put(BitConverter.GetBytes(i));
        Put(BitConverter.GetBytes((short)7));
        return file.ToArray();

        void Put(byte[] little)
        {
            if (!isLittle) Array.Reverse(little);
            file.Write(little);
        }
    }

    private static byte[] GltfBuffer()
    {
        var buffer = new byte[44];
        float[] corners = [0, 0, 0, 1, 0, 0, 0, 1, 0];
        for (int i = 0; i < 9; i++) BinaryPrimitives.WriteSingleLittleEndian(buffer.AsSpan(4 * i), corners[i]);
        for (int i = 0; i < 3; i++) BinaryPrimitives.WriteUInt16LittleEndian(buffer.AsSpan(36 + 2 * i), (ushort)i);
        return buffer;
    }

    private static string GltfJson(string uri) => """
        {"asset":{"version":"2.0"},"scene":0,"scenes":[{"nodes":[0,1]}],
         "nodes":[{"mesh":0},{"children":[2],"translation":[10,0,0]},{"mesh":0,"scale":[2,2,2]}],
         "materials":[{"pbrMetallicRoughness":{"baseColorFactor":[0.5,0.25,1,1],"roughnessFactor":0.5,"metallicFactor":0}}],
         "meshes":[{"primitives":[{"attributes":{"POSITION":0},"indices":1,"material":0}]}],
         "accessors":[{"bufferView":0,"componentType":5126,"count":3,"type":"VEC3","min":[0,0,0],"max":[1,1,0]},{"bufferView":1,"componentType":5123,"count":3,"type":"SCALAR"}],
         "bufferViews":[{"buffer":0,"byteOffset":0,"byteLength":36},{"buffer":0,"byteOffset":36,"byteLength":6}],
         "buffers":[{ URI"byteLength":44}]}
        """.Replace("URI", uri, StringComparison.Ordinal);

    private static byte[] Glb()
    {
        byte[] json = Encoding.UTF8.GetBytes(GltfJson("")), buffer = GltfBuffer();
        json = [.. json, .. Enumerable.Repeat((byte)' ', (4 - json.Length % 4) % 4)];
        using var file = new MemoryStream();
        using var writer = new BinaryWriter(file);
        writer.Write(0x46546C67u);
        writer.Write(2u);
        writer.Write((uint)(12 + 8 + json.Length + 8 + buffer.Length));
        writer.Write((uint)json.Length);
        writer.Write(0x4E4F534Au);
        writer.Write(json);
        writer.Write((uint)buffer.Length);
        writer.Write(0x004E4942u);
        writer.Write(buffer);
        return file.ToArray();
    }
}
