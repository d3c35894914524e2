using System.IO.Compression;
using System.Runtime.InteropServices;
using CorrMesh.Vision.Adapters;
using CorrMesh.Vision.Tests.Weights;
using CorrMesh.Vision.Weights;
using Xunit;

namespace CorrMesh.Vision.Tests.Adapters;

public sealed class AdapterFileTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("corrmesh-adapters-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Theory]
    [InlineData(4, 1)]
    [InlineData(1, 0)]
    [InlineData(0, 1)]
    [InlineData(2, 3)]
    public void Write_ThenRead_GivesTheSameAdapter(int blocks, int refine)
    {
        Adapter adapter = TinyModel.CreateAdapter(6, blocks, refine);
        string path = Path.Combine(folder, "a.safetensors");
        AdapterFile.Write(path, adapter, new Dictionary<string, string> { ["note"] = "kept" });
        Assert.Equal("kept", SafeTensorsFile.Read(path).Metadata["note"]);
        AssertSame(adapter, AdapterFile.Read(path));
    }

    [Theory]
    [InlineData(4, 1)]
    [InlineData(3, 0)]
    [InlineData(0, 1)]
    [InlineData(1, 3)]
    public void Read_LightningCheckpoint_GivesItsAdapter(int blocks, int refine)
    {
        Adapter adapter = TinyModel.CreateAdapter(6, blocks, refine);
        AssertSame(adapter, AdapterFile.Read(Checkpoint(adapter, _ => true)));
    }

    [Theory]
    [InlineData("w_b_003", "w_a_*")]
    [InlineData("w_a_001", "in sequence")]
    [InlineData("refine_conv.bias", "refine_conv.bias")]
    [InlineData("refine_conv.weight", "arrays expected")]
    public void Read_CheckpointWithoutOneArray_NamesTheProblem(string missing, string says)
    {
        string path = Checkpoint(TinyModel.CreateAdapter(6, 2, 1), name => name != missing);
        Assert.Contains(says, Assert.Throws<WeightFileException>(() => AdapterFile.Read(path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_CheckpointOfSomethingElse_IsRefused()
    {
        string path = Checkpoint(TinyModel.CreateAdapter(6, 1, 0), name => false);
        Assert.Contains("neither", Assert.Throws<WeightFileException>(() => AdapterFile.Read(path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_SafeTensorsOfSomethingElse_IsRefused()
    {
        string path = Path.Combine(folder, "other.safetensors");
        var state = new StateDict();
        state.Add("lora.0.q.a", WeightArray.FromFloats([1], 1, 1));
        SafeTensorsFile.Write(path, state);
        Assert.Contains("corrmesh-adapter", Assert.Throws<WeightFileException>(() => AdapterFile.Read(path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_OneMatrixOfAnotherShape_NamesIt()
    {
        string path = Path.Combine(folder, "a.safetensors");
        AdapterFile.Write(path, TinyModel.CreateAdapter(6, 2, 1));
        SafeTensors file = SafeTensorsFile.Read(path);
        var changed = new StateDict(path);
        foreach ((string name, WeightArray array) in file.Arrays)
            changed.Add(name, name == "lora.1.v.b" ? WeightArray.FromFloats(new float[12], 6, 2) : array);
        SafeTensorsFile.Write(path, changed, file.Metadata);
        string message = Assert.Throws<WeightFileException>(() => AdapterFile.Read(path)).Message;
        Assert.Contains("lora.1.v.b: [6, 4] needed, [6, 2] given", message, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_ArrayThatBelongsNowhere_IsRefused()
    {
        string path = Path.Combine(folder, "a.safetensors");
        AdapterFile.Write(path, TinyModel.CreateAdapter(6, 2, 1));
        SafeTensors file = SafeTensorsFile.Read(path);
        file.Arrays.Add("lora.3.q.a", WeightArray.FromFloats(new float[24], 4, 6));
        SafeTensorsFile.Write(path, file.Arrays, file.Metadata);
        Assert.Contains("arrays expected", Assert.Throws<WeightFileException>(() => AdapterFile.Read(path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void FirstAdaptedBlock_LastBlocks_CountsFromTheEnd()
    {
        Adapter adapter = TinyModel.CreateAdapter(24, 4, 1);
        Assert.Equal(8, adapter.FirstAdaptedBlock(12));
        Assert.Equal(0, adapter.FirstAdaptedBlock(4));
        Assert.Equal(12, TinyModel.CreateAdapter(24, 0, 1).FirstAdaptedBlock(12));
        Assert.Throws<ArgumentException>(() => adapter.FirstAdaptedBlock(3));
    }

    [Fact]
    public void RequireFit_OtherWidth_NamesBoth()
    {
        string message = Assert.Throws<ArgumentException>(() => TinyModel.CreateAdapter(18, 1, 1).RequireFit(TinyModel.Plain)).Message;
        Assert.Contains("18", message, StringComparison.Ordinal);
        Assert.Contains("24", message, StringComparison.Ordinal);
    }

    [Fact]
    public void Constructor_WrongLengthOrTooManyLayers_IsRefused()
    {
        LoraBlock good = TinyModel.CreateAdapter(6, 1, 0).Blocks[0];
        Assert.Throws<ArgumentException>(() => new Adapter(6, 4, [good with { ValueB = new float[23] }], []));
        Assert.Throws<ArgumentException>(() => new Adapter(6, 0, [good], []));
        Assert.Throws<ArgumentException>(() => TinyModel.CreateAdapter(6, 0, Adapter.MaxRefineLayers + 1));
    }

    private static void AssertSame(Adapter expected, Adapter actual)
    {
        Assert.Equal((expected.Width, expected.Rank, expected.Blocks.Count, expected.Refine.Count), (actual.Width, actual.Rank, actual.Blocks.Count, actual.Refine.Count));
        for (int i = 0; i < expected.Blocks.Count; i++)
        {
            Assert.Equal(expected.Blocks[i].QueryA, actual.Blocks[i].QueryA);
            Assert.Equal(expected.Blocks[i].QueryB, actual.Blocks[i].QueryB);
            Assert.Equal(expected.Blocks[i].ValueA, actual.Blocks[i].ValueA);
            Assert.Equal(expected.Blocks[i].ValueB, actual.Blocks[i].ValueB);
        }
        for (int i = 0; i < expected.Refine.Count; i++)
        {
            Assert.Equal(expected.Refine[i].Weight, actual.Refine[i].Weight);
            Assert.Equal(expected.Refine[i].Bias, actual.Refine[i].Bias);
        }
    }

    // The layout of the paper's Lightning checkpoints, with one convolution or a numbered sequence of them.
    private string Checkpoint(Adapter adapter, Func<string, bool> keep)
    {
        string path = Path.Combine(folder, "a.ckpt");
        int storages = 0;
        using ZipArchive zip = new(File.Create(path), ZipArchiveMode.Create);
        var pickle = PickleBuilder.Protocol(2).Op("}(").Text("epoch").Op("K\u0003").Text("callbacks").Op("}").Text("state_dict").Op("}").Text("refine_conv").Global("collections", "OrderedDict").Op(")R(");
        for (int i = 0; i < adapter.Refine.Count; i++)
        {
            string prefix = adapter.Refine.Count == 1 ? "" : $"{i}.";
            if (keep("refine_conv.weight")) Tensor($"{prefix}weight", adapter.Refine[i].Weight, false, [adapter.Width, adapter.Width, 3, 3]);
            if (keep("refine_conv.bias")) Tensor($"{prefix}bias", adapter.Refine[i].Bias, false, [adapter.Width]);
        }
        pickle.Op("us");
        for (int i = 0; i < adapter.Blocks.Count; i++)
        {
            LoraBlock block = adapter.Blocks[i];
            foreach ((string name, float[] values, bool isA) in new[] { ($"w_a_{2 * i:000}", block.QueryA, true), ($"w_a_{2 * i + 1:000}", block.ValueA, true), ($"w_b_{2 * i:000}", block.QueryB, false), ($"w_b_{2 * i + 1:000}", block.ValueB, false) })
                if (keep(name)) Tensor(name, values, true, isA ? [adapter.Rank, adapter.Width] : [adapter.Width, adapter.Rank]);
        }
        Entry("data.pkl", pickle.Op("u").Done());
        return path;

        void Tensor(string name, float[] values, bool isParameter, long[] shape)
        {
            string key = $"{storages++}";
            Entry($"data/{key}", MemoryMarshal.AsBytes(values.AsSpan()).ToArray());
            long[] strides = [.. shape.Select((_, axis) => shape[(axis + 1)..].Aggregate(1L, (x, y) => x * y))];
            pickle.Text(name);
            if (isParameter) pickle.Global("torch._utils", "_rebuild_parameter").Op("(");
            pickle.Tensor("FloatStorage", key, values.Length, 0, shape, strides, "cuda:0");
            if (isParameter) pickle.Raw(0x88).Global("collections", "OrderedDict").Op(")RtR");
        }

        void Entry(string name, byte[] data)
        {
            using Stream entry = zip.CreateEntry($"tiny/{name}", CompressionLevel.NoCompression).Open();
            entry.Write(data);
        }
    }
}
