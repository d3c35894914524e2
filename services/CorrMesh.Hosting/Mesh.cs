using CorrMesh.Hosting.Clients;
using CorrMesh.Hosting.Options;
using CorrMesh.Hosting.Security;
using CorrMesh.Hosting.Telemetry;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace CorrMesh.Hosting;

/// <summary>Where one module of a running mesh listens.</summary>
/// <param name="Service">The service's name.</param>
/// <param name="Grpc">gRPC over cleartext HTTP/2.</param>
/// <param name="Http">HTTP/1.1: operations, and the gateway's API.</param>
/// <param name="Admin">gRPC for operators, on loopback; null for a service without any.</param>
public sealed record MeshEndpoint(string Service, Uri Grpc, Uri Http, Uri? Admin = null);

/// <summary>What a mesh refused to start with: every fault of the configuration at once.</summary>
public sealed class MeshConfigurationException(IReadOnlyList<string> faults) : Exception(string.Join(Environment.NewLine, faults))
{
    /// <summary>One line each: key, bound and value.</summary>
    public IReadOnlyList<string> Faults { get; } = faults;
}

/// <summary>The modules that run in this process.</summary>
/// <remarks>
/// They start in the topology's order, so that each finds those it needs, and stop in the opposite one, so that calls in flight
/// through the gateway still reach the services behind it.
/// </remarks>
public sealed class Mesh : IAsyncDisposable
{
    private readonly IReadOnlyList<ModuleApp> apps;
    private readonly MeshTelemetry telemetry;
    private readonly ILoggerFactory loggers;
    private readonly ILogger logger;
    private readonly CancellationTokenSource stopping = new();
    private bool stopped;

    private Mesh(IReadOnlyList<ModuleApp> apps, MeshTelemetry telemetry, ILoggerFactory loggers)
    {
        this.apps = apps;
        this.telemetry = telemetry;
        this.loggers = loggers;
        logger = loggers.CreateLogger<Mesh>();
    }

    /// <summary>Where the modules listen, in starting order.</summary>
    public IReadOnlyList<MeshEndpoint> Endpoints => [.. apps.Select(app => new MeshEndpoint(app.Service.Name, app.GrpcAddress!, app.HttpAddress!, app.AdminAddress))];

    /// <summary>Cancelled when a module asks its process to stop, as it does when one of its background tasks has failed.</summary>
    public CancellationToken Stopping => stopping.Token;

    /// <summary>Builds, validates and starts the modules.</summary>
    /// <param name="configuration">The sections `CorrMesh:...` and `Logging`.</param>
    /// <param name="modules">At least one, in any order.</param>
    /// <param name="logging">Adds log providers.</param>
    /// <param name="services">Called last for each module's container, for tests that replace something.</param>
    /// <param name="cancellationToken">Abandons the start.</param>
    /// <exception cref="MeshConfigurationException">The configuration has faults; nothing listens.</exception>
    /// <exception cref="IOException">A port is taken.</exception>
    public static async Task<Mesh> StartAsync(
        IConfiguration configuration, IReadOnlyList<IMeshModule> modules, Action<ILoggingBuilder>? logging = null,
        Action<IServiceCollection>? services = null, CancellationToken cancellationToken = default)
    {
        var loggers = LoggerFactory.Create(builder => logging?.Invoke(builder));
        var listen = Listen(configuration);
        string[] targets = [.. modules.Select(module => module.Name)];
        listen.BesideGateway = targets.Contains(MeshTopology.Gateway);
        var addresses = new MeshAddresses(configuration, listen);
        List<ModuleApp> apps =
        [
            .. from service in MeshTopology.Services
               from module in modules
               where module.Name == service.Name
               select new ModuleApp(module, configuration, loggers, addresses, listen.BesideGateway, services),
        ];
        string[] faults = [.. UnknownSections(configuration).Concat(MeshAddresses.Faults(configuration)).Concat(ListenFaults.Of(listen, configuration, targets)).Concat(apps.SelectMany(app => app.Faults)).Distinct()];
        if (faults.Length > 0)
        {
            loggers.Dispose();
            throw new MeshConfigurationException(faults);
        }

        var mesh = new Mesh(apps, new MeshTelemetry(configuration, apps.Count == 1 ? apps[0].Service.Name : "mesh"), loggers);
        try
        {
            foreach (var app in mesh.apps)
            {
                app.Stopping.Register(mesh.stopping.Cancel);
                await app.StartAsync(mesh.telemetry, cancellationToken).ConfigureAwait(false);
                addresses.Listening(app.Service.Name, app.GrpcAddress!);
                HostingLog.Listening(mesh.logger, app.Service.Name, app.GrpcAddress!, app.HttpAddress!);
            }
        }
        catch
        {
            await mesh.DisposeAsync().ConfigureAwait(false);
            throw;
        }

        return mesh;
    }

    /// <summary>A module's container.</summary>
    public IServiceProvider ServicesOf(string service) => apps.First(app => app.Service.Name == service).Services;

    /// <summary>Drains and stops: health first, then calls in flight, then listeners, all within <see cref="DrainOptions"/>.</summary>
    /// <param name="cancellationToken">Ends the waiting at once.</param>
    public async Task StopAsync(CancellationToken cancellationToken = default)
    {
        if (stopped) return;
        stopped = true;
        var drain = apps[0].Services.GetRequiredService<DrainOptions>();
        foreach (var app in apps.Where(app => app.GrpcAddress is not null))
        {
            HostingLog.Draining(logger, app.Service.Name, drain.Limit);
            app.Health.Drain();
        }

        await Task.Delay(drain.Notice, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(drain.Limit);
        foreach (var app in apps.Where(app => app.GrpcAddress is not null).Reverse())
        {
            await app.StopAsync(limit.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            // A second signal ends the waiting, which says nothing about the limit.
            if (limit.IsCancellationRequested && !cancellationToken.IsCancellationRequested) HostingLog.CutOff(logger, app.Service.Name, drain.Limit);
            else HostingLog.Stopped(logger, app.Service.Name);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync().ConfigureAwait(false);
        foreach (var app in apps.Reverse()) await app.DisposeAsync().ConfigureAwait(false);
        telemetry.Dispose();
        loggers.Dispose();
        stopping.Dispose();
    }

    // A key in a known section is checked where it is bound; a section that nobody binds would pass for a setting.
    private static IEnumerable<string> UnknownSections(IConfiguration configuration)
    {
        string[] known = ["Listen", "Tls", "Services", "Data", "Redis", "Limits", "Retry", "Routing", "Drain", "Process", .. MeshTopology.Services.Select(service => service.Name)];
        return configuration.GetSection("CorrMesh").GetChildren()
            .Where(section => !known.Contains(section.Key, StringComparer.OrdinalIgnoreCase))
            .Select(section => $"{section.Path}: no such section; there are {string.Join(", ", known.Order(StringComparer.OrdinalIgnoreCase))}");
    }

    // Faults in this section are found again, and reported, with all others.
    private static ListenOptions Listen(IConfiguration configuration)
    {
        try { return configuration.GetSection(ListenOptions.Section).Get<ListenOptions>() ?? new ListenOptions(); }
        catch (InvalidOperationException) { return new ListenOptions(); }
    }
}
