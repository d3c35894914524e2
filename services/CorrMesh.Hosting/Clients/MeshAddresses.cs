using System.Collections.Concurrent;
using System.Net;
using CorrMesh.Hosting.Options;
using Microsoft.Extensions.Configuration;

namespace CorrMesh.Hosting.Clients;

/// <summary>Where the services of the mesh listen for gRPC.</summary>
/// <remarks>
/// In order: the configured addresses, separated by commas (`CorrMesh:Services:features` = `http://10.0.0.7:5101,http://10.0.0.8:5101`),
/// the listener in this process, the topology's port on this machine.
/// </remarks>
public sealed class MeshAddresses
{
    public const string Section = "CorrMesh:Services";

    private readonly Dictionary<string, Uri[]> configured = [];
    private readonly ConcurrentDictionary<string, Uri> local = new();
    private readonly ListenOptions listen;
    private readonly bool encrypted;

    internal MeshAddresses(IConfiguration configuration, ListenOptions listen)
    {
        this.listen = listen;
        encrypted = configuration[$"{TlsOptions.Section}:{nameof(TlsOptions.Certificate)}"] is not null;
        foreach (var entry in configuration.GetSection(Section).GetChildren())
            if (Fault(entry) is null) configured[entry.Key] = [.. Parts(entry).Select(part => new Uri(part))];
    }

    /// <summary>The base addresses of a service's gRPC listeners: one for each replica, at least one.</summary>
    /// <exception cref="ArgumentException">The topology has no such service.</exception>
    public IReadOnlyList<Uri> Of(string service)
    {
        var row = MeshTopology.Get(service);
        if (configured.TryGetValue(service, out var addresses)) return addresses;
        if (local.TryGetValue(service, out var address)) return [address];
        string scheme = encrypted && !IPAddress.IsLoopback(listen.AddressOf(row)) ? Uri.UriSchemeHttps : Uri.UriSchemeHttp;
        return [new UriBuilder(scheme, listen.ReachableAddressOf(row).ToString(), listen.GrpcPortOf(row)).Uri];
    }

    internal void Listening(string service, Uri address) => local[service] = address;

    internal static IEnumerable<string> Faults(IConfiguration configuration) => configuration.GetSection(Section).GetChildren().Select(Fault).OfType<string>();

    private static string? Fault(IConfigurationSection entry)
    {
        if (!MeshTopology.Services.Any(service => service.Name == entry.Key))
            return $"{entry.Path}: no such service; there are {string.Join(", ", MeshTopology.Services.Select(service => service.Name))}";
        string[] parts = Parts(entry);
        if (parts.Length == 0) return $"{entry.Path}: at least one http(s) address needed, none given";
        if (parts.FirstOrDefault(part => !(Uri.TryCreate(part, UriKind.Absolute, out var address) && address.Scheme is "http" or "https")) is { } wrong)
            return $"{entry.Path}: http(s) addresses needed, separated by commas, '{wrong}' given";
        return parts.Distinct(StringComparer.OrdinalIgnoreCase).Count() == parts.Length ? null : $"{entry.Path}: each address once allowed, '{entry.Value}' given";
    }

    private static string[] Parts(IConfigurationSection entry) => entry.Value?.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries) ?? [];
}
