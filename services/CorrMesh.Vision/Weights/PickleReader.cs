namespace CorrMesh.Vision.Weights;

/// <summary>Bounds on what one pickle may ask for.</summary>
/// <param name="MaxBytes">Size of the pickle. The largest public checkpoint's is under 1 MB; optimiser states add a few.</param>
/// <param name="MaxOperations">Opcodes carried out.</param>
/// <param name="MaxDepth">Containers inside containers in the result. Nested any deeper, readers that recurse would be at risk.</param>
public sealed record PickleLimits(int MaxBytes = 16 << 20, int MaxOperations = 2_000_000, int MaxDepth = 64);

/// <summary>A restricted pickle machine: builds plain values, asks its host for the few globals that are allowed, refuses the rest.</summary>
/// <remarks>
/// Reads protocols 0 to 5 as far as weight files use them (Python's pickletools documents the opcodes). No code of the file
/// ever runs: a global is a name, a call is a question to the <see cref="IPickleHost"/>. Every length is checked against
/// what is left of the input, so memory grows with the file and not with what it claims. Not refused: shared containers,
/// which is why readers of the result count what they visit. Refused: cycles, instances, extension codes, out-of-band buffers.
/// </remarks>
public sealed class PickleReader
{
    private readonly PickleInput input;
    private readonly IPickleHost host;
    private readonly PickleLimits limits;
    private readonly List<object?> stack = [];
    private readonly List<int> marks = [];
    private readonly Dictionary<uint, object?> memo = [];

    private PickleReader(byte[] data, IPickleHost host, PickleLimits limits)
    {
        input = new PickleInput(data);
        this.host = host;
        this.limits = limits;
    }

    /// <summary>Reads the first value of a pickle.</summary>
    /// <param name="data">The pickle's bytes.</param>
    /// <param name="host">Decides which globals, calls and persistent ids are allowed.</param>
    /// <param name="source">File name for messages.</param>
    /// <param name="limits">Bounds; null for the defaults.</param>
    /// <returns>A tree (shared parts allowed, cycles not) of plain values and of what the host built.</returns>
    /// <exception cref="WeightFileException">The pickle is damaged, beyond a limit, or asks for something that is not allowed; the message names it.</exception>
    public static object? Read(byte[] data, IPickleHost host, string source, PickleLimits? limits = null)
    {
        limits ??= new PickleLimits();
        if (data.Length > limits.MaxBytes) throw new WeightFileException(source, $"pickle: at most {limits.MaxBytes} bytes allowed, {data.Length} given");
        try
        {
            object? root = new PickleReader(data, host, limits).Run();
            PickleGraph.Check(root, limits.MaxDepth);
            return root;
        }
        catch (FormatException problem)
        {
            throw new WeightFileException(source, $"pickle: {problem.Message}", problem);
        }
    }

    private object? Run()
    {
        for (int operations = 0; operations < limits.MaxOperations; operations++)
        {
            byte code = input.Byte();
            if (code == '.')
            {
                object? root = Pop();
                return stack.Count == 0 && marks.Count == 0 ? root : throw new FormatException($"{stack.Count} values are left over at its end");
            }
            if (!Push(code) && !Build(code) && !Memoise(code)) throw new FormatException($"opcode 0x{code:x2} at byte {input.Position - 1} is not allowed");
        }
        throw new FormatException($"at most {limits.MaxOperations} opcodes allowed");
    }

    // Opcodes that put a plain value on the stack.
    private bool Push(byte code)
    {
        switch (code)
        {
            case (byte)'N': stack.Add(null); return true;
            case 0x88: stack.Add(true); return true;
            case 0x89: stack.Add(false); return true;
            case (byte)'K': stack.Add((long)input.Byte()); return true;
            case (byte)'M': stack.Add((long)input.UInt16()); return true;
            case (byte)'J': stack.Add((long)input.Int32()); return true;
            case (byte)'G': stack.Add(input.Double()); return true;
            case 0x8a: stack.Add(input.Integer(input.Byte())); return true;
            case 0x8b: stack.Add(input.Integer(input.Int32())); return true;
            case (byte)'I': stack.Add(TextInteger(input.Line())); return true;
            case (byte)'L': stack.Add(input.DecimalInteger(input.Line().TrimEnd('L'))); return true;
            case (byte)'F': stack.Add(TextFloat(input.Line())); return true;
            case (byte)'V': stack.Add(Unescaped(input.Line())); return true;
            case (byte)'S': stack.Add(Unquoted(input.Line())); return true;
            case (byte)'X': stack.Add(input.Text(input.UInt32())); return true;
            case 0x8c: stack.Add(input.Text(input.Byte())); return true;
            case 0x8d: stack.Add(input.Text(input.Length64())); return true;
            case (byte)'U': stack.Add(input.Text(input.Byte())); return true;
            case (byte)'T': stack.Add(input.Text(input.Int32())); return true;
            case (byte)'C': stack.Add(input.Bytes(input.Byte()).ToArray()); return true;
            case (byte)'B': stack.Add(input.Bytes(input.UInt32()).ToArray()); return true;
            case 0x8e or 0x96: stack.Add(input.Bytes(input.Length64()).ToArray()); return true;
            case (byte)']': stack.Add(new PickleList()); return true;
            case (byte)'}': stack.Add(new PickleDictionary()); return true;
            case (byte)')': stack.Add(new PickleTuple([])); return true;
            case 0x8f: stack.Add(new PickleSet()); return true;
            default: return false;
        }
    }

