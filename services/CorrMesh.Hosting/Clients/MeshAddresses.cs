using System.Collections.Concurrent;
using System.Net;
using CorrMesh.Hosting.Options;
using Microsoft.Extensions.Configuration;

namespace CorrMesh.Hosting.Clients;

/// <summary>Where the services of the mesh listen for gRPC.</summary>
/// <remarks>
/// In order: the configured address (`CorrMesh:Services:features` = `http://10.0.0.7:5101`), the listener in this process, the
/// topology's port on this machine.
/// </remarks>
public sealed class MeshAddresses
{
    public const string Section = "CorrMesh:Services";

    private readonly Dictionary<string, Uri> configured = [];
    private readonly ConcurrentDictionary<string, Uri> local = new();
    private readonly ListenOptions listen;
    private readonly bool encrypted;

    internal MeshAddresses(IConfiguration configuration, ListenOptions listen)
    {
        this.listen = listen;
        encrypted = configuration[$"{TlsOptions.Section}:{nameof(TlsOptions.Certificate)}"] is not null;
        foreach (var entry in configuration.GetSection(Section).GetChildren())
            if (Fault(entry) is null) configured[entry.Key] = new Uri(entry.Value!);
    }

    /// <summary>The base address of a service's gRPC listener.</summary>
    /// <exception cref="ArgumentException">The topology has no such service.</exception>
    public Uri Of(string service)
    {
        var row = MeshTopology.Get(service);
        if (configured.TryGetValue(service, out var address) || local.TryGetValue(service, out address)) return address;
        string scheme = encrypted && !IPAddress.IsLoopback(listen.AddressOf(row)) ? Uri.UriSchemeHttps : Uri.UriSchemeHttp;
        return new UriBuilder(scheme, listen.ReachableAddressOf(row).ToString(), listen.GrpcPortOf(row)).Uri;
    }

    internal void Listening(string service, Uri address) => local[service] = address;

    internal static IEnumerable<string> Faults(IConfiguration configuration) => configuration.GetSection(Section).GetChildren().Select(Fault).OfType<string>();

    private static string? Fault(IConfigurationSection entry)
    {
        if (!MeshTopology.Services.Any(service => service.Name == entry.Key))
            return $"{entry.Path}: no such service; there are {string.Join(", ", MeshTopology.Services.Select(service => service.Name))}";
        return Uri.TryCreate(entry.Value, UriKind.Absolute, out var address) && address.Scheme is "http" or "https"
            ? null
            : $"{entry.Path}: an http(s) address needed, '{entry.Value}' given";
    }
}
