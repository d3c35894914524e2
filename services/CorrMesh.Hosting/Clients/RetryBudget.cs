namespace CorrMesh.Hosting.Clients;

/// <summary>Bounds what retries add to the load of a service that is down.</summary>
/// <param name="capacity">Retries that may be spent at once, at least 0.</param>
public sealed class RetryBudget(int capacity)
{
    private const int TenthsPerRetry = 10;

    private readonly Lock gate = new();
    private int tenths = capacity * TenthsPerRetry;

    /// <summary>Spends one retry, if there is one left.</summary>
    public bool TrySpend()
    {
        lock (gate)
        {
            if (tenths < TenthsPerRetry) return false;
            tenths -= TenthsPerRetry;
            return true;
        }
    }

    /// <summary>A call succeeded: a tenth of a retry comes back.</summary>
    public void Earn()
    {
        lock (gate) tenths = Math.Min(tenths + 1, capacity * TenthsPerRetry);
    }
}
