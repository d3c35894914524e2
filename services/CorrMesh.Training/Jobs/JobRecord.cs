namespace CorrMesh.Training.Jobs;

/// <summary>A job in memory: its manifest as it is on the disk, and the progress so far. May be used from any thread.</summary>
public sealed class JobRecord
{
    private readonly Lock gate = new();
    private readonly List<JobLine> events;
    private readonly JobFolder folder;
    private JobManifest manifest;
    private JobGauge? gauge;
    private TaskCompletionSource changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private JobRecord(JobFolder folder, JobManifest manifest, List<JobLine> events)
    {
        (this.folder, this.manifest, this.events) = (folder, manifest, events);
        Furthest = events.Max(entry => entry.Progress?.Step) ?? 0;
    }

    public JobFolder Folder => folder;

    public JobManifest Manifest
    {
        get { lock (gate) return manifest; }
    }

    /// <summary>The last report; null before the first.</summary>
    public JobProgress? LastProgress
    {
        get { lock (gate) return events.FindLast(entry => entry.Progress is not null)?.Progress; }
    }

    /// <summary>The last measurement; null before the first.</summary>
    public JobMeasurement? LastMeasurement
    {
        get { lock (gate) return events.FindLast(entry => entry.Measured is not null)?.Measured; }
    }

    /// <summary>How far the gate is; null while it does not measure.</summary>
    public JobGauge? Gauge
    {
        get { lock (gate) return manifest.State == JobState.Running ? gauge : null; }
        set
        {
            lock (gate)
            {
                gauge = value;
                Announce();
            }
        }
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
        return new JobRecord(folder, manifest, [.. text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(JobLine.Parse).OfType<JobLine>().Where(line => line.Progress is not null || line.Measured is not null)]);
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

    /// <summary>Adds progress or a measurement. What a full disk does not take is known here nevertheless.</summary>
    /// <returns>Whether it was written.</returns>
    public bool Add(JobLine entry)
    {
        lock (gate)
        {
            events.Add(entry);
            Furthest = Math.Max(Furthest, entry.Progress?.Step ?? 0);
            Announce();
            try
            {
                File.AppendAllText(folder.Progress, entry + "\n");
                return true;
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                return false;
            }
        }
    }

    /// <summary>The manifest, the progress and measurements from a place in the list on, and how far the gate is.</summary>
    public (JobManifest Manifest, IReadOnlyList<JobLine> Events, JobGauge? Gauge) Look(int from)
    {
        lock (gate) return (manifest, events.GetRange(from, events.Count - from), Gauge);
    }

    private void Announce()
    {
        changed.SetResult();
        changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
