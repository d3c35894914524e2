using System.Numerics;
using System.Text;
using CorrMesh.Vision.Weights;
using Xunit;

namespace CorrMesh.Vision.Tests.Weights;

public class PickleReaderTests
{
    private static readonly PlainPickleHost Plain = new();

    [Fact]
    public void Read_PlainValuesOfEveryProtocol_AreTheValues()
    {
        Assert.Null(Value("N"));
        Assert.Equal(true, Value("\u0088"));
        Assert.Equal(false, Value("I00\n"));
        Assert.Equal(7L, Value("K\u0007"));
        Assert.Equal(258L, Value("M\u0002\u0001"));
        Assert.Equal(-2L, Value("J\u00fe\u00ff\u00ff\u00ff"));
        Assert.Equal(-1L, Value("\u008a\u0001\u00ff"));
        Assert.Equal(0L, Value("\u008a\0"));
        Assert.Equal(BigInteger.One << 64, Value("\u008a\u0009\0\0\0\0\0\0\0\0\u0001"));
        Assert.Equal(123L, Value("L123L\n"));
        Assert.Equal(-45L, Value("I-45\n"));
        Assert.Equal(1.5, Value("F1.5\n"));
        Assert.Equal(-2.0, Value("G\u00c0\0\0\0\0\0\0\0"));
        Assert.Equal("name", Value("S'name'\n"));
        Assert.Equal("name", Value("Vname\n"));
        Assert.Equal("name", Value("\u008c\u0004name"));
        Assert.Equal("name", Value("U\u0004name"));
        Assert.Equal("name", Value("\u008d\u0004\0\0\0\0\0\0\0name"));
        Assert.Equal("name"u8.ToArray(), Value("C\u0004name"));
    }

    [Fact]
    public void Read_Containers_KeepOrderAndSharing()
    {
        // {'b': [1, 2], 'a': the same list, None: (1, {3})} with the list through the memo.
        object? root = Read(PickleBuilder.Protocol(4).Op("}(").Text("b").Op("]").Raw(0x94).Op("(K\u0001K\u0002e").Text("a").Op("h\0N(K\u0001").Raw(0x8f).Op("(K\u0003").Raw(0x90).Op("tu").Done());
        var dictionary = Assert.IsType<PickleDictionary>(root);
        Assert.Equal(["b", "a"], dictionary.Items.Keys.OfType<string>());
        var list = Assert.IsType<PickleList>(dictionary["b"]);
        Assert.Same(list, dictionary["a"]);
        Assert.Equal([1L, 2L], list.Items);
        var tuple = Assert.IsType<PickleTuple>(dictionary.Items.GetAt(2).Value);
        Assert.Equal([3L], Assert.IsType<PickleSet>(tuple.Items[1]).Items);
    }

