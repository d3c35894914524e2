using CorrMesh.Hosting.Data;
using CorrMesh.Hosting.Errors;
using CorrMesh.Hosting.Options;
using CorrMesh.Models;
using Microsoft.Extensions.Logging;

namespace CorrMesh.Training.Jobs;

/// <summary>The jobs of a data directory. One process at a time owns them: it alone reads, changes and runs them.</summary>
/// <remarks>
/// The owner holds a lock on jobs/lock for as long as it lives, so that a replacement waits until the process before it has let go. Until the first
/// job is made nothing is written, and the data directory need not exist.
/// </remarks>
public sealed class JobStore(DataOptions options, ILogger<JobStore> logger) : IDisposable
{
    private static readonly TimeSpan ShortWait = TimeSpan.FromMilliseconds(500);

    private readonly Lock gate = new();
    private readonly Dictionary<string, JobRecord> jobs = new(StringComparer.Ordinal);
    private FileStream? ownership;
    private bool isReleased;

    /// <summary>The data directory, absolute.</summary>
    public string Data { get; } = Path.GetFullPath(options.Directory);

    /// <summary>Every job, the newest first.</summary>
    /// <exception cref="NotReadyException">Another process owns the jobs.</exception>
    public IReadOnlyList<JobRecord> List()
    {
        Require(create: false);
        lock (gate) return [.. jobs.Values.OrderByDescending(job => job.Manifest.Created).ThenByDescending(job => job.Folder.Id, StringComparer.Ordinal)];
    }

    /// <exception cref="NotFoundException">There is no such job.</exception>
    /// <exception cref="NotReadyException">Another process owns the jobs.</exception>
    public JobRecord Get(string id) => Find(id) ?? throw new NotFoundException("job", id.Length <= 80 ? id : id[..80] + "...");

    /// <returns>Null when there is no such job.</returns>
    /// <exception cref="NotReadyException">Another process owns the jobs.</exception>
    public JobRecord? Find(string id)
    {
        Require(create: false);
        lock (gate) return jobs.GetValueOrDefault(id);
    }

    /// <summary>Jobs that run or wait, in the order in which they get their turn: those first that a process before this one has left running.</summary>
    public IReadOnlyList<JobRecord> Queue()
    {
        lock (gate)
        {
            return
            [
                .. from job in jobs.Values
                   let manifest = job.Manifest
                   where !manifest.IsOver
                   orderby manifest.State != JobState.Running, manifest.Queued, manifest.Id
                   select job,
            ];
        }
    }

    /// <summary>Adds a job, unless one of its id is there by now.</summary>
    /// <param name="make">Gives the manifest; called only when there is none.</param>
    /// <returns>The job, and whether it is new.</returns>
    /// <exception cref="IOException">The data directory cannot be written; nothing is left of the job.</exception>
    public (JobRecord Job, bool IsNew) Add(string id, Func<JobFolder, JobManifest> make)
    {
        Require(create: true);
        lock (gate)
        {
            if (jobs.TryGetValue(id, out JobRecord? there)) return (there, false);
            var folder = new JobFolder(Data, id);
            var job = JobRecord.Create(folder, make(folder));
            jobs.Add(id, job);
            return (job, true);
        }
    }

    /// <summary>Becomes the owner if nobody is; reads the jobs then.</summary>
    /// <param name="create">Whether to make the folder if there is none yet.</param>
    /// <returns>Whether this process owns the jobs.</returns>
    /// <exception cref="IOException">The folder cannot be read or written.</exception>
    /// <exception cref="UnauthorizedAccessException">Likewise.</exception>
    public bool TryOwn(bool create)
    {
        lock (gate)
        {
            if (ownership is not null) return true;
            string root = JobFolder.Root(Data);
            if (isReleased || (!create && !Directory.Exists(root))) return false;
            Directory.CreateDirectory(root);
            ownership = DataDirectory.TryLock(Path.Combine(root, "lock"));
            if (ownership is null) return false;
            foreach (string path in Directory.GetDirectories(root))
            {
                // A folder without a manifest is of a call that was cut off; its caller has no job.
                var folder = new JobFolder(Data, Path.GetFileName(path));
                if (!File.Exists(folder.Manifest)) continue;
                try
                {
                    jobs.Add(folder.Id, JobRecord.Load(folder));
                }
                catch (Exception exception) when (exception is InvalidDataException or IOException or UnauthorizedAccessException)
                {
                    JobLog.Damaged(logger, folder.Id, exception.Message);
                }
            }

            return true;
        }
    }

    /// <summary>Lets go of the jobs for good, for the process that comes after this one.</summary>
    public void Release()
    {
        lock (gate)
        {
            isReleased = true;
            ownership?.Dispose();
            ownership = null;
            jobs.Clear();
        }
    }

    public void Dispose() => Release();

    private void Require(bool create)
    {
        if (TryOwn(create)) return;
        if (!isReleased && !create && !Directory.Exists(JobFolder.Root(Data))) return;   // none yet, which is an answer
        throw new NotReadyException(NotReadyException.Loading, "training: another process runs the jobs of this data directory", ShortWait);
    }
}
