namespace CorrMesh.Hosting.Security;

/// <summary>Says when files have changed, for readers that ask before each use; the file system is asked at most twice a second.</summary>
internal sealed class FileWatch(TimeProvider time, params string[] files)
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(500);

    private readonly Lock gate = new();
    private (DateTime Written, long Size)[] seen = [];
    private long looked;

    /// <summary>Whether anything is different from the last call that said so; true the first time. An absent file has no size.</summary>
    public bool HasChanged()
    {
        lock (gate)
        {
            if (seen.Length > 0 && time.GetElapsedTime(looked) < Interval) return false;
            looked = time.GetTimestamp();
            (DateTime, long)[] now = [.. files.Select(Stamp)];
            if (now.AsSpan().SequenceEqual(seen)) return false;
            seen = now;
            return true;
        }
    }

    private static (DateTime Written, long Size) Stamp(string file)
    {
        // Mounted secrets are links to links that are switched; what counts is the file at the end.
        var info = new FileInfo(file);
        info = info.LinkTarget is null ? info : info.ResolveLinkTarget(returnFinalTarget: true) as FileInfo ?? info;
        return info.Exists ? (info.LastWriteTimeUtc, info.Length) : (default, -1);
    }
}
