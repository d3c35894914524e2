namespace CorrMesh.Hosting.Supervision;

/// <summary>How one process of the mesh is started, recognised as ready and kept.</summary>
/// <param name="Name">Its own name, such as `features-1`: the prefix of its log lines.</param>
/// <param name="Service">Its service: processes of one service start and stop together, services one after the other.</param>
/// <param name="Command">The program, found through PATH, and its arguments.</param>
/// <param name="IsReady">Whether a line of its standard output says that it is ready.</param>
/// <param name="Where">Where it listens, for people.</param>
internal sealed record ChildSpec(string Name, string Service, IReadOnlyList<string> Command, Func<string, bool> IsReady, string Where)
{
    /// <summary>Whether it stops by itself when its standard input ends. For one that does not, a shell waits in its place and ends it.</summary>
    public bool WatchesInput { get; init; } = true;

    /// <summary>Whether a rolling restart replaces it, for which two of it must be able to listen on the same ports.</summary>
    public bool IsReplaceable { get; init; } = true;
}
