using CorrMesh.Hosting.Data;
using CorrMesh.Hosting.Errors;

namespace CorrMesh.Models;

/// <summary>The names of a data directory's adapters: what each means now, and has meant before.</summary>
/// <remarks>Adapters are content-addressed and never change; a name moves from one to another in one step. Writers of several processes take turns by a lock.</remarks>
public sealed class AdapterNames(DataDirectory data)
{
    /// <summary>Most versions that a name remembers; the oldest goes first.</summary>
    public const int MaxVersions = 100;

    private const string Kind = "adapters";
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(5);

    /// <summary>Every name, in order.</summary>
    /// <exception cref="InvalidDataException">A manifest is damaged.</exception>
    public IReadOnlyList<AdapterManifest> List() => [.. data.ReadManifests(Kind, ManifestJson.Default.AdapterManifest).Select(entry => WithVersions(entry.Manifest))];

    /// <exception cref="NotFoundException">There is no such name.</exception>
    public AdapterManifest Get(string name) => List().FirstOrDefault(manifest => manifest.Id == name) ?? throw new NotFoundException("adapter", name.Length <= 80 ? name : name[..80] + "...");

    /// <summary>Makes a name mean an adapter; a name that means it already is left as it is.</summary>
    /// <param name="version">Its file is a blob of the data directory.</param>
    /// <exception cref="ArgumentException">The name cannot be one.</exception>
    /// <exception cref="IOException">The data directory cannot be written, or another process writes for long; nothing has changed.</exception>
    public AdapterManifest Publish(string name, AdapterVersion version)
    {
        if (!DataDirectory.IsId(name)) throw new ArgumentException($"name: a-z, 0-9, dot, dash, underscore, at most 64, beginning with a letter or digit; '{name}' given");
        using FileStream turn = TakeTurn();
        AdapterManifest? now = List().FirstOrDefault(manifest => manifest.Id == name);
        if (now is not null && now.Digest == version.Digest && now.Model == version.Model) return now;
        IEnumerable<AdapterVersion> others = (now?.Versions ?? []).Where(other => other.Digest != version.Digest);
        return Write(new AdapterManifest(1, name, version.Model, version.Digest, [version, .. others.Take(MaxVersions - 1)]));
    }

    /// <summary>Makes a name mean one of its other adapters.</summary>
    /// <param name="digest">64 hex digits; empty for the one published before the present one.</param>
    /// <param name="check">Given the adapter before the name moves; what it throws leaves the name where it is.</param>
    /// <exception cref="NotFoundException">There is no such name, or it never meant that adapter.</exception>
    /// <exception cref="NoEarlierVersionException">The present one is the first.</exception>
    public AdapterManifest RollBack(string name, string digest, Action<AdapterVersion>? check = null)
    {
        using FileStream turn = TakeTurn();
        AdapterManifest now = Get(name);
        AdapterVersion target = digest.Length == 0
            ? now.Versions!.SkipWhile(version => version.Digest != now.Digest).Skip(1).FirstOrDefault() ?? throw new NoEarlierVersionException(name)
            : now.Versions!.FirstOrDefault(version => version.Digest == "sha256:" + digest) ?? throw new NotFoundException("version", digest, $"'{name}' has meant: {string.Join(", ", now.Versions!.Select(version => version.Digest))}");
        if (target.Digest == now.Digest) return now;
        check?.Invoke(target);
        return Write(now with { Model = target.Model, Digest = target.Digest });
    }

    private AdapterManifest Write(AdapterManifest manifest)
    {
        data.WriteManifest(Kind, manifest.Id, manifest, ManifestJson.Default.AdapterManifest);
        return manifest;
    }

    // Files from before there were versions know the present one alone.
    private static AdapterManifest WithVersions(AdapterManifest manifest) =>
        manifest.Versions is { Count: > 0 } ? manifest : manifest with { Versions = [new AdapterVersion(manifest.Digest, manifest.Model, DateTimeOffset.UnixEpoch, "")] };

    private FileStream TakeTurn()
    {
        string folder = Path.Combine(data.Root, Kind);
        Directory.CreateDirectory(folder);
        FileStream? turn = null;
        string path = Path.Combine(folder, "lock");
        if (!SpinWait.SpinUntil(() => (turn = DataDirectory.TryLock(path)) is not null, LongestWait)) throw new IOException($"the adapters of {data.Root} are being written by another process");
        return turn!;
    }
}

/// <summary>A name has meant no other adapter before the present one.</summary>
public sealed class NoEarlierVersionException(string name) : Exception($"name: an adapter published before the present one needed, '{name}' has none");
