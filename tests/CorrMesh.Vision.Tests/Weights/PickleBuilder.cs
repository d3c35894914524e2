using System.Buffers.Binary;
using System.Text;

namespace CorrMesh.Vision.Tests.Weights;

/// <summary>Writes pickle opcodes one by one, hostile ones included.</summary>
internal sealed class PickleBuilder
{
    private readonly List<byte> bytes = [];

    public static PickleBuilder Protocol(int protocol) => new PickleBuilder().Raw(0x80, (byte)protocol);

    public byte[] Done() => [.. Raw((byte)'.').bytes];

    public PickleBuilder Raw(params ReadOnlySpan<byte> opcodes)
    {
        bytes.AddRange(opcodes);
        return this;
    }

    public PickleBuilder Op(string opcodes) => Raw(Encoding.Latin1.GetBytes(opcodes));

    public PickleBuilder Text(string text)
    {
        byte[] utf8 = Encoding.UTF8.GetBytes(text);
        Span<byte> length = stackalloc byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(length, utf8.Length);
        return Op("X").Raw(length).Raw(utf8);
    }

    public PickleBuilder Number(long value)
    {
        Span<byte> digits = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(digits, value);
        return Raw(0x8a, 8).Raw(digits);
    }

    public PickleBuilder Global(string module, string name) => Op($"c{module}\n{name}\n");

    public PickleBuilder StackGlobal(string module, string name) => Text(module).Text(name).Raw(0x93);

    /// <summary>('storage', torch.{type}, key, device, count) as a persistent id.</summary>
    public PickleBuilder Storage(string type, string key, long count, string device = "cpu") =>
        Op("(").Text("storage").Global("torch", type).Text(key).Text(device).Number(count).Op("tQ");

    public PickleBuilder Longs(params ReadOnlySpan<long> values)
    {
        Op("(");
        foreach (long value in values) Number(value);
        return Op("t");
    }

    /// <summary>torch._utils._rebuild_tensor_v2(storage, offset, shape, strides, False, OrderedDict()).</summary>
    public PickleBuilder Tensor(string type, string key, long count, long offset, long[] shape, long[] strides, string device = "cpu") =>
        Global("torch._utils", "_rebuild_tensor_v2").Op("(").Storage(type, key, count, device).Number(offset).Longs(shape).Longs(strides)
            .Raw(0x89).Global("collections", "OrderedDict").Op(")Rt").Op("R");
}
