using CorrMesh.Hosting.Data;
using CorrMesh.Hosting.Errors;

namespace CorrMesh.Models;

/// <summary>The models and adapters that requests may name: the built-in ones and those of the data directory.</summary>
public sealed class ModelCatalog
{
    private const string DigestPrefix = "sha256:";

    private readonly SortedDictionary<string, ModelEntry> models = new(StringComparer.Ordinal);

    /// <param name="builtIn">The directory that ships with the program; weight files lie beside their manifests.</param>
    /// <param name="data">The operator's, or null. A model there may not take a built-in model's name.</param>
    /// <param name="defaultModel">The model that requests mean when they name none.</param>
    /// <exception cref="InvalidDataException">A manifest is damaged, names a missing file or a name that is taken.</exception>
    public ModelCatalog(DataDirectory builtIn, DataDirectory? data, string defaultModel)
    {
        DefaultModel = defaultModel;
        foreach (DataDirectory directory in data is null ? [builtIn] : new[] { builtIn, data })
        {
            foreach ((string folder, ModelManifest manifest) in directory.ReadManifests("models", ManifestJson.Default.ModelManifest)) Add(directory, folder, manifest);
        }

        foreach ((string folder, AdapterManifest manifest) in data?.ReadManifests("adapters", ManifestJson.Default.AdapterManifest) ?? []) Add(data!, folder, manifest);
        if (!models.ContainsKey(defaultModel))
            throw new InvalidDataException($"default model: '{defaultModel}' is not there; there are: {string.Join(", ", models.Keys)}");
    }

    /// <summary>Whether there is a model of a name, whatever else is damaged.</summary>
    public static bool Has(DataDirectory builtIn, DataDirectory data, string model) =>
        new[] { builtIn, data }.Any(directory => directory.ReadManifests("models", ManifestJson.Default.ModelManifest).Any(entry => entry.Manifest.Id == model));

    public string DefaultModel { get; }

    /// <summary>By name.</summary>
    public IReadOnlyCollection<ModelEntry> Models => models.Values;

    /// <summary>Finds a model; the empty name is the default.</summary>
    /// <exception cref="NotFoundException">There is none of that name.</exception>
    public ModelEntry Model(string name) =>
        models.GetValueOrDefault(name.Length == 0 ? DefaultModel : name)
        ?? throw new NotFoundException("model", Shown(name), $"there are: {string.Join(", ", models.Keys)}");

    /// <summary>Finds an adapter of a model by name or name@sha256:digest; the empty name is none.</summary>
    /// <exception cref="NotFoundException">There is none of that name, or its content is another.</exception>
    public static AdapterEntry? Adapter(ModelEntry model, string reference)
    {
        if (reference.Length == 0) return null;
        string[] parts = reference.Split('@', 2);
        AdapterEntry adapter = model.Adapters.FirstOrDefault(a => a.Name == parts[0])
            ?? throw new NotFoundException("adapter", Shown(parts[0]), model.Adapters.Count == 0
                ? $"the model '{model.Name}' has none"
                : $"those of the model '{model.Name}' are: {string.Join(", ", model.Adapters.Select(a => a.Name))}");
        if (parts.Length == 2 && parts[1] != DigestPrefix + adapter.Digest)
            throw new NotFoundException("adapter", Shown(reference), $"'{adapter.Name}' is now {DigestPrefix}{adapter.Digest}");
        return adapter;
    }

    private static string Shown(string name) => name.Length <= 80 ? name : name[..80] + "...";

    private void Add(DataDirectory directory, string folder, ModelManifest manifest)
    {
        string digest = Checked(folder, manifest.Id, manifest.SchemaVersion, manifest.Digest);
        foreach ((string field, int value) in new[]
        {
            ("patch_size", manifest.PatchSize), ("width", manifest.Width), ("depth", manifest.Depth), ("heads", manifest.Heads), ("default_tokens", manifest.DefaultTokens),
        })
        {
            if (value < 1) throw new InvalidDataException($"{folder}: {field}: at least 1 needed, {value} given");
        }

        string path = manifest.File is null ? directory.BlobPath(digest) : Path.Combine(folder, Path.GetFileName(manifest.File));
        if (!File.Exists(path)) throw new InvalidDataException($"{folder}: its weight file {path} is missing");
        if (!models.TryAdd(manifest.Id, new ModelEntry(manifest.Id, digest, path, manifest.PatchSize, manifest.Width, manifest.Depth, manifest.Heads, manifest.DefaultTokens, [])))
            throw new InvalidDataException($"{folder}: the name '{manifest.Id}' is taken by another model");
    }

    private void Add(DataDirectory directory, string folder, AdapterManifest manifest)
    {
        string digest = Checked(folder, manifest.Id, manifest.SchemaVersion, manifest.Digest);
        if (!models.TryGetValue(manifest.Model ?? "", out ModelEntry? model)) throw new InvalidDataException($"{folder}: its model '{manifest.Model}' is not there");
        var adapter = new AdapterEntry(manifest.Id, digest, directory.BlobPath(digest));
        if (!File.Exists(adapter.Path)) throw new InvalidDataException($"{folder}: its file {adapter.Path} is missing");
        models[model.Name] = model with { Adapters = [.. model.Adapters, adapter] };
    }

    // A member that the file lacks is null here, whatever its type says.
    private static string Checked(string folder, string? id, int schemaVersion, string? digest)
    {
        if (schemaVersion != 1) throw new InvalidDataException($"{folder}: schema_version 1 is known, {schemaVersion} given");
        if (id is null || !DataDirectory.IsId(id) || id != Path.GetFileName(folder)) throw new InvalidDataException($"{folder}: id '{Shown(id ?? "")}' must be the folder's name");
        if (digest is null || !digest.StartsWith(DigestPrefix, StringComparison.Ordinal) || !DataDirectory.IsDigest(digest[DigestPrefix.Length..]))
            throw new InvalidDataException($"{folder}: digest must be {DigestPrefix} and 64 hex digits");
        return digest[DigestPrefix.Length..];
    }
}
