using CorrMesh.Hosting.Data;

namespace CorrMesh.Models;

/// <summary>The catalog as it is now. A request takes <see cref="Current"/> once and resolves every name against it.</summary>
public sealed class LiveCatalog
{
    private readonly DataDirectory builtIn, data;
    private readonly string defaultModel;
    private string generation;
    private volatile ModelCatalog current;

    /// <param name="builtIn">The directory that ships with the program.</param>
    /// <param name="data">The operator's.</param>
    /// <exception cref="InvalidDataException">See <see cref="ModelCatalog"/>.</exception>
    public LiveCatalog(DataDirectory builtIn, DataDirectory data, string defaultModel)
    {
        (this.builtIn, this.data, this.defaultModel) = (builtIn, data, defaultModel);
        generation = data.ReadGeneration();
        current = Read();
    }

    /// <summary>Immutable.</summary>
    public ModelCatalog Current => current;

    /// <summary>Reads the directories anew when the generation is another than at the last success; one caller at a time.</summary>
    /// <returns>Whether <see cref="Current"/> is a new one.</returns>
    /// <exception cref="CatalogException">They could not be read; the current catalog stays, and the next call tries again.</exception>
    public bool Refresh()
    {
        string? seen = null;
        try
        {
            // Before the manifests: what changes while they are read changes the generation once more.
            seen = data.ReadGeneration();
            if (seen == generation) return false;
            current = Read();
            generation = seen;
            return true;
        }
        catch (Exception exception) when (exception is InvalidDataException or IOException or UnauthorizedAccessException)
        {
            throw new CatalogException(seen, exception);
        }
    }

    private ModelCatalog Read() => new(builtIn, data, defaultModel);
}

/// <summary>A generation of the data directory that could not be read.</summary>
/// <param name="generation">Null when not even that could be.</param>
public sealed class CatalogException(string? generation, Exception reason) : Exception(reason.Message, reason)
{
    public string? Generation { get; } = generation;
}
