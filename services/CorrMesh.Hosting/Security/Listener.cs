using System.Net.Security;
using System.Security.Authentication;
using CorrMesh.Hosting.Options;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;
using KestrelListenOptions = Microsoft.AspNetCore.Server.Kestrel.Core.ListenOptions;
using ListenOptions = CorrMesh.Hosting.Options.ListenOptions;

namespace CorrMesh.Hosting.Security;

/// <summary>Which of its module's listeners a connection came in by; a feature of each connection.</summary>
internal enum Listener
{
    Grpc,
    Http,
    Admin,
}

/// <summary>Opens a module's listeners: what each speaks, and whether it is encrypted.</summary>
internal static class Listeners
{
    public static void Open(KestrelServerOptions kestrel, MeshService service, ListenOptions listen, TlsOptions tls)
    {
        var address = listen.AddressOf(service);
        bool isGateway = service.Name == MeshTopology.Gateway;
        bool encrypted = tls.IsOn && (isGateway || !System.Net.IPAddress.IsLoopback(address));
        kestrel.Listen(address, listen.GrpcPortOf(service), options =>
        {
            options.Protocols = HttpProtocols.Http2;
            // Services behind the gateway check no keys, so beyond loopback only the mesh's own may call them.
            if (encrypted) Encrypt(options, clientsShowCertificates: !isGateway && tls.Authority is not null);
            Mark(options, Listener.Grpc);
        });
        kestrel.Listen(address, listen.HttpPortOf(service), options =>
        {
            // Only inside TLS do both sides agree on a protocol before the first byte, so only there one port can speak both.
            options.Protocols = encrypted ? HttpProtocols.Http1AndHttp2 : HttpProtocols.Http1;
            if (encrypted) Encrypt(options, clientsShowCertificates: false);
            Mark(options, Listener.Http);
        });
        if (service.AdminContracts.Count == 0) return;
        kestrel.Listen(System.Net.IPAddress.Loopback, listen.AdminPortOf(service), options =>
        {
            options.Protocols = HttpProtocols.Http2;
            Mark(options, Listener.Admin);
        });
    }

    /// <summary>The listener that a request came in by.</summary>
    public static Listener ListenerOf(this HttpContext context) => context.Features.Get<Door>()!.Listener;

    private static void Mark(KestrelListenOptions options, Listener listener)
    {
        var door = new Door(listener);
        options.Use(next => connection =>
        {
            connection.Features.Set(door);
            return next(connection);
        });
    }

    private static void Encrypt(KestrelListenOptions options, bool clientsShowCertificates)
    {
        var certificate = options.ApplicationServices.GetRequiredService<MeshCertificate>();
        var trust = options.ApplicationServices.GetRequiredService<MeshTrust>();
        List<SslApplicationProtocol> protocols = options.Protocols == HttpProtocols.Http2
            ? [SslApplicationProtocol.Http2]
            : [SslApplicationProtocol.Http2, SslApplicationProtocol.Http11];
        options.UseHttps(new TlsHandshakeCallbackOptions
        {
            HandshakeTimeout = TimeSpan.FromSeconds(10),
            OnConnection = _ => ValueTask.FromResult(new SslServerAuthenticationOptions
            {
                ServerCertificateContext = certificate.Context,
                // The system's policy may allow older ones.
                EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
                ApplicationProtocols = protocols,
                ClientCertificateRequired = clientsShowCertificates,
                CertificateChainPolicy = clientsShowCertificates ? trust.Policy() : null,
            }),
        });
    }

    private sealed record Door(Listener Listener);
}
