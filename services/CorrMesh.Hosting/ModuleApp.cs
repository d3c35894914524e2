using CorrMesh.Hosting.Clients;
using CorrMesh.Hosting.Errors;
using CorrMesh.Hosting.Health;
using CorrMesh.Hosting.Options;
using CorrMesh.Hosting.Reporting;
using CorrMesh.Hosting.Routing;
using CorrMesh.Hosting.Security;
using CorrMesh.Hosting.Supervision;
using CorrMesh.Hosting.Telemetry;
using CorrMesh.Protos.Status.V1;
using Grpc.Reflection;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using ListenOptions = CorrMesh.Hosting.Options.ListenOptions;

namespace CorrMesh.Hosting;

/// <summary>One module with its own container and its own two listeners.</summary>
internal sealed class ModuleApp : IAsyncDisposable
{
    private static readonly TimeSpan PollingInterval = TimeSpan.FromMilliseconds(10), WritingTime = TimeSpan.FromMilliseconds(100);

    private readonly IMeshModule module;
    private readonly WebApplicationBuilder builder;
    private WebApplication? built;
    private int callsBeforeDrain;

    public ModuleApp(IMeshModule module, IConfiguration configuration, ILoggerFactory loggers, MeshAddresses addresses, bool besideGateway, Action<IServiceCollection>? services)
    {
        this.module = module;
        Service = MeshTopology.Get(module.Name);
        builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions
        {
            ApplicationName = "CorrMesh",
            ContentRootPath = AppContext.BaseDirectory,
            EnvironmentName = Environments.Production,
        });
        builder.Configuration.AddConfiguration(configuration);
        builder.Services.AddSingleton(loggers);
        // The mesh listens for signals once and stops its modules in order; a lifetime for each would stop them all at once.
        builder.Services.AddSingleton<IHostLifetime, NoLifetime>();
        builder.Services.AddSingleton(addresses);
        builder.Services.AddSingleton(Service);
        builder.Services.AddSingleton<ModuleHealth>();
        builder.Services.AddSingleton<ModuleStatus>();
        builder.Services.AddSingleton<Streams.FrameStream>();
        builder.Services.TryAddSingleton(TimeProvider.System);
        builder.AddMeshOptions<MeshLimits>(MeshLimits.Section);
        builder.AddMeshOptions<ListenOptions>(ListenOptions.Section);
        builder.AddMeshOptions<TlsOptions>(TlsOptions.Section);
        builder.AddMeshOptions<DataOptions>(DataOptions.Section);
        builder.AddMeshOptions<DrainOptions>(DrainOptions.Section);
        builder.AddMeshOptions<RetryOptions>(RetryOptions.Section);
        builder.AddMeshOptions<RoutingOptions>(RoutingOptions.Section);
        builder.AddMeshOptions<ProcessOptions>(ProcessOptions.Section);
        builder.Services.AddRouting();
        builder.Services.AddDoors(builder.Configuration);
        builder.Services.AddMeshClients();
        builder.Services.AddHostedService<ReplicaWatch>();
        AddGrpc(builder.Services, Service);
        module.AddServices(builder);
        AddKestrel(builder, Service, besideGateway);   // after the module, which may say what holds for all of its listeners
        services?.Invoke(builder.Services);
    }

    /// <summary>What is wrong with the configuration; with a fault the module must not be started.</summary>
    public IEnumerable<string> Faults => MeshOptions.Faults(builder.Services);

    public MeshService Service { get; }

    /// <summary>The module's container; built when first asked for.</summary>
    public IServiceProvider Services => App.Services;

    public ModuleHealth Health => Services.GetRequiredService<ModuleHealth>();

    public CancellationToken Stopping => App.Lifetime.ApplicationStopping;

    public Uri? GrpcAddress { get; private set; }

    public Uri? HttpAddress { get; private set; }

    public Uri? AdminAddress { get; private set; }

    private WebApplication App => built ??= builder.Build();

    public async Task StartAsync(MeshTelemetry telemetry, CancellationToken cancellationToken)
    {
        var app = App;
        app.Use(CountBeforeDrain);
        app.UseAdminListener(Service);
        app.Services.GetRequiredService<ModuleStatus>();   // counts from here on
        app.Use(CloseWhileDraining);
        module.Configure(app);
        app.UseMessageFaults();
        app.Use(RefuseOnTheWrongPort);
        app.UseRouting();
        app.UseOpenTelemetryPrometheusScrapingEndpoint(telemetry.Metrics, null, "/metrics", null, null);
        app.MapGet("/livez", () => Results.Text("ok\n")).ExcludeFromDescription();
        app.MapGet("/readyz", (ModuleHealth health, ModuleStatus status) =>
        {
            var reasons = health.Reasons;
            string facts = Lines(status.Facts);
            return reasons.Count == 0
                ? Results.Text("ok\n" + facts)
                : Results.Text(Lines(reasons) + facts, statusCode: StatusCodes.Status503ServiceUnavailable);
        }).ExcludeFromDescription();
        app.MapGrpcService<ReflectionServiceImpl>();
        app.MapGrpcService<ReflectionV1ServiceImpl>();
        // The gateway, which implements no contract itself, answers for the health of those that do.
        if (Service.Contracts.Count > 0) app.MapGrpcService<ModuleHealthService>();
        app.MapGrpcService<ModuleStatusService>();
        module.MapEndpoints(app);
        await app.StartAsync(cancellationToken).ConfigureAwait(false);
        var bound = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Select(address => new Uri(address)).ToArray();
        (GrpcAddress, HttpAddress, AdminAddress) = (Reachable(bound[0]), Reachable(bound[1]), bound.ElementAtOrDefault(2));
        Health.Started();
    }

    /// <summary>Waits for the calls that were there when the drain began, then closes the listeners.</summary>
    /// <remarks>
    /// In this order because the server, once told to close, may do so between a call's end and the writing of its last bytes, and its caller then
    /// hears INTERNAL in place of the answer; streams, which end because of the drain, would meet that moment most often.
    /// </remarks>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        bool isIdle = Volatile.Read(ref callsBeforeDrain) == 0;
        while (Volatile.Read(ref callsBeforeDrain) > 0 && !cancellationToken.IsCancellationRequested)
            await Task.Delay(PollingInterval, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        // A call is over a little before its last bytes are written.
        if (!isIdle) await Task.Delay(WritingTime, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await App.StopAsync(cancellationToken).ConfigureAwait(false);
    }

    public ValueTask DisposeAsync() => built?.DisposeAsync() ?? ValueTask.CompletedTask;

    private static string Lines(IReadOnlyDictionary<string, string> pairs) => string.Concat(pairs.Select(pair => $"{pair.Key}: {pair.Value}\n"));

    private static void AddGrpc(IServiceCollection services, MeshService service)
    {
        services.AddSingleton<ErrorMapping>();
        services.AddSingleton<CallCounting>();
        services.AddGrpc(options =>
        {
            options.Interceptors.Add<ErrorMapping>();
            options.Interceptors.Add<CallCounting>();
        });
        services.AddOptions<Grpc.AspNetCore.Server.GrpcServiceOptions>().Configure<MeshLimits>((options, limits) =>
        {
            options.MaxReceiveMessageSize = limits.MessageBytes;
            options.MaxSendMessageSize = limits.MessageBytes;
            options.CompressionProviders = [new BoundedGzip(limits.MessageBytes)];
        });
        AddReflection(services, [.. service.Contracts.Count > 0 ? service.Contracts : MeshTopology.Contracts, Grpc.Health.V1.Health.Descriptor, StatusService.Descriptor]);
    }

    // Error details travel as Any; with their file on offer too, grpcurl and its like can print them.
    private static void AddReflection(IServiceCollection services, Google.Protobuf.Reflection.ServiceDescriptor[] offered)
    {
        string[] names = [.. offered.Select(contract => contract.FullName)];
        var symbols = SymbolRegistry.FromFiles(offered.Select(contract => contract.File).Append(Google.Rpc.BadRequest.Descriptor.File));
        services.AddSingleton(new ReflectionServiceImpl(names, symbols));
        services.AddSingleton(new ReflectionV1ServiceImpl(names, symbols));
    }

    private static void AddKestrel(WebApplicationBuilder builder, MeshService service, bool besideGateway)
    {
        builder.WebHost.UseKestrelCore();
        builder.Services.AddOptions<SocketTransportOptions>().Configure<ProcessOptions>((sockets, process) =>
        {
            if (process.Supervised) sockets.CreateBoundListenSocket = SharedPort.Bind;
        });
        builder.Services.AddOptions<KestrelServerOptions>().Configure<MeshLimits, ListenOptions, TlsOptions>((kestrel, limits, listen, tls) =>
        {
            listen.BesideGateway = besideGateway;
            kestrel.AddServerHeader = false;
            // gRPC bodies are streams without an end; each message has its own limit.
            kestrel.Limits.MaxRequestBodySize = null;
            kestrel.Limits.MinRequestBodyDataRate = null;
            kestrel.Limits.MinResponseDataRate = null;
            kestrel.Limits.MaxConcurrentConnections = limits.Connections;
            kestrel.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(10);
            kestrel.Limits.Http2.MaxStreamsPerConnection = limits.StreamsPerConnection;
            kestrel.Limits.Http2.InitialStreamWindowSize = 4 << 20;
            kestrel.Limits.Http2.InitialConnectionWindowSize = 16 << 20;
            kestrel.Limits.Http2.KeepAlivePingDelay = TimeSpan.FromSeconds(30);
            kestrel.Limits.Http2.KeepAlivePingTimeout = TimeSpan.FromSeconds(10);
            Listeners.Open(kestrel, service, listen, tls);
        });
    }

    // A wildcard is no address to call.
    private static Uri Reachable(Uri bound) => bound.HostNameType switch
    {
        UriHostNameType.IPv4 when bound.Host == "0.0.0.0" => new UriBuilder(bound) { Host = "127.0.0.1" }.Uri,
        UriHostNameType.IPv6 when bound.Host == "[::]" => new UriBuilder(bound) { Host = "[::1]" }.Uri,
        _ => bound,
    };

    private Task CountBeforeDrain(HttpContext context, RequestDelegate next)
    {
        if (Health.Draining.IsCancellationRequested) return next(context);
        Interlocked.Increment(ref callsBeforeDrain);
        context.Response.OnCompleted(() =>
        {
            Interlocked.Decrement(ref callsBeforeDrain);
            return Task.CompletedTask;
        });
        return next(context);
    }

    // From the notice on, whoever uses a connection is told to come back over another, so that few are in use when the listener closes:
    // HTTP/2 by a frame that lets the calls in flight end, HTTP/1.1 with the answer.
    private Task CloseWhileDraining(HttpContext context, RequestDelegate next)
    {
        if (HttpProtocol.IsHttp2(context.Request.Protocol))
        {
            if (Health.Draining.IsCancellationRequested) context.Features.Get<IConnectionLifetimeNotificationFeature>()?.RequestClose();
        }
        else
        {
            context.Response.OnStarting(() =>
            {
                if (Health.Draining.IsCancellationRequested) context.Response.Headers.Connection = "close";
                return Task.CompletedTask;
            });
        }

        return next(context);
    }

    // The gRPC listeners speak HTTP/2, which would be enough for any other route, too.
    // A service knows its callers at its gRPC listener only; the gateway, which asks for keys, takes calls at both of its own.
    private Task RefuseOnTheWrongPort(HttpContext context, RequestDelegate next)
    {
        bool isCall = context.Request.ContentType?.StartsWith("application/grpc", StringComparison.OrdinalIgnoreCase) == true;
        if (context.ListenerOf() == Listener.Http ? !isCall || Service.Name == MeshTopology.Gateway : isCall) return next(context);
        context.Response.StatusCode = StatusCodes.Status415UnsupportedMediaType;
        return Task.CompletedTask;
    }

    private sealed class NoLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
