using System.Buffers.Text;

namespace CorrMesh.Rendering.Files;

/// <summary>Walks over a text of lines and words without copying it.</summary>
internal ref struct TextScanner(ReadOnlySpan<byte> text)
{
    private ReadOnlySpan<byte> rest = text;

    /// <summary>Number of the current line, from 1.</summary>
    public int Line { get; private set; }

    /// <summary>What lies behind the current line.</summary>
    public readonly ReadOnlySpan<byte> Rest => rest;

    /// <summary>Takes the next line, without its end.</summary>
    public bool TryReadLine(out ReadOnlySpan<byte> line)
    {
        line = default;
        if (rest.IsEmpty) return false;
        int end = rest.IndexOf((byte)'\n');
        line = end < 0 ? rest : rest[..end];
        rest = end < 0 ? default : rest[(end + 1)..];
        line = line.TrimEnd("\r \t"u8);
        Line++;
        return true;
    }

    /// <summary>Takes the next word of a line; false at its end.</summary>
    public static bool TryReadWord(ref ReadOnlySpan<byte> line, out ReadOnlySpan<byte> word)
    {
        line = line.TrimStart(" \t"u8);
        int end = line.IndexOfAny((byte)' ', (byte)'\t');
        word = end < 0 ? line : line[..end];
        line = end < 0 ? default : line[end..];
        return !word.IsEmpty;
    }

    /// <summary>Takes the next word of a line as a number. Words that overflow give infinity, which the mesh's own check refuses.</summary>
    public static bool TryReadNumber(ref ReadOnlySpan<byte> line, out float number)
    {
        number = 0;
        if (!TryReadWord(ref line, out ReadOnlySpan<byte> word)) return false;
        if (Utf8Parser.TryParse(word.StartsWith("+"u8) ? word[1..] : word, out number, out int read) && read > 0) return read >= word.Length - 1;
        if (word.EndsWith("nan"u8) || word.EndsWith("NaN"u8) || word.EndsWith("nan(ind)"u8)) number = float.NaN;
        else if (word.EndsWith("inf"u8) || word.EndsWith("Infinity"u8)) number = float.PositiveInfinity;
        else return false;
        return true;
    }
}
