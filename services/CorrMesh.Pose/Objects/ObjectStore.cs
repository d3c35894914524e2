using CorrMesh.Hosting.Data;
using CorrMesh.Hosting.Errors;
using CorrMesh.Hosting.Options;
using Grpc.Core;

namespace CorrMesh.Pose.Objects;

/// <summary>The objects of a data directory. An object is there when its manifest is, and that is written last.</summary>
/// <remarks>Several processes may share a directory: each looks whether it has changed before every answer, and they take turns to add.</remarks>
internal sealed class ObjectStore(DataOptions options, PoseOptions pose, TimeProvider time) : IDisposable
{
    private const string Kind = "objects";

    private static readonly TimeSpan LockWait = TimeSpan.FromSeconds(10), LockStep = TimeSpan.FromMilliseconds(20);

    private readonly DataDirectory data = new(options.Directory);
    private readonly Lock gate = new();
    private readonly SemaphoreSlim adding = new(1, 1);
    private readonly Dictionary<string, (Lazy<ObjectModel> Model, long Used)> loaded = new(StringComparer.Ordinal);
    private SortedDictionary<string, ObjectManifest>? manifests;
    private string generation = "";
    private long uses;

    /// <summary>Every object, by id.</summary>
    /// <exception cref="IOException">The directory cannot be read.</exception>
    public IReadOnlyCollection<ObjectManifest> List() => Current().Values;

    /// <exception cref="NotFoundException">There is no such object.</exception>
    public ObjectManifest Get(string id, string field = "object") => Find(id) ?? throw new NotFoundException(field, id.Length <= 80 ? id : id[..80] + "...", Hint());

    /// <returns>Null when there is none.</returns>
    public ObjectManifest? Find(string id) => Current().GetValueOrDefault(id);

    /// <summary>What an object is found by; kept in memory for as long as there is room.</summary>
    /// <exception cref="InvalidDataException">Its file is damaged.</exception>
    public ObjectModel Load(ObjectManifest manifest)
    {
        Lazy<ObjectModel> model;
        lock (gate)
        {
            model = loaded.TryGetValue(manifest.Archive, out var entry) ? entry.Model : new Lazy<ObjectModel>(() => Read(manifest));
            loaded[manifest.Archive] = (model, ++uses);
        }
        try
        {
            _ = model.Value;
        }
        catch
        {
            lock (gate) loaded.Remove(manifest.Archive);
            throw;
        }
        lock (gate)
        {
            long bytes = loaded.Values.Where(entry => entry.Model.IsValueCreated).Sum(entry => entry.Model.Value.Bytes);
            while (bytes > pose.LoadedBytes && loaded.Count > 1)
            {
                (string key, (Lazy<ObjectModel> oldest, _)) = loaded.Where(entry => entry.Value.Model.IsValueCreated && entry.Key != manifest.Archive).MinBy(entry => entry.Value.Used);
                if (key is null) break;
                bytes -= oldest.Value.Bytes;
                loaded.Remove(key);
            }
        }
        return model.Value;
    }

    /// <summary>Fails early when nothing could be kept later.</summary>
    /// <exception cref="IOException">The directory cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">Likewise.</exception>
    public void Prepare()
    {
        string probe = Path.Combine(data.Root, Kind, $"incoming-{Guid.NewGuid():N}");
        Directory.CreateDirectory(Path.GetDirectoryName(probe)!);
        new FileStream(probe, FileMode.CreateNew, FileAccess.Write, FileShare.None, 1, FileOptions.DeleteOnClose).Dispose();
    }

