namespace CorrMesh.Hosting.Routing;

/// <summary>The replicas of one service, and which of them a call goes to.</summary>
/// <param name="service">The service's name.</param>
/// <param name="replicas">At least one.</param>
/// <param name="spillLength">From so much load on, a call leaves the replica of its image for one that is at most half as busy.</param>
public sealed class ReplicaSet(string service, IReadOnlyList<Replica> replicas, int spillLength)
{
    private int next;

    public string Service { get; } = service;

    public IReadOnlyList<Replica> Replicas { get; } = replicas;

    /// <summary>Whether another try would find a replica that is not to be avoided.</summary>
    public bool AnyAvailable => Replicas.Any(replica => replica.IsAvailable);

    /// <summary>Whether a call that one replica had no place for may find one at another.</summary>
    public bool HasRoom => Replicas.Count > 1 && Replicas.Any(replica => replica.IsAvailable && replica.Load < spillLength);

    /// <summary>The replica for a call: the first of its image's order that is available, unless too much waits for it.</summary>
    /// <param name="affinity">Null for calls about no image: the least busy.</param>
    public Replica Pick(uint? affinity)
    {
        if (Replicas.Count == 1) return Replicas[0];
        Replica[] available = [.. Replicas.Where(replica => replica.IsAvailable)];
        // With all of them in doubt, those in doubt are asked: the doubt may be old.
        if (available.Length == 0) available = [.. Replicas];
        if (affinity is not { } of)
        {
            // Of equally busy ones each in turn.
            int turn = (int)((uint)Interlocked.Increment(ref next) % (uint)available.Length);
            return Enumerable.Range(0, available.Length).Select(i => available[(turn + i) % available.Length]).MinBy(replica => replica.Load)!;
        }

        Replica[] order = [.. available.OrderByDescending(replica => replica.ScoreOf(of))];
        int load = order[0].Load;
        if (load < spillLength) return order[0];
        // The same second choice for every caller, so that what spills is found again, too.
        return order.Skip(1).FirstOrDefault(replica => 2 * replica.Load <= load) ?? order[0];
    }
}