    // Opcodes that put values together, name globals or call them.
    private bool Build(byte code)
    {
        switch (code)
        {
            case (byte)'(': marks.Add(stack.Count); return true;
            case (byte)'t': stack.Add(new PickleTuple(PopToMark())); return true;
            case 0x85 or 0x86 or 0x87: stack.Add(new PickleTuple(PopMany(code - 0x84))); return true;
            case (byte)'l': stack.Add(Extend(new PickleList(), PopToMark())); return true;
            case (byte)'d': stack.Add(SetItems(new PickleDictionary(), PopToMark())); return true;
            case 0x91: stack.Add(AddItems(new PickleSet(), PopToMark())); return true;
            case (byte)'a': AppendTo([Pop()]); return true;
            case (byte)'e': AppendTo(PopToMark()); return true;
            case (byte)'s': SetItemsOf(PopMany(2)); return true;
            case (byte)'u': SetItemsOf(PopToMark()); return true;
            case 0x90: { object?[] items = PopToMark(); AddItems(Peek<PickleSet>("ADDITEMS"), items); return true; }
            case (byte)'0': Discard(); return true;
            case (byte)'1': PopToMark(); return true;
            case (byte)'2': stack.Add(Peek()); return true;
            case (byte)'c': stack.Add(Global(input.Line(), input.Line())); return true;
            case 0x93: { object?[] names = PopMany(2); stack.Add(Global(names[0], names[1])); return true; }
            case (byte)'R': Reduce(); return true;
            case (byte)'b': SetState(); return true;
            case (byte)'Q': stack.Add(host.LoadPersistent(Pop())); return true;
            case (byte)'P': throw new FormatException($"persistent id '{WeightFileException.Printable(input.Line())}' as text is not allowed");
            case (byte)'i': throw Instance("INST", new PickleGlobal(input.Line(), input.Line()));
            case (byte)'o': throw Instance("OBJ", PopToMark().FirstOrDefault());
            case 0x81: throw Instance("NEWOBJ", PopMany(2)[0]);
            case 0x92: throw Instance("NEWOBJ_EX", PopMany(3)[0]);
            case 0x82 or 0x83 or 0x84: throw new FormatException("extension codes are not allowed");
            case 0x97 or 0x98: throw new FormatException("out-of-band buffers are not allowed");
            default: return false;
        }
    }

    // Opcodes of the memo and of framing.
    private bool Memoise(byte code)
    {
        switch (code)
        {
            case (byte)'q': memo[input.Byte()] = Peek(); return true;
            case (byte)'r': memo[input.UInt32()] = Peek(); return true;
            case (byte)'p': memo[TextIndex()] = Peek(); return true;
            case 0x94: memo[(uint)memo.Count] = Peek(); return true;
            case (byte)'h': Recall(input.Byte()); return true;
            case (byte)'j': Recall(input.UInt32()); return true;
            case (byte)'g': Recall(TextIndex()); return true;
            case 0x95: input.Length64(); return true;
            case 0x80:
                int protocol = input.Byte();
                return protocol <= 5 ? true : throw new FormatException($"protocol: at most 5 known, {protocol} given");
            default: return false;
        }
    }

    private PickleGlobal Global(object? module, object? name)
    {
        if (module is not string moduleName || name is not string globalName) throw new FormatException("a global's name is not text");
        var global = new PickleGlobal(moduleName, globalName);
        return host.Allows(global) ? global : throw new FormatException($"global '{global}' is not allowed");
    }

    private void Reduce()
    {
        object?[] call = PopMany(2);
        if (call[0] is not PickleGlobal global) throw new FormatException($"a call of {Describe(call[0])} is not allowed");
        if (call[1] is not PickleTuple arguments) throw new FormatException($"arguments of '{global}' are not a tuple");
        stack.Add(host.Invoke(global, arguments));
    }