    /// <summary>Keeps a new object, whole or not at all.</summary>
    /// <param name="model">What it is found by.</param>
    /// <param name="make">Gives the manifest for the digest of its file.</param>
    /// <exception cref="RpcException">ALREADY_EXISTS: the id is taken by now.</exception>
    /// <exception cref="IOException">The directory cannot be written.</exception>
    public async Task<ObjectManifest> AddAsync(string id, ObjectModel model, Func<string, ObjectManifest> make, CancellationToken cancellation)
    {
        string digest = await Task.Run(() => WriteBlob(model), cancellation).ConfigureAwait(false);
        return await InTurnAsync(
            () =>
            {
                if (Find(id) is not null) throw Taken(id);
                ObjectManifest manifest = make(digest);
                data.WriteManifest(Kind, id, manifest, ObjectJson.Default.ObjectManifest);
                return manifest;
            },
            cancellation).ConfigureAwait(false);
    }

    /// <exception cref="NotFoundException">There is no such object.</exception>
    /// <exception cref="IOException">The directory cannot be written.</exception>
    public Task DeleteAsync(string id, CancellationToken cancellation) => InTurnAsync(
        () =>
        {
            ObjectManifest manifest = Get(id);
            data.DeleteManifest(Kind, id);
            // Two objects may be made alike.
            if (!Current().Values.Any(other => other.Archive == manifest.Archive)) File.Delete(data.BlobPath(manifest.Archive));
            lock (gate) loaded.Remove(manifest.Archive);
            return true;
        },
        cancellation);

    /// <summary>An object's file.</summary>
    public FileStream OpenArchive(ObjectManifest manifest) => File.OpenRead(data.BlobPath(manifest.Archive));

    public static RpcException Taken(string id) => RpcErrors.Of(StatusCode.AlreadyExists, "OBJECT_EXISTS", "config.id", $"config.id: a free one needed, there is an object '{id}'; delete it first, or choose another id");

    public void Dispose() => adding.Dispose();

    private string Hint()
    {
        string[] ids = [.. Current().Keys.Take(10)];
        return ids.Length == 0 ? "there are no objects yet" : $"there are {string.Join(", ", ids)}{(Current().Count > ids.Length ? ", ..." : "")}";
    }

    private SortedDictionary<string, ObjectManifest> Current()
    {
        // Before the manifests: what changes while they are read is read again the next time.
        string now = data.ReadGeneration();
        lock (gate)
        {
            if (manifests is not null && now == generation) return manifests;
            var read = new SortedDictionary<string, ObjectManifest>(StringComparer.Ordinal);
            try
            {
                foreach ((_, ObjectManifest manifest) in data.ReadManifests(Kind, ObjectJson.Default.ObjectManifest)) read[manifest.Id] = manifest;
            }
            catch (InvalidDataException) when (manifests is not null)
            {
                // One was damaged by hand: what was there before is served on.
                return manifests;
            }
            (manifests, generation) = (read, now);
            return read;
        }
    }

    private ObjectModel Read(ObjectManifest manifest)
    {
        using FileStream stream = OpenArchive(manifest);
        return ObjectArchive.Read(stream);
    }

    private string WriteBlob(ObjectModel model)
    {
        string scratch = Path.Combine(data.Root, Kind);
        Directory.CreateDirectory(scratch);
        using var file = new FileStream(Path.Combine(scratch, $"incoming-{Guid.NewGuid():N}"), FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None, 1 << 16, FileOptions.DeleteOnClose);
        ObjectArchive.Write(file, model);
        file.Position = 0;
        return data.AddBlob(file);
    }

    private async Task<T> InTurnAsync<T>(Func<T> change, CancellationToken cancellation)
    {
        await adding.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            string folder = Path.Combine(data.Root, Kind);
            Directory.CreateDirectory(folder);
            long started = time.GetTimestamp();
            FileStream? turn;
            while ((turn = DataDirectory.TryLock(Path.Combine(folder, "lock"))) is null)
            {
                if (time.GetElapsedTime(started) > LockWait) throw new NotReadyException("OBJECTS_BUSY", "pose: another process has been changing the objects for long; try again", TimeSpan.FromSeconds(1));
                await Task.Delay(LockStep, cancellation).ConfigureAwait(false);
            }
            using (turn) return change();
        }
        finally
        {
            adding.Release();
        }
    }
}
