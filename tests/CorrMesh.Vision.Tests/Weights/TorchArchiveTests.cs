using System.IO.Compression;
using System.Runtime.InteropServices;
using CorrMesh.Vision.Weights;
using Xunit;

namespace CorrMesh.Vision.Tests.Weights;

public sealed class TorchArchiveTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("corrmesh-weights-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    // Goal: a tensor is its storage seen through offset and strides. Method: views of one storage 0..11: whole, a slice, a transpose, a repeat, a scalar.
    [Fact]
    public void ReadStateDict_ViewsOfOneStorage_AreGathered()
    {
        var pickle = PickleBuilder.Protocol(2).Op("}(")
            .Text("whole").Tensor("FloatStorage", "0", 12, 0, [3, 4], [4, 1])
            .Text("row").Tensor("FloatStorage", "0", 12, 4, [4], [1])
            .Text("transposed").Tensor("FloatStorage", "0", 12, 0, [4, 3], [1, 4])
            .Text("repeated").Tensor("FloatStorage", "0", 12, 2, [2, 3], [0, 1])
            .Text("scalar").Tensor("FloatStorage", "0", 12, 11, [], [])
            .Text("empty").Tensor("FloatStorage", "0", 12, 0, [0, 4], [4, 1])
            .Op("u").Done();
        StateDict state = TorchArchive.ReadStateDict(Archive("views", pickle, ("data/0", Floats(12))));
        Assert.Equal(["whole", "row", "transposed", "repeated", "scalar", "empty"], state.Names);
        Assert.Equal([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11], state["whole"].ToFloats());
        Assert.Equal([4, 5, 6, 7], state["row"].ToFloats());
        Assert.Equal([0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11], state["transposed"].ToFloats());
        Assert.Equal([2, 3, 4, 2, 3, 4], state["repeated"].ToFloats());
        Assert.Equal([11], state["scalar"].ToFloats());
        Assert.Empty(state["empty"].ToFloats());
    }

    [Fact]
    public void ReadStateDict_EveryElementType_IsConverted()
    {
        var pickle = PickleBuilder.Protocol(2).Op("}(");
        (string Type, byte[] Data)[] stored =
        [
            ("FloatStorage", BitConverter.GetBytes(-1.5f)),
            ("DoubleStorage", BitConverter.GetBytes(-1.5)),
            ("HalfStorage", BitConverter.GetBytes((Half)(-1.5f))),
            ("BFloat16Storage", BitConverter.GetBytes((ushort)(BitConverter.SingleToUInt32Bits(-1.5f) >> 16))),
            ("LongStorage", BitConverter.GetBytes(-7L)),
            ("IntStorage", BitConverter.GetBytes(-7)),
            ("ShortStorage", BitConverter.GetBytes((short)-7)),
            ("CharStorage", [0xf9]),
            ("ByteStorage", [249]),
            ("BoolStorage", [1]),
        ];
        float[] expected = [-1.5f, -1.5f, -1.5f, -1.5f, -7, -7, -7, -7, 249, 1];
        for (int i = 0; i < stored.Length; i++) pickle.Text(stored[i].Type).Tensor(stored[i].Type, $"{i}", 1, 0, [1], [1], device: "cuda:0");
        string path = Archive("types", pickle.Op("u").Done(), [.. stored.Select((s, i) => ($"data/{i}", s.Data))]);
        StateDict state = TorchArchive.ReadStateDict(path);
        Assert.Equal(expected, state.Select(pair => pair.Value.ToFloats()[0]));
        // The torch side must agree on what the bytes mean.
        using var scope = TorchSharp.torch.NewDisposeScope();
        Assert.Equal(expected, state.Select(pair => pair.Value.ToTensor().data<float>()[0]));
    }

    [Fact]
    public void ReadStateDict_BigEndianArchive_IsSwapped()
    {
        byte[] data = Floats(3);
        for (int i = 0; i < data.Length; i += 4) data.AsSpan(i, 4).Reverse();
        var pickle = PickleBuilder.Protocol(2).Op("}").Text("w").Tensor("FloatStorage", "0", 3, 0, [3], [1]).Op("s").Done();
        Assert.Equal([0, 1, 2], TorchArchive.ReadStateDict(Archive("big", pickle, ("data/0", data), ("byteorder", "big"u8.ToArray())))["w"].ToFloats());
        Assert.Throws<WeightFileException>(() => TorchArchive.ReadStateDict(Archive("odd", pickle, ("data/0", data), ("byteorder", "middle"u8.ToArray()))));
    }

    [Fact]
    public void ReadStateDict_NestedUnderStateDict_JoinsNames()
    {
        var pickle = PickleBuilder.Protocol(2).Op("}(").Text("epoch").Op("K\u0001").Text("state_dict").Op("}").Text("refine_conv").Global("collections", "OrderedDict").Op(")R")
            .Text("bias").Global("torch._utils", "_rebuild_parameter").Op("(").Tensor("FloatStorage", "7", 2, 0, [2], [1]).Raw(0x88).Global("collections", "OrderedDict").Op(")RtRs")
            .Op("}").Text("_metadata").Op("}sbsu").Done();
        StateDict state = TorchArchive.ReadStateDict(Archive("nested", pickle, ("data/7", Floats(2))));
        Assert.Equal(["refine_conv.bias"], state.Names);
        Assert.Equal([0, 1], state["refine_conv.bias"].ToFloats());
    }

    public static TheoryData<string, long, long, long[], long[], string> BadViews() => new()
    {
        { "one past the end", 12, 1, [12], [1], "past its 12" },
        { "negative offset", 12, -1, [2], [1], "at least 0" },
        { "negative stride", 12, 11, [4], [-1], "at least 0" },
        { "negative size", 12, 0, [-1], [1], "negative or too large" },
        { "overflowing sizes", 12, 0, [1L << 40, 1L << 40], [0, 0], "negative or too large" },
        { "overflowing strides", 12, 0, [2, 2], [long.MaxValue, long.MaxValue], "past its 12" },
        { "as many strides as sizes", 12, 0, [2, 2], [1], "strides" },
        { "storage smaller than claimed", 13, 0, [13], [1], "bytes needed" },
        { "storage larger than claimed", 11, 0, [11], [1], "bytes needed" },
        { "petabytes out of one element", 12, 0, [1L << 50], [0], "repeat more data" },
        { "seventeen dimensions", 12, 0, new long[17], new long[17], "dimensions" },
    };

    [Theory]
    [MemberData(nameof(BadViews), DisableDiscoveryEnumeration = true)]
    public void ReadStateDict_ViewOutsideItsStorage_IsRefused(string name, long count, long offset, long[] shape, long[] strides, string says)
    {
        var pickle = PickleBuilder.Protocol(2).Op("}").Text("w").Tensor("FloatStorage", "0", count, offset, shape, strides).Op("s").Done();
        var refusal = Assert.Throws<WeightFileException>(() => TorchArchive.ReadStateDict(Archive("bad", pickle, ("data/0", Floats(12)))));
        Assert.True(refusal.Message.Contains(says, StringComparison.Ordinal), $"{name}: {refusal.Message}");
    }

    // Goal: many names for one large storage do not multiply memory. Method: 100,000 names for 1 MiB would be 100 GB; the budget stops at a few times the file.
    [Fact]
    public void ReadStateDict_ManyRepeatsOfOneStorage_IsRefused()
    {
        var pickle = PickleBuilder.Protocol(2).Op("}(").Text("0").Tensor("FloatStorage", "0", 1 << 18, 0, [1 << 18], [1]).Op("q\0");
        for (int i = 1; i < 100_000; i++) pickle.Text($"{i}").Op("h\0");
        string path = Archive("repeats", pickle.Op("u").Done(), ("data/0", new byte[1 << 20]));
        Assert.Contains("repeat more data", Assert.Throws<WeightFileException>(() => TorchArchive.ReadStateDict(path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ReadStateDict_SharedDictionariesMultiplyNames_IsRefused()
    {
        var pickle = PickleBuilder.Protocol(2).Op("}").Text("w").Tensor("FloatStorage", "0", 1, 0, [1], [1]).Op("sq\0");
        for (int i = 0; i < 40; i++) pickle.Op("0}(").Text("a").Op("h\0").Text("b").Op("h\0uq\0");
        string path = Archive("laughs", pickle.Done(), ("data/0", Floats(1)));
        Assert.Contains("values allowed", Assert.Throws<WeightFileException>(() => TorchArchive.ReadStateDict(path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ReadStateDict_MissingStorageOrTraversal_IsRefused()
    {
        foreach (string key in new[] { "1", "../data/0", "../../etc/passwd", "" })
        {
            var pickle = PickleBuilder.Protocol(2).Op("}").Text("w").Tensor("FloatStorage", key, 1, 0, [1], [1]).Op("s").Done();
            Assert.Contains("missing", Assert.Throws<WeightFileException>(() => TorchArchive.ReadStateDict(Archive("keys", pickle, ("data/0", Floats(1))))).Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Open_LegacyFile_SaysHowToConvert()
    {
        string path = Path.Combine(folder, "old.pth");
        // What torch.save wrote before 1.6: bare pickles, the first one a magic number.
        File.WriteAllBytes(path, [0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, 0x2e]);
        Assert.Contains("1.6", Assert.Throws<WeightFileException>(() => TorchArchive.Open(path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_CompressedEntry_IsRefused()
    {
        // A bomb: 64 MiB of zeros in 64 kB.
        string path = Path.Combine(folder, "bomb.pth");
        using (ZipArchive zip = ZipFile.Open(path, ZipArchiveMode.Create))
        {
            using Stream entry = zip.CreateEntry("x/data.pkl", CompressionLevel.SmallestSize).Open();
            entry.Write(new byte[64 << 20]);
        }
        Assert.Contains("compressed", Assert.Throws<WeightFileException>(() => TorchArchive.Open(path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_TwoPicklesOrNone_IsRefused()
    {
        byte[] pickle = PickleBuilder.Protocol(2).Op("}").Done();
        Assert.Contains("0 found", Assert.Throws<WeightFileException>(() => TorchArchive.Open(Archive("none", null))).Message, StringComparison.Ordinal);
        Assert.Contains("2 found", Assert.Throws<WeightFileException>(() => TorchArchive.Open(Archive("two", pickle, ("inner/data.pkl", pickle)))).Message, StringComparison.Ordinal);
        Assert.Contains("twice", Assert.Throws<WeightFileException>(() => TorchArchive.Open(Archive("same", pickle, ("data.pkl", pickle)))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ReadStateDict_TruncatedAtEveryByte_IsRefused()
    {
        var pickle = PickleBuilder.Protocol(2).Op("}").Text("w").Tensor("FloatStorage", "0", 3, 0, [3], [1]).Op("s").Done();
        byte[] whole = File.ReadAllBytes(Archive("whole", pickle, ("data/0", Floats(3)), ("version", "3\n"u8.ToArray())));
        string path = Path.Combine(folder, "part.pth");
        for (int length = 0; length < whole.Length; length++)
        {
            File.WriteAllBytes(path, whole[..length]);
            Assert.Throws<WeightFileException>(() => TorchArchive.ReadStateDict(path));
        }
    }

    [Fact]
    public void ReadStateDict_MutatedArchive_EitherReadsOrRefuses()
    {
        var pickle = PickleBuilder.Protocol(2).Op("}").Text("w").Tensor("FloatStorage", "0", 3, 0, [3], [1]).Op("s").Done();
        byte[] whole = File.ReadAllBytes(Archive("whole", pickle, ("data/0", Floats(3))));
        string path = Path.Combine(folder, "mutated.pth");
        var random = new Random(21);
        int refused = 0;
        for (int trial = 0; trial < 2000; trial++)
        {
            byte[] mutated = [.. whole];
            mutated[random.Next(mutated.Length)] = (byte)random.Next(256);
            File.WriteAllBytes(path, mutated);
            try
            {
                TorchArchive.ReadStateDict(path);
            }
            catch (WeightFileException)
            {
                refused++;
            }
        }
        Assert.InRange(refused, 100, 1999);
    }

    [Fact]
    public void Open_NoSuchFile_IsNotAWeightProblem() =>
        Assert.Throws<FileNotFoundException>(() => TorchArchive.Open(Path.Combine(folder, "absent.pth")));

    private static byte[] Floats(int count) => MemoryMarshal.AsBytes(Enumerable.Range(0, count).Select(i => (float)i).ToArray().AsSpan()).ToArray();

    private string Archive(string top, byte[]? pickle, params (string Name, byte[] Data)[] entries)
    {
        string path = Path.Combine(folder, $"{top}.pth");
        using FileStream stream = File.Create(path);
        using var zip = new ZipArchive(stream, ZipArchiveMode.Create);
        (string Name, byte[] Data) first = pickle is null ? ("version", "3\n"u8.ToArray()) : ("data.pkl", pickle);
        foreach ((string name, byte[] data) in entries.Prepend(first))
        {
            using Stream entry = zip.CreateEntry($"{top}/{name}", CompressionLevel.NoCompression).Open();
            entry.Write(data);
        }
        return path;
    }
}