    // torch gives state dicts an attribute "_metadata" this way; it carries version numbers of modules, which nothing here reads.
    private void SetState()
    {
        Pop();
        if (Peek() is not PickleDictionary { IsOrdered: true })
            throw new FormatException($"state of {Describe(stack[^1])} is not allowed");
    }

    private void AppendTo(object?[] items) => Extend(Peek<PickleList>("APPENDS"), items);

    private static PickleList Extend(PickleList list, object?[] items)
    {
        list.Items.AddRange(items);
        return list;
    }

    private void SetItemsOf(object?[] items) => SetItems(Peek<PickleDictionary>("SETITEMS"), items);

    private static PickleDictionary SetItems(PickleDictionary dictionary, object?[] items)
    {
        if (items.Length % 2 != 0) throw new FormatException("a dictionary has a key without a value");
        for (int i = 0; i < items.Length; i += 2) dictionary.Items[Key(items[i])] = items[i + 1];
        return dictionary;
    }

    private static PickleSet AddItems(PickleSet set, object?[] items)
    {
        foreach (object? item in items) set.Items.Add(Key(item));
        return set;
    }

    private static object Key(object? key) => PickleKeys.Allows(key)
        ? key ?? PickleKeys.None
        : throw new FormatException($"{Describe(key)} as a dictionary key is not allowed");

    private object? Pop()
    {
        if (stack.Count <= Floor) throw new FormatException($"nothing to take from the stack at byte {input.Position}");
        object? top = stack[^1];
        stack.RemoveAt(stack.Count - 1);
        return top;
    }

    private object?[] PopMany(int count)
    {
        if (stack.Count - Floor < count) throw new FormatException($"nothing to take from the stack at byte {input.Position}");
        object?[] items = [.. stack.GetRange(stack.Count - count, count)];
        stack.RemoveRange(stack.Count - count, count);
        return items;
    }

    private object?[] PopToMark()
    {
        if (marks.Count == 0) throw new FormatException($"no mark on the stack at byte {input.Position}");
        int start = marks[^1];
        marks.RemoveAt(marks.Count - 1);
        object?[] items = [.. stack.GetRange(start, stack.Count - start)];
        stack.RemoveRange(start, stack.Count - start);
        return items;
    }

    private void Discard()
    {
        if (marks.Count > 0 && marks[^1] == stack.Count) marks.RemoveAt(marks.Count - 1);
        else Pop();
    }

    private object? Peek() => stack.Count > Floor ? stack[^1] : throw new FormatException($"nothing to take from the stack at byte {input.Position}");

    private T Peek<T>(string operation) where T : class =>
        Peek() as T ?? throw new FormatException($"{operation} on {Describe(stack[^1])} is not allowed");

    private int Floor => marks.Count > 0 ? marks[^1] : 0;

    private void Recall(uint index) => stack.Add(memo.TryGetValue(index, out object? value) ? value : throw new FormatException($"memo {index} is empty"));

    private uint TextIndex() => uint.TryParse(input.Line(), System.Globalization.NumberStyles.None, null, out uint index)
        ? index
        : throw new FormatException($"memo index before byte {input.Position} is not a number of 32 bits");

    private object TextInteger(string line) => line switch { "00" => false, "01" => true, _ => input.DecimalInteger(line) };

    private static double TextFloat(string line) => double.TryParse(line, System.Globalization.CultureInfo.InvariantCulture, out double value)
        ? value
        : throw new FormatException($"'{WeightFileException.Printable(line)}' is not a number");

    private static string Unescaped(string line) => !line.Contains('\\', StringComparison.Ordinal)
        ? line
        : throw new FormatException("escapes in protocol 0 text are not allowed");

    private static string Unquoted(string line) => line.Length >= 2 && line[0] == line[^1] && line[0] is '\'' or '"'
        ? Unescaped(line[1..^1])
        : throw new FormatException("protocol 0 text is not quoted");

    private static FormatException Instance(string operation, object? type) => new($"{operation} of {Describe(type)} is not allowed");

    private static string Describe(object? value) => value switch
    {
        null => "None",
        PickleGlobal global => $"global '{global}'",
        PickleTuple => "a tuple",
        PickleList => "a list",
        PickleDictionary => "a dictionary",
        PickleSet => "a set",
        string => "text",
        byte[] => "bytes",
        bool or long or double or System.Numerics.BigInteger => "a number",
        _ => "a tensor or storage",
    };
}
