namespace CorrMesh.Vision.Weights;

/// <summary>A weight file is damaged, hostile, or of a kind that is not read; the message names the file and what is wrong with it.</summary>
public sealed class WeightFileException : Exception
{
    public WeightFileException() { }

    public WeightFileException(string message) : base(message) { }

    public WeightFileException(string message, Exception innerException) : base(message, innerException) { }

    /// <param name="source">The file (or other origin) the message begins with.</param>
    /// <param name="problem">What is wrong: the part, the bound, the value.</param>
    /// <param name="innerException">What was caught underneath, if anything.</param>
    public WeightFileException(string source, string problem, Exception? innerException = null)
        : base($"{Path.GetFileName(source)}: {problem}", innerException) { }

    /// <summary>Text from a file made fit for messages and logs: printable ASCII, at most 80 characters.</summary>
    internal static string Printable(string text)
    {
        string shown = text.Length <= 80 ? text : text[..80] + "...";
        return string.Concat(shown.Select(c => c is >= ' ' and <= '~' ? c.ToString() : $"\\u{(int)c:x4}"));
    }
}
