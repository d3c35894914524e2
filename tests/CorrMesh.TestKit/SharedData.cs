using System.Text.Json;
using Xunit;

namespace CorrMesh.TestKit;

/// <summary>The folder of reference data: CORRMESH_SHARED, or "shared" beside the checkout.</summary>
/// <remarks>Without the folder a test that needs it is skipped; when CORRMESH_SHARED is set and something is absent, it fails instead.</remarks>
public static class SharedData
{
    private static readonly string? Named = Environment.GetEnvironmentVariable("CORRMESH_SHARED") is { Length: > 0 } path ? path : null;

    /// <summary>The folder, or null when there is none.</summary>
    public static string? Root { get; } = Named ?? Beside();

    /// <summary>Full path of something in the folder; skips or fails the test when it is absent.</summary>
    /// <param name="relative">Path inside the folder, "/" between parts.</param>
    public static string Require(string relative)
    {
        string? path = Root is null ? null : Path.Combine(Root, relative);
        if (path is not null && (File.Exists(path) || Directory.Exists(path))) return path;
        string reason = $"reference data '{relative}' is not in {Root ?? "../shared (set CORRMESH_SHARED)"}";
        Assert.SkipWhen(Named is null, reason);
        Assert.Fail(reason);
        return "";
    }

    /// <summary>One fixture by its folder name; skips or fails the test when it is absent.</summary>
    public static Fixture Fixture(string name) => new(Require($"fixtures/{name}"));

    /// <summary>The fixtures whose folder names begin with a prefix, by name; skips or fails the test when there is none.</summary>
    /// <param name="except">Folder names of another family that shares the prefix.</param>
    public static IReadOnlyList<Fixture> Family(string prefix, params string[] except)
    {
        string root = Require("fixtures");
        Fixture[] found =
        [
            .. Directory.GetDirectories(root, prefix + "*").Order(StringComparer.Ordinal)
                .Where(folder => !except.Contains(Path.GetFileName(folder))).Select(folder => new Fixture(folder)),
        ];
        if (found.Length == 0) Require($"fixtures/{prefix}*");
        return found;
    }

    // Test programs run from artifacts/bin of a checkout; the folder lies beside the checkout's root, which holds Mesh.sln.
    // A git worktree may lie one level deeper than the checkout, so every ancestor's neighbour counts.
    private static string? Beside()
    {
        bool inCheckout = false;
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            string candidate = Path.Combine(folder.FullName, "shared");
            if (inCheckout && Directory.Exists(Path.Combine(candidate, "fixtures"))) return candidate;
            inCheckout |= File.Exists(Path.Combine(folder.FullName, "Mesh.sln"));
        }
        return null;
    }
}

/// <summary>One folder of expected numbers with its meta.json.</summary>
public sealed class Fixture
{
    public Fixture(string folder)
    {
        Folder = folder;
        Name = Path.GetFileName(folder);
        using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "meta.json")));
        Meta = document.RootElement.Clone();
    }

    public string Name { get; }

    public string Folder { get; }

    public JsonElement Meta { get; }

    /// <summary>Names of the files that the fixture lists.</summary>
    public IEnumerable<string> Files => Meta.GetProperty("files").EnumerateObject().Select(file => file.Name);

    public string PathOf(string file) => Path.Combine(Folder, file);

    public bool Has(string file) => File.Exists(PathOf(file));

    public NpyArray Array(string file) => NpyFile.Read(PathOf(file));

    public PngImage Image(string file) => PngFile.Read(PathOf(file));

    /// <summary>An integer of meta.json's "config", or a default where the fixture does not say.</summary>
    public int Config(string key, int otherwise) =>
        Meta.GetProperty("config").TryGetProperty(key, out JsonElement value) ? value.GetInt32() : otherwise;
}