    // Goal: every known way to name or run something outside the allow-list is refused by name. Method: pickles as attackers write
    // them, each paired with what the message must say. A refusal happens at the opcode, before anything is called.
    public static TheoryData<string, byte[], string> Hostile()
    {
        var data = new TheoryData<string, byte[], string>();
        void Add(string name, PickleBuilder pickle, string says) => data.Add(name, pickle.Done(), says);
        PickleBuilder P2() => PickleBuilder.Protocol(2);
        PickleBuilder P4() => PickleBuilder.Protocol(4);

        Add("GLOBAL os.system", P2().Global("os", "system").Op("(").Text("touch /tmp/pwned").Op("tR"), "os.system");
        Add("GLOBAL posix.system", P2().Global("posix", "system").Op("(").Text("id").Op("tR"), "posix.system");
        Add("GLOBAL subprocess.Popen", P2().Global("subprocess", "Popen").Op("(").Text("id").Op("tR"), "subprocess.Popen");
        Add("GLOBAL builtins.eval", P2().Global("builtins", "eval").Op("(").Text("1").Op("tR"), "builtins.eval");
        Add("GLOBAL __builtin__.exec", P2().Global("__builtin__", "exec"), "__builtin__.exec");
        Add("GLOBAL builtins.getattr", P2().Global("builtins", "getattr"), "builtins.getattr");
        Add("GLOBAL torch.load", P2().Global("torch", "load"), "torch.load");
        Add("GLOBAL torch.hub.load", P2().Global("torch.hub", "load"), "torch.hub.load");
        Add("GLOBAL torch.storage._load_from_bytes", P2().Global("torch.storage", "_load_from_bytes"), "torch.storage._load_from_bytes");
        Add("GLOBAL numpy scalar", P2().Global("numpy.core.multiarray", "scalar"), "numpy.core.multiarray.scalar");
        Add("GLOBAL dotted name", P2().Global("torch._utils", "_rebuild_tensor_v2.__globals__"), "__globals__");
        Add("GLOBAL module trick", P2().Global("torch._utils._rebuild_tensor_v2", "__call__"), "__call__");
        Add("GLOBAL empty", P2().Global("", ""), "global '.'");
        Add("STACK_GLOBAL os.system", P4().StackGlobal("os", "system").Op("(").Text("id").Op("tR"), "os.system");
        Add("STACK_GLOBAL by memo", P4().Text("system").Raw(0x94).Op("0").Text("os").Op("h\0").Raw(0x93), "os.system");
        Add("STACK_GLOBAL not text", P4().Op("K\u0001K\u0002").Raw(0x93), "not text");
        Add("INST os.system", P2().Op("(").Text("id").Op("ios\nsystem\n"), "INST");
        Add("OBJ with text as class", P2().Op("(").Text("os").Op("o"), "OBJ");
        Add("OBJ with global", P2().Op("(").Global("os", "system").Op("o"), "os.system");
        Add("OBJ of an allowed global", P2().Op("(").Global("collections", "OrderedDict").Op("o"), "OBJ");
        Add("NEWOBJ of an allowed global", P2().Global("collections", "OrderedDict").Op(")").Raw(0x81), "NEWOBJ");
        Add("NEWOBJ_EX of an allowed global", P4().Global("collections", "OrderedDict").Op(")}").Raw(0x92), "NEWOBJ_EX");
        Add("REDUCE of text", P2().Text("os.system").Op(")R"), "call of text");
        Add("REDUCE of a dictionary", P2().Op("})R"), "call of a dictionary");
        Add("REDUCE of a storage type", P2().Global("torch", "FloatStorage").Op(")R"), "torch.FloatStorage");
        Add("REDUCE of a type name", P2().Global("torch", "float32").Op(")R"), "torch.float32");
        Add("REDUCE without a tuple", P2().Global("collections", "OrderedDict").Op("]R"), "not a tuple");
        Add("REDUCE with a callable inside", P2().Global("collections", "OrderedDict").Op("(").Global("collections", "OrderedDict").Op("tR"), "OrderedDict");
        Add("BUILD on a global", P2().Global("collections", "OrderedDict").Op("}b"), "state of global");
        Add("BUILD on a plain dictionary", P2().Op("}}b"), "state of a dictionary");
        Add("BUILD on a tuple", P2().Op(")}b"), "state of a tuple");
        Add("extension registry", P2().Raw(0x82, 1), "extension");
        Add("extension registry, 2 bytes", P2().Raw(0x83, 1, 0), "extension");
        Add("extension registry, 4 bytes", P2().Raw(0x84, 1, 0, 0, 0), "extension");
        Add("out-of-band buffer", PickleBuilder.Protocol(5).Raw(0x97), "buffers");
        Add("persistent id as text", P2().Op("P../../etc/passwd\n"), "persistent id");
        Add("persistent id of a number", P2().Op("K\u0001Q"), "persistent id");
        Add("persistent id with a callable type", P2().Op("(").Text("storage").Global("os", "system").Text("0").Text("cpu").Number(1).Op("tQ"), "os.system");
        Add("persistent id of another kind", P2().Op("(").Text("module").Global("torch", "FloatStorage").Text("0").Text("cpu").Number(1).Op("tQ"), "persistent id");
        Add("persistent id of a negative count", P2().Storage("FloatStorage", "0", -4), "at least 0");
        Add("parameter of text", P2().Global("torch._utils", "_rebuild_parameter").Op("(").Text("x").Raw(0x88).Op("Nt").Op("R"), "_rebuild_parameter");
        Add("tensor of a dictionary", P2().Global("torch._utils", "_rebuild_tensor_v2").Op("(}K\0))").Raw(0x89).Op("NtR"), "_rebuild_tensor_v2");
        Add("nested in a list in a dictionary", P2().Op("}").Text("a").Op("](").Global("os", "system").Op("es"), "os.system");
        Add("control characters in a name", P2().Global("os\u001b[2J", "system"), "os\\u001b[2J.system");
        Add("overlong name", P2().Global(new string('a', 3000), "b"), "aaa...");
        Add("unknown opcode", P2().Raw(0xff), "0xff");
        Add("protocol 6", PickleBuilder.Protocol(6).Op("N"), "protocol");
        Add("tensor as a key", P2().Op("}").Tensor("FloatStorage", "0", 1, 0, [1], [1]).Op("Ns"), "key");
        Add("list as a key", P2().Op("}]Ns"), "key");
        Add("memo that was never written", P2().Op("h\u0005"), "memo 5");
        Add("huge text memo index", P2().Op("g99999999999999999999\n"), "memo index");
        Add("stack underflow", P2().Op("0"), "stack");
        Add("stack underflow through a mark", P2().Op("K\u0001(R"), "stack");
        Add("no mark", P2().Op("K\u0001t"), "mark");
        Add("left-overs", P2().Op("NN"), "left over");
        Add("append to a tuple", P2().Op(")Na"), "APPENDS");
        Add("items of a list", P2().Op("]NNs"), "SETITEMS");
        Add("odd items", P2().Op("}(NNNu"), "without a value");
        Add("LONG4 of 2 GB", P2().Raw(0x8b, 0xff, 0xff, 0xff, 0x7f), "integer of");
        Add("LONG4 of negative size", P2().Raw(0x8b, 0xff, 0xff, 0xff, 0xff), "integer of");
        Add("LONG of many digits", P2().Op("L" + new string('9', 3000) + "L\n"), "not an integer");
        Add("text of 4 GB", P2().Op("X").Raw(0xff, 0xff, 0xff, 0xff), "past the end");
        Add("bytes of 2^63", P4().Raw(0x8e, 0, 0, 0, 0, 0, 0, 0, 0x80), "past the end");
        Add("text of negative size", P2().Op("T").Raw(0xff, 0xff, 0xff, 0xff), "past the end");
        Add("frame past the end", P4().Raw(0x95, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0), "past the end");
        Add("text that is not UTF-8", P2().Op("X\u0001\0\0\0\u00ff"), "UTF-8");
        Add("line without an end", P2().Op("I1111"), "does not end");
        Add("list that holds itself", P2().Op("]q\0h\0a"), "holds itself");
        Add("dictionary that holds itself", P2().Op("}q\0").Text("a").Op("h\0s"), "holds itself");
        Add("cycle through a tuple", P2().Op("]q\0(h\0ta"), "holds itself");
        return data;
    }

