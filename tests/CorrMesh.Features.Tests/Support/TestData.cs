using CorrMesh.Hosting.Data;
using CorrMesh.Models;
using CorrMesh.Vision.Weights;

namespace CorrMesh.Features.Tests.Support;

/// <summary>A temporary data directory, with manifests written as an operator would find them.</summary>
internal sealed class TestData : IDisposable
{
    public string Root { get; } = Directory.CreateTempSubdirectory("corrmesh-data-").FullName;

    public DataDirectory Layout => new(Root);

    public void Dispose() => Directory.Delete(Root, recursive: true);

    public string PathOf(params string[] parts) => Path.Combine([Root, .. parts]);

    /// <summary>Adds a model whose weights are a few bytes, for engines that do not read them.</summary>
    /// <returns>The digest of its file.</returns>
    public string AddModel(string id, int width = 12, int heads = 2, int defaultTokens = 16, string? content = null) =>
        AddModelFile(id, WriteFile($"{id}.bin", content ?? $"weights of {id}"), 14, width, 2, heads, defaultTokens);

    /// <summary>Adds a model with a weight file that is there already.</summary>
    public string AddModelFile(string id, string file, int patchSize, int width, int depth, int heads, int defaultTokens)
    {
        string digest = Layout.AddBlob(file);
        WriteManifest("models", id, $$"""
            {"schema_version": 1, "id": "{{id}}", "digest": "sha256:{{digest}}", "patch_size": {{patchSize}}, "width": {{width}}, "depth": {{depth}}, "heads": {{heads}}, "default_tokens": {{defaultTokens}}}
            """);
        return digest;
    }

    /// <returns>The digest of its file.</returns>
    public string AddAdapter(string id, string model)
    {
        string digest = Layout.AddBlob(WriteFile($"{id}.bin", $"weights of {id}"));
        WriteManifest("adapters", id, $$"""{"schema_version": 1, "id": "{{id}}", "model": "{{model}}", "digest": "sha256:{{digest}}"}""");
        return digest;
    }

    public void WriteManifest(string kind, string id, string json)
    {
        Directory.CreateDirectory(PathOf(kind, id));
        File.WriteAllText(PathOf(kind, id, "manifest.json"), json);
    }

    public string WriteFile(string name, string content)
    {
        string path = PathOf(name);
        File.WriteAllText(path, content);
        return path;
    }

    public ModelCatalog Catalog(string defaultModel = "tiny") => new(new DataDirectory(PathOf("built-in")), Layout, defaultModel);

    public LiveCatalog Live(string defaultModel = "tiny") => new(new DataDirectory(PathOf("built-in")), Layout, defaultModel);

    public static string DigestOf(string path) => WeightFile.Digest(path);
}
