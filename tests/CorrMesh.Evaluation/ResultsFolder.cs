namespace CorrMesh.Evaluation;

/// <summary>The folder of last tables, in the checkout that the program was built in, or `results` in the working directory.</summary>
internal static class ResultsFolder
{
    /// <summary>Writes a table as NAME.md and NAME.json, and further texts by their endings.</summary>
    public static void Write(string name, string markdown, string json, params (string Ending, string Text)[] others) =>
        Console.Error.WriteLine($"written to {Save(name, markdown, json, others)}.md and .json");

    /// <summary>The same without a word.</summary>
    /// <returns>The path without an ending.</returns>
    public static string Save(string name, string markdown, string json, params (string Ending, string Text)[] others)
    {
        string folder = Find();
        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(folder, $"{name}.md"), markdown);
        File.WriteAllText(Path.Combine(folder, $"{name}.json"), json);
        foreach ((string ending, string text) in others) File.WriteAllText(Path.Combine(folder, name + ending), text);
        return Path.Combine(folder, name);
    }

    /// <summary>A name that files can have.</summary>
    /// <param name="option">That gave it.</param>
    /// <exception cref="ArgumentException">It is not 1 to 64 letters, digits, - and _.</exception>
    public static string RequireName(string option, string name) => name.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_') && name.Length is > 0 and <= 64
        ? name
        : throw new ArgumentException($"{option}: 1 to 64 letters, digits, - and _ needed, '{name}' given");

    private static string Find()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            string project = Path.Combine(folder.FullName, "tests", "CorrMesh.Evaluation");
            if (Directory.Exists(project)) return Path.Combine(project, "results");
        }
        return Path.Combine(Environment.CurrentDirectory, "results");
    }
}
