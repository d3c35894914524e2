namespace CorrMesh.Training.Jobs;

/// <summary>A job in memory: its manifest as it is on the disk, and the progress so far. May be used from any thread.</summary>
public sealed class JobRecord
{
    private readonly Lock gate = new();
    private readonly List<JobProgress> progress;
    private readonly JobFolder folder;
    private JobManifest manifest;
    private TaskCompletionSource changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private JobRecord(JobFolder folder, JobManifest manifest, List<JobProgress> progress)
    {
        (this.folder, this.manifest, this.progress) = (folder, manifest, progress);
        Furthest = progress.Count == 0 ? 0 : progress.Max(entry => entry.Step);
    }

    public JobFolder Folder => folder;

    public JobManifest Manifest
    {
        get { lock (gate) return manifest; }
    }

    /// <summary>The last report; null before the first.</summary>
    public JobProgress? LastProgress
    {
        get { lock (gate) return progress.Count == 0 ? null : progress[^1]; }
    }

    /// <summary>The last step that any of the job's processes has reported.</summary>
    public int Furthest { get; private set; }

    /// <summary>Completes at the next change; to be taken before looking at the state.</summary>
    public Task Changed
    {
        get { lock (gate) return changed.Task; }
    }

    /// <summary>Makes a job's folder; once its manifest is written the job is there.</summary>
    /// <exception cref="IOException">The folder cannot be written.</exception>
    public static JobRecord Create(JobFolder folder, JobManifest manifest)
    {
        Directory.CreateDirectory(folder.Path);
        JobFolder.Write(folder.Manifest, manifest.ToJson());
        return new JobRecord(folder, manifest, []);
    }

    /// <exception cref="InvalidDataException">The manifest is damaged.</exception>
    public static JobRecord Load(JobFolder folder)
    {
        JobManifest manifest = JobManifest.Read(folder.Manifest);
        string text = File.Exists(folder.Progress) ? File.ReadAllText(folder.Progress) : "";
        // A line that was torn when its writer was killed is closed, so that the next one is whole.
        if (text.Length > 0 && text[^1] != '\n') File.AppendAllText(folder.Progress, "\n");
        return new JobRecord(folder, manifest, [.. text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JobLine.Parse(line)?.Progress).OfType<JobProgress>()]);
    }

    /// <summary>Changes the manifest, on the disk and then here; nothing else can in between.</summary>
    /// <param name="change">Gives the new one, or the same when there is nothing to change.</param>
    /// <returns>The manifest as it is now.</returns>
    /// <exception cref="IOException">The disk did not take it; nothing has changed.</exception>
    public JobManifest Change(Func<JobManifest, JobManifest> change)
    {
        lock (gate)
        {
            JobManifest next = change(manifest);
            if (ReferenceEquals(next, manifest)) return manifest;
            JobFolder.Write(folder.Manifest, next.ToJson());
            manifest = next;
            Announce();
            return manifest;
        }
    }

    /// <summary>Adds progress. What a full disk does not take is known here nevertheless.</summary>
    /// <returns>Whether it was written.</returns>
    public bool Add(JobProgress entry)
    {
        lock (gate)
        {
            progress.Add(entry);
            Furthest = Math.Max(Furthest, entry.Step);
            Announce();
            try
            {
                File.AppendAllText(folder.Progress, new JobLine(entry) + "\n");
                return true;
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                return false;
            }
        }
    }

    /// <summary>The manifest, and the progress from a place in the list on.</summary>
    public (JobManifest Manifest, IReadOnlyList<JobProgress> Progress) Look(int from)
    {
        lock (gate) return (manifest, progress.GetRange(from, progress.Count - from));
    }

    private void Announce()
    {
        changed.SetResult();
        changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
