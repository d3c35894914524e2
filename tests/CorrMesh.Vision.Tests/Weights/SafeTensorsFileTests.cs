using System.Buffers.Binary;
using System.Text;
using CorrMesh.Vision.Weights;
using Xunit;

namespace CorrMesh.Vision.Tests.Weights;

public sealed class SafeTensorsFileTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("corrmesh-safetensors-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void Write_ThenRead_GivesTheSameArraysAndMetadata()
    {
        var state = new StateDict();
        state.Add("b", WeightArray.FromFloats([1, 2, 3, 4, 5, 6], 2, 3));
        state.Add("a", new WeightArray(WeightType.I64, [2], [.. BitConverter.GetBytes(-1L), .. BitConverter.GetBytes(9L)]));
        state.Add("half", new WeightArray(WeightType.F16, [1], BitConverter.GetBytes((Half)0.5f)));
        state.Add("flag", new WeightArray(WeightType.Bool, [3], [1, 0, 1]));
        state.Add("empty", new WeightArray(WeightType.F32, [0, 7], []));
        state.Add("scalar", WeightArray.FromFloats([42]));
        string path = Path.Combine(folder, "x.safetensors");
        SafeTensorsFile.Write(path, state, new Dictionary<string, string> { ["note"] = "\"quoted\" and ünï" });

        SafeTensors read = SafeTensorsFile.Read(path);
        Assert.Equal("\"quoted\" and ünï", read.Metadata["note"]);
        Assert.Equal(state.Names.Order(), read.Arrays.Names.Order());
        foreach ((string name, WeightArray array) in state)
        {
            Assert.Equal(array.Type, read.Arrays[name].Type);
            Assert.Equal(array.Shape, read.Arrays[name].Shape);
            Assert.Equal(array.Data, read.Arrays[name].Data);
        }
        Assert.Equal([path], Directory.GetFiles(folder));                       // no temporary file is left
        Assert.Equal(0, (8 + BinaryPrimitives.ReadInt64LittleEndian(File.ReadAllBytes(path))) % 8);
    }

    [Fact]
    public void Write_OverAnExistingFile_ReplacesIt()
    {
        string path = Path.Combine(folder, "x.safetensors");
        foreach (float value in new[] { 1f, 2f })
        {
            var state = new StateDict();
            state.Add("w", WeightArray.FromFloats([value], 1));
            SafeTensorsFile.Write(path, state);
        }
        Assert.Equal([2f], SafeTensorsFile.Read(path).Arrays["w"].ToFloats());
    }

    private const string W = """{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""";

    [Theory]
    [InlineData("""{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"w":{"dtype":"F32","shape":[0],"data_offsets":[8,8]}}""", "twice")]
    [InlineData("""{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"v":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""", "inside")]
    [InlineData("""{"w":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""", "gap")]
    [InlineData("""{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", "8 are there")]
    [InlineData("""{"w":{"dtype":"F32","shape":[3],"data_offsets":[0,12]}}""", "8 are there")]
    [InlineData("""{"w":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}""", "does not take")]
    [InlineData("""{"w":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}""", "negative")]
    [InlineData("""{"w":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,8]}}""", "too large")]
    [InlineData("""{"w":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}""", "not a range")]
    [InlineData("""{"w":{"dtype":"F32","shape":[2],"data_offsets":[-8,0]}}""", "not a range")]
    [InlineData("""{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,9223372036854775807]}}""", "allowed")]
    [InlineData("""{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,18446744073709551616]}}""", "damaged")]
    [InlineData("""{"w":{"dtype":"F8_E4M3","shape":[8],"data_offsets":[0,8]}}""", "F8_E4M3")]
    [InlineData("""{"w":{"dtype":"F32","shape":[2]}}""", "data_offsets")]
    [InlineData("""{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"strides":[1]}}""", "strides")]
    [InlineData("""{"w":{"dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", "dtype")]
    [InlineData("""{"w":{"dtype":7,"shape":[2],"data_offsets":[0,8]}}""", "damaged")]
    [InlineData("""{"w":[]}""", "damaged")]
    [InlineData("""[]""", "object")]
    [InlineData("""{"__metadata__":{"a":1},"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", "damaged")]
    [InlineData("""{"__metadata__":{"a":"1","a":"2"},"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", "twice")]
    [InlineData("""{"w":{"dtype":"F32","shape":[[[[[2]]]]],"data_offsets":[0,8]}}""", "damaged")]
    [InlineData("""{"w":""", "damaged")]
    public void Read_BadHeader_IsRefused(string header, string says)
    {
        var refusal = Assert.Throws<WeightFileException>(() => SafeTensorsFile.Read(Raw(Encoding.UTF8.GetBytes(header), new byte[8])));
        Assert.Contains(says, refusal.Message, StringComparison.Ordinal);
        Assert.StartsWith("raw.safetensors", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_GoodHeader_IsRead() =>
        Assert.Equal([0f, 0f], SafeTensorsFile.Read(Raw(Encoding.UTF8.GetBytes(W), new byte[8])).Arrays["w"].ToFloats());

    [Theory]
    [InlineData(ulong.MaxValue)]
    [InlineData(1UL << 63)]
    [InlineData(SafeTensorsFile.MaxHeaderLength + 1)]
    [InlineData(64)]
    public void Read_HeaderLengthBeyondFileOrLimit_IsRefused(ulong length)
    {
        string path = Path.Combine(folder, "raw.safetensors");
        var file = new byte[40];
        BinaryPrimitives.WriteUInt64LittleEndian(file, length);
        File.WriteAllBytes(path, file);
        Assert.Contains("header", Assert.Throws<WeightFileException>(() => SafeTensorsFile.Read(path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_TruncatedAtEveryByte_IsRefused()
    {
        byte[] whole = File.ReadAllBytes(Raw(Encoding.UTF8.GetBytes(W), new byte[8]));
        string path = Path.Combine(folder, "part.safetensors");
        for (int length = 0; length < whole.Length; length++)
        {
            File.WriteAllBytes(path, whole[..length]);
            Assert.Throws<WeightFileException>(() => SafeTensorsFile.Read(path));
        }
    }

    private string Raw(byte[] header, byte[] data)
    {
        string path = Path.Combine(folder, "raw.safetensors");
        using FileStream stream = File.Create(path);
        stream.Write(BitConverter.GetBytes((long)header.Length));
        stream.Write(header);
        stream.Write(data);
        return path;
    }
}