    [Theory]
    [MemberData(nameof(Hostile), DisableDiscoveryEnumeration = true)]
    public void Read_HostilePickle_IsRefusedByName(string name, byte[] pickle, string says)
    {
        var refusal = Assert.Throws<WeightFileException>(() => PickleReader.Read(pickle, new TorchPickleHost(), "/weights/evil.pth"));
        Assert.StartsWith("evil.pth: pickle:", refusal.Message, StringComparison.Ordinal);
        Assert.True(refusal.Message.Contains(says, StringComparison.Ordinal), $"{name}: '{says}' expected in '{refusal.Message}'");
        Assert.DoesNotContain('\u001b', refusal.Message);
    }

    // Goal: nesting far beyond any stack is refused as a value, not by a crash. Method: a million opening lists, tuples and
    // dictionaries, and a chain built through the memo so that no single opcode nests.
    [Theory]
    [InlineData("]", "a")]
    [InlineData("}N", "s")]
    public void Read_NestedAMillionDeep_IsRefused(string open, string close)
    {
        byte[] pickle = Encoding.Latin1.GetBytes(Repeat(open, 900_000) + "N" + Repeat(close, 900_000) + ".");
        var refusal = Assert.Throws<WeightFileException>(() => PickleReader.Read(pickle, Plain, "deep.pth"));
        Assert.Contains("deep", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_TupleOfTupleAMillionTimes_IsRefused()
    {
        byte[] pickle = Encoding.Latin1.GetBytes("N" + Repeat("\u0085", 1_000_000) + ".");
        Assert.Throws<WeightFileException>(() => PickleReader.Read(pickle, Plain, "deep.pth"));
    }

    // Goal: depth counts the longest way through shared containers, not the first one found. Method: a chain of pairs where the short
    // way to each inner part is visited first.
    [Fact]
    public void Read_DepthHiddenBehindSharing_IsRefused()
    {
        var pickle = PickleBuilder.Protocol(2).Op("]q\0");
        for (int i = 0; i < 100; i++) pickle.Op("0h\0(h\0ltq\0");
        Assert.Throws<WeightFileException>(() => PickleReader.Read(pickle.Done(), Plain, "shared.pth"));
    }

    // Goal: sharing cannot multiply work. Method: 40 levels of a list that holds the level below twice (2^40 paths); reading visits each container once.
    [Fact]
    public void Read_DoublyShared40Levels_IsReadInOnePass()
    {
        var pickle = PickleBuilder.Protocol(2).Op("]q\0");
        for (int i = 0; i < 40; i++) pickle.Op("0](h\0h\0eq\0");
        Assert.IsType<PickleList>(Read(pickle.Done()));
    }

    [Fact]
    public void Read_CollidingIntegerKeys_AreAllKept()
    {
        // x ^ (x >> 32) is 0 for all of these: a plain hash of 64-bit integers would put them into one bucket.
        var pickle = PickleBuilder.Protocol(2).Op("}(");
        const int Count = 100_000;
        for (long i = 0; i < Count; i++) pickle.Number(i << 32 | i).Op("N");
        Assert.Equal(Count, Assert.IsType<PickleDictionary>(Read(pickle.Op("u").Done())).Items.Count);
    }

    [Fact]
    public void Read_MoreOperationsThanAllowed_IsRefused()
    {
        var limits = new PickleLimits(MaxOperations: 6);
        Assert.NotNull(PickleReader.Read(Encoding.Latin1.GetBytes("](NNe."), Plain, "at.pth", limits));
        Assert.Throws<WeightFileException>(() => PickleReader.Read(Encoding.Latin1.GetBytes("](NNNe."), Plain, "past.pth", limits));
    }

    [Fact]
    public void Read_MoreBytesThanAllowed_IsRefused()
    {
        var limits = new PickleLimits(MaxBytes: 6);
        Assert.NotNull(PickleReader.Read(Encoding.Latin1.GetBytes("](NNe."), Plain, "at.pth", limits));
        Assert.Throws<WeightFileException>(() => PickleReader.Read(Encoding.Latin1.GetBytes("](NNNe."), Plain, "past.pth", limits));
    }

    // Goal: no prefix of a valid file is taken for a file, and none does worse than a clear refusal. Method: every length short of the whole.
    [Fact]
    public void Read_TruncatedAtEveryByte_IsRefused()
    {
        byte[] pickle = PickleBuilder.Protocol(2).Op("}(").Text("weight").Tensor("FloatStorage", "0", 6, 0, [2, 3], [3, 1]).Text("epoch").Op("M\u0001\u0002I7\n").Op("Nu").Done();
        Assert.NotNull(PickleReader.Read(pickle, new TorchPickleHost(), "whole.pth"));
        for (int length = 0; length < pickle.Length; length++)
            Assert.Throws<WeightFileException>(() => PickleReader.Read(pickle[..length], new TorchPickleHost(), "part.pth"));
    }

    // Goal: bytes at random are refused or read, never a crash. Method: 20,000 mutations of a valid pickle with a fixed seed.
    [Fact]
    public void Read_MutatedBytes_EitherReadsOrRefuses()
    {
        byte[] pickle = PickleBuilder.Protocol(2).Op("}(").Text("weight").Tensor("FloatStorage", "0", 6, 0, [2, 3], [3, 1]).Text("x").Op("](K\u0001K\u0002eu").Done();
        var random = new Random(20);
        int refused = 0;
        for (int trial = 0; trial < 20_000; trial++)
        {
            byte[] mutated = [.. pickle];
            for (int change = random.Next(1, 4); change > 0; change--) mutated[random.Next(mutated.Length)] = (byte)random.Next(256);
            try
            {
                PickleReader.Read(mutated, new TorchPickleHost(), "mutated.pth");
            }
            catch (WeightFileException)
            {
                refused++;
            }
        }
        Assert.InRange(refused, 1000, 19_999);
    }

    private static object? Value(string opcodes) => Read(Encoding.Latin1.GetBytes(opcodes + "."));

    private static object? Read(byte[] pickle) => PickleReader.Read(pickle, Plain, "test.pth");

    private static string Repeat(string text, int count) => new StringBuilder().Insert(0, text, count).ToString();
}
