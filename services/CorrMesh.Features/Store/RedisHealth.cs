using Microsoft.Extensions.Logging;

namespace CorrMesh.Features.Store;

/// <summary>Whether the shared cache can be used.</summary>
public enum RedisState
{
    /// <summary>None is configured.</summary>
    Off,

    /// <summary>It does not answer, or not in time; maps are computed as if it were not there.</summary>
    Down,

    /// <summary>It answers.</summary>
    Up,
}

/// <summary>What is known of Redis, and the log of its changes: one line when it is lost, another when it turns out that it refuses us (a wrong password or certificate), and one when it is back.</summary>
internal sealed class RedisHealth(string address, ILogger logger)
{
    private readonly Lock gate = new();
    private readonly HashSet<string> refused = [];
    private bool? isUp;   // null until the first word of it
    private bool isRefusalTold;   // since it was last up

    public bool IsUp
    {
        get
        {
            lock (gate) return isUp == true;
        }
    }

    /// <param name="reason">What it failed with.</param>
    public void Lost(string reason)
    {
        bool isRefusal = reason.Contains("auth", StringComparison.OrdinalIgnoreCase);
        lock (gate)
        {
            // On a busy machine silence may be noticed first; that it refuses us is worth a second line.
            if (isUp == false && (!isRefusal || isRefusalTold)) return;
            isUp = false;
            isRefusalTold |= isRefusal;
        }

        FeatureLog.RedisLost(logger, address, reason);
    }

    public void Restored()
    {
        lock (gate)
        {
            if (isUp == true) return;
            isUp = true;
            isRefusalTold = false;
        }

        FeatureLog.RedisBack(logger, address);
    }

    /// <summary>It answers, but with an error: full, or without the permission.</summary>
    /// <param name="what">"reads" or "writes".</param>
    public void Refused(string what, string reason)
    {
        lock (gate)
        {
            if (!refused.Add(what)) return;
        }

        FeatureLog.RedisRefuses(logger, address, what, reason);
    }

    public void Accepted(string what)
    {
        lock (gate)
        {
            if (!refused.Remove(what)) return;
        }

        FeatureLog.RedisAccepts(logger, address, what);
    }

    /// <summary>An exception's message, and first that of what caused it, without the client's pages of counters; it never holds a password.</summary>
    public static string Reason(Exception? exception)
    {
        string outer = exception?.Message ?? "unknown", inner = exception?.GetBaseException().Message ?? outer;
        string message = (inner == outer ? outer : $"{inner} ({outer})").ReplaceLineEndings(" ");
        return message.Length <= 240 ? message : message[..240] + "...";
    }
}
