using CorrMesh.Features.Tests.Support;
using CorrMesh.Models;
using Xunit;

namespace CorrMesh.Features.Tests.Models;

public sealed class ModelCatalogTests : IDisposable
{
    private readonly TestData data = new();

    public void Dispose() => data.Dispose();

    [Fact]
    public void Models_OfTheDataDirectory_AreThereByNameWithTheirAdapters()
    {
        string digest = data.AddModel("tiny", width: 12, heads: 3, defaultTokens: 20);
        data.AddModel("alpha");
        string second = data.AddAdapter("b-tuned", "tiny"), first = data.AddAdapter("a-tuned", "tiny");

        ModelCatalog catalog = data.Catalog();

        Assert.Equal(["alpha", "tiny"], catalog.Models.Select(model => model.Name));
        ModelEntry tiny = catalog.Model("");
        Assert.Equal((digest, 14, 12, 2, 3, 20), (tiny.Digest, tiny.PatchSize, tiny.Width, tiny.Depth, tiny.Heads, tiny.DefaultTokens));
        Assert.Equal(data.Layout.BlobPath(digest), tiny.Path);
        Assert.Equal([("a-tuned", first), ("b-tuned", second)], tiny.Adapters.Select(adapter => (adapter.Name, adapter.Digest)));
    }

    // Goal: a model that ships with the program lies beside its manifest, and its name cannot be taken.
    [Fact]
    public void Models_BuiltIn_LieBesideTheirManifestAndKeepTheirName()
    {
        Directory.CreateDirectory(data.PathOf("built-in", "models", "tiny"));
        string file = data.WriteFile("built-in/models/tiny/w.safetensors", "weights"), digest = TestData.DigestOf(file);
        data.WriteFile("built-in/models/tiny/manifest.json", Manifest("tiny", digest, """ "file": "w.safetensors", """));
        Assert.Equal(file, data.Catalog().Model("tiny").Path);

        data.AddModel("tiny");
        Assert.Contains("taken", Assert.Throws<InvalidDataException>(() => data.Catalog()).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("../../secret")]
    [InlineData("/etc/passwd")]
    [InlineData("..")]
    [InlineData("")]
    public void Models_FileThatLeavesItsFolder_IsNotFollowed(string file)
    {
        data.WriteFile("secret", "weights");
        data.WriteManifest("models", "tiny", Manifest("tiny", TestData.DigestOf(data.PathOf("secret")), $""" "file": "{file}", """));
        Assert.Contains("missing", Assert.Throws<InvalidDataException>(() => data.Catalog()).Message, StringComparison.Ordinal);
    }

    public static TheoryData<string, string> DamagedModels => new()
    {
        { "schema_version", Manifest("tiny", Digest).Replace("\"schema_version\": 1", "\"schema_version\": 2", StringComparison.Ordinal) },
        { "schema_version", "{}" },
        { "not a manifest", "{" },
        { "not a manifest", Manifest("tiny", Digest, """ "surprise": 1, """) },
        { "id", Manifest("other", Digest) },
        { "id", "{\"schema_version\": 1}" },
        { "digest", "{\"schema_version\": 1, \"id\": \"tiny\"}" },
        { "digest", Manifest("tiny", Digest).Replace("sha256:", "md5:", StringComparison.Ordinal) },
        { "digest", Manifest("tiny", "../../../etc/passwd") },
        { "digest", Manifest("tiny", Digest.ToUpperInvariant()) },
        { "missing", Manifest("tiny", Digest) },
        { "patch_size", Manifest("tiny", Digest).Replace("\"patch_size\": 14", "\"patch_size\": 0", StringComparison.Ordinal) },
        { "heads", Manifest("tiny", Digest).Replace("\"heads\": 2, ", "", StringComparison.Ordinal) },
        { "default_tokens", Manifest("tiny", Digest).Replace("\"default_tokens\": 16", "\"default_tokens\": -3", StringComparison.Ordinal) },
    };

    private static string Digest => new('a', 64);

    // Goal: whatever is wrong with a manifest, the error says which one and what. Method: one fault at a time; never another kind of exception.
    [Theory]
    [MemberData(nameof(DamagedModels))]
    public void Models_DamagedManifest_NamesItAndTheFault(string fault, string json)
    {
        data.WriteManifest("models", "tiny", json);
        var error = Assert.Throws<InvalidDataException>(() => data.Catalog());
        Assert.Contains(data.PathOf("models", "tiny"), error.Message, StringComparison.Ordinal);
        Assert.Contains(fault, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"schema_version": 1, "id": "tuned", "digest": "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}""", "model")]
    [InlineData("""{"schema_version": 1, "id": "tuned", "model": "nothing", "digest": "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}""", "'nothing' is not there")]
    [InlineData("""{"schema_version": 1, "id": "tuned", "model": "tiny", "digest": "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}""", "missing")]
    public void Adapters_DamagedManifest_NamesItAndTheFault(string json, string fault)
    {
        data.AddModel("tiny");
        data.WriteManifest("adapters", "tuned", json);
        var error = Assert.Throws<InvalidDataException>(() => data.Catalog());
        Assert.Contains(data.PathOf("adapters", "tuned"), error.Message, StringComparison.Ordinal);
        Assert.Contains(fault, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void DefaultModel_NotThere_NamesThoseThatAre()
    {
        data.AddModel("tiny");
        Assert.Equal("default model: 'compact' is not there; there are: tiny", Assert.Throws<InvalidDataException>(() => data.Catalog("compact")).Message);
    }

    private static string Manifest(string id, string digest, string more = "") =>
        $$"""{"schema_version": 1, "id": "{{id}}", {{more}}"digest": "sha256:{{digest}}", "patch_size": 14, "width": 12, "depth": 2, "heads": 2, "default_tokens": 16}""";
}
