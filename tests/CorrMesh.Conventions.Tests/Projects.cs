using System.Xml.Linq;

namespace CorrMesh.Conventions.Tests;

/// <summary>A project file: what it references, by name.</summary>
/// <param name="Name">The file's name without extension.</param>
/// <param name="File">Relative to the root.</param>
/// <param name="Projects">Names of the projects that it references itself.</param>
/// <param name="Packages">Its package references.</param>
internal sealed record Project(string Name, string File, IReadOnlyList<string> Projects, IReadOnlyList<XElement> Packages)
{
    public override string ToString() => Name;
}

/// <summary>The projects of the repository.</summary>
internal static class ProjectGraph
{
    public static IReadOnlyDictionary<string, Project> All { get; } = Directory
        .EnumerateFiles(Repository.Root, "*.csproj", SearchOption.AllDirectories)
        .Select(path => Path.GetRelativePath(Repository.Root, path))
        .Where(path => !path.StartsWith("artifacts/", StringComparison.Ordinal))
        .Select(Load)
        .ToDictionary(project => project.Name);

    /// <summary>The project and everything that it references, directly or not.</summary>
    public static IEnumerable<Project> Closure(string name)
    {
        var seen = new Dictionary<string, Project>();
        var open = new Stack<string>([name]);
        while (open.TryPop(out string? next))
        {
            if (!seen.TryAdd(next, All[next])) continue;
            foreach (string reference in All[next].Projects) open.Push(reference);
        }

        return seen.Values;
    }

    private static Project Load(string file)
    {
        XDocument xml = XDocument.Load(Repository.PathOf(file));
        return new Project(
            Path.GetFileNameWithoutExtension(file), file,
            [.. xml.Descendants("ProjectReference").Select(reference => Path.GetFileNameWithoutExtension(reference.Attribute("Include")!.Value))],
            [.. xml.Descendants("PackageReference")]);
    }
}
