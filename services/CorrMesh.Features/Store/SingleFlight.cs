namespace CorrMesh.Features.Store;

/// <summary>Lets callers who want the same value at the same time share one computation.</summary>
/// <remarks>
/// The computation belongs to none of them: a caller that goes away leaves it running for the others, and only when the last
/// has gone is it cancelled. Failures reach everyone who waits and are not kept.
/// </remarks>
public sealed class SingleFlight<T>
{
    private readonly Lock gate = new();
    private readonly Dictionary<string, Flight> flights = [];

    /// <summary>Joins the computation under a key, or starts it.</summary>
    /// <param name="compute">Is handed a token that fires when nobody waits any more.</param>
    /// <param name="cancellation">The caller's own; ends its waiting.</param>
    public async Task<T> RunAsync(string key, Func<CancellationToken, Task<T>> compute, CancellationToken cancellation)
    {
        Flight? flight;
        lock (gate)
        {
            if (!flights.TryGetValue(key, out flight))
            {
                flight = new Flight();
                flights.Add(key, flight);
                flight.Task = Task.Run(() => FlyAsync(key, flight, compute), CancellationToken.None);
            }

            flight.Waiters++;
        }

        try
        {
            return await flight.Task.WaitAsync(cancellation).ConfigureAwait(false);
        }
        finally
        {
            bool abandoned;
            lock (gate)
            {
                abandoned = --flight.Waiters == 0;
                if (abandoned) Forget(key, flight);
            }

            if (abandoned) await flight.Cancellation.CancelAsync().ConfigureAwait(false);
        }
    }

    private async Task<T> FlyAsync(string key, Flight flight, Func<CancellationToken, Task<T>> compute)
    {
        try
        {
            return await compute(flight.Cancellation.Token).ConfigureAwait(false);
        }
        finally
        {
            lock (gate) Forget(key, flight);
        }
    }

    private void Forget(string key, Flight flight)
    {
        if (flights.TryGetValue(key, out Flight? current) && current == flight) flights.Remove(key);
    }

    private sealed class Flight
    {
        public CancellationTokenSource Cancellation { get; } = new();

        public Task<T> Task { get; set; } = null!;

        public int Waiters { get; set; }
    }
}
