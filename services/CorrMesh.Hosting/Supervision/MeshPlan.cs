using System.Globalization;
using System.Security.Cryptography;
using CorrMesh.Hosting.Clients;
using CorrMesh.Hosting.Options;
using Microsoft.Extensions.Configuration;

namespace CorrMesh.Hosting.Supervision;

/// <summary>Which processes make a mesh, and with what each is started.</summary>
/// <param name="program">Starts the program that carries every service; the arguments of serving follow.</param>
/// <param name="arguments">What the operator asked for.</param>
/// <param name="configuration">All there is to configure, arguments included.</param>
internal sealed class MeshPlan(IReadOnlyList<string> program, MeshArguments arguments, IConfiguration configuration, ListenOptions listen, MeshPorts ports)
{
    public const string RedisAddress = "CorrMesh:Redis:Address";

    private const string Redis = "redis", RedisServer = "redis-server", RedisMemory = "512mb";

    // How long a gateway's HTTP/1.1 clients are told to come back over another connection before it stops.
    private static readonly TimeSpan GatewayNotice = TimeSpan.FromSeconds(1);

    private static readonly string NoticeKey = $"{DrainOptions.Section}:{nameof(DrainOptions.Notice)}";

    private static readonly string CertificateKey = $"{TlsOptions.Section}:{nameof(TlsOptions.Certificate)}";

    /// <summary>Whether the mesh starts a Redis of its own.</summary>
    public static bool StartsRedis(IConfiguration configuration) => string.IsNullOrEmpty(configuration[RedisAddress]);

    /// <summary>Whether `redis-server` is on the PATH.</summary>
    public static bool HasRedisServer() =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Any(folder => folder.Length > 0 && File.Exists(Path.Combine(folder, RedisServer)));

    /// <summary>The line that the one-process mesh prints too, with a name for each features process.</summary>
    public string ReadyLine => "ready " + string.Join(' ', Services().Select(child => $"{child.Name}.http={Address(child.HttpPort)} {child.Name}.grpc={Address(child.GrpcPort)}"));

    /// <summary>In starting order.</summary>
    /// <param name="secrets">A directory that only this user can read.</param>
    public IReadOnlyList<ChildSpec> Specs(string secrets)
    {
        var specs = new List<ChildSpec>();
        if (StartsRedis(configuration)) specs.Add(RedisSpec(secrets));
        specs.AddRange(Services().Select(child => ServiceSpec(child, secrets)));
        return specs;
    }

    private IEnumerable<Child> Services() =>
        from service in MeshTopology.Services
        let isFeatures = service.Name == MeshTopology.Features
        from replica in Enumerable.Range(0, isFeatures ? arguments.Replicas : 1)
        let isGateway = service.Name == MeshTopology.Gateway
        select new Child(
            isFeatures ? $"{service.Name}-{replica}" : service.Name, service.Name, ports.BaseOf(replica),
            isGateway ? ports.Grpc : ports.BaseOf(replica) + service.GrpcPort - MeshTopology.DefaultPortBase,
            isGateway ? ports.Http : ports.BaseOf(replica) + service.HttpPort - MeshTopology.DefaultPortBase);

    private ChildSpec ServiceSpec(Child child, string secrets)
    {
        var settings = new Dictionary<string, string?>(arguments.Settings, StringComparer.OrdinalIgnoreCase)
        {
            [$"{ProcessOptions.Section}:{nameof(ProcessOptions.Supervised)}"] = "true",
            [$"{ListenOptions.Section}:{nameof(ListenOptions.PortBase)}"] = $"{child.PortBase}",
            [$"{ListenOptions.Section}:{nameof(ListenOptions.HttpPort)}"] = $"{ports.Http}",
            [$"{ListenOptions.Section}:{nameof(ListenOptions.GrpcPort)}"] = $"{ports.Grpc}",
            ["CorrMesh:Features:Threads"] = Threads(),
        };
        foreach (var service in Services().Where(other => other.Service != MeshTopology.Gateway).GroupBy(other => other.Service))
            settings[$"{MeshAddresses.Section}:{service.Key}"] = string.Join(',', service.Select(other => Address(other.GrpcPort)));
        // What lies behind the gateway is nobody else's, whatever the gateway listens on.
        if (child.Service != MeshTopology.Gateway) settings[$"{ListenOptions.Section}:{nameof(ListenOptions.Address)}"] = "127.0.0.1";
        else if (configuration[NoticeKey] is null) settings[NoticeKey] = GatewayNotice.ToString("c", CultureInfo.InvariantCulture);
        if (child.Service == MeshTopology.Features && StartsRedis(configuration))
        {
            settings[RedisAddress] = $"127.0.0.1:{ports.Redis}";
            settings["CorrMesh:Redis:PasswordFile"] = Path.Combine(secrets, "password");
        }

        return new ChildSpec(
            child.Name, child.Service, [.. program, $"--target={child.Service}", .. settings.SelectMany(setting => new[] { "--set", $"{setting.Key}={setting.Value}" })],
            line => line.StartsWith("ready ", StringComparison.Ordinal), $"grpc {Address(child.GrpcPort)} http {Address(child.HttpPort)}");
    }

    // Only this machine reaches it, with a password that is in no command line. Feature maps can be computed again: nothing is saved.
    private ChildSpec RedisSpec(string secrets)
    {
        string password = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32)), configurationFile = Path.Combine(secrets, "redis.conf");
        File.WriteAllText(Path.Combine(secrets, "password"), password);
        File.WriteAllText(configurationFile, $"""
            bind 127.0.0.1
            port {ports.Redis}
            requirepass {password}
            dir {secrets}
            save ""
            appendonly no
            maxmemory {RedisMemory}
            maxmemory-policy allkeys-lru

            """);
        return new ChildSpec(
            Redis, Redis, [RedisServer, configurationFile], line => line.Contains("Ready to accept connections", StringComparison.Ordinal), $"redis 127.0.0.1:{ports.Redis}")
        {
            WatchesInput = false,
            IsReplaceable = false,
        };
    }

    private string Threads()
    {
        int total = configuration.GetValue("CorrMesh:Features:Threads", 0);
        return Math.Max(1, (total == 0 ? Environment.ProcessorCount : total) / arguments.Replicas).ToString(CultureInfo.InvariantCulture);
    }

    // As a process that is not supervised would print it.
    private string Address(int port)
    {
        bool isGateways = port == ports.Http || port == ports.Grpc;
        string scheme = isGateways && configuration[CertificateKey] is not null ? Uri.UriSchemeHttps : Uri.UriSchemeHttp;
        var address = isGateways ? listen.ReachableAddressOf(MeshTopology.Get(MeshTopology.Gateway)) : System.Net.IPAddress.Loopback;
        return new UriBuilder(scheme, address.ToString(), port).Uri.GetLeftPart(UriPartial.Authority);
    }

    private sealed record Child(string Name, string Service, int PortBase, int GrpcPort, int HttpPort);
}
