using CorrMesh.Hosting.Options;
using CorrMesh.Models;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace CorrMesh.Features;

/// <summary>Looks at the data directory's generation and brings in what has changed. Polling works on every file system, mounted ones included.</summary>
internal sealed class CatalogWatcher(LiveCatalog catalog, DataOptions options, FeatureMetrics metrics, TimeProvider time, ILogger<CatalogWatcher> logger) : BackgroundService
{
    // The last one that failed; a generation that cannot even be read counts as one too.
    private (bool Any, string? Generation) failed;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(options.WatchInterval, time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken).ConfigureAwait(false)) Look();
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // Stopping.
        }
    }

    private void Look()
    {
        try
        {
            if (!catalog.Refresh()) return;
            failed = default;
            metrics.CatalogReloaded();
            FeatureLog.CatalogReloaded(logger, catalog.Current.Models.Count, catalog.Current.Models.Sum(model => model.Adapters.Count));
        }
        catch (CatalogException exception)
        {
            if (failed == (true, exception.Generation)) return;
            failed = (true, exception.Generation);
            metrics.CatalogFailed();
            FeatureLog.CatalogFailed(logger, exception.Message);
        }
    }
}
