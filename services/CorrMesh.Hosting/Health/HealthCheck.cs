using System.Globalization;

namespace CorrMesh.Hosting.Health;

/// <summary>`healthcheck [PORT]`: asks a service of this machine whether it is ready, for containers, whose images hold no other client.</summary>
public static class HealthCheck
{
    public const string Command = "healthcheck";

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(3);

    /// <param name="args">At most one: the service's HTTP port; the gateway's default without it.</param>
    /// <param name="error">Receives why the service is not ready.</param>
    /// <returns>The exit code: 0 `/readyz` answers 200, 1 it does not, 2 wrong arguments.</returns>
    public static async Task<int> RunAsync(IReadOnlyList<string> args, TextWriter error)
    {
        int port = MeshTopology.Get(MeshTopology.Gateway).HttpPort;
        if (args.Count > 1 || (args.Count == 1 && !(int.TryParse(args[0], NumberStyles.None, CultureInfo.InvariantCulture, out port) && port is > 0 and <= 65_535)))
        {
            await error.WriteLineAsync($"{Command}: one port from 1 to 65535 allowed, '{string.Join(' ', args)}' given").ConfigureAwait(false);
            return 2;
        }

        using var handler = new SocketsHttpHandler { UseProxy = false };
        // The certificate is for names that others call this machine by. Nothing is told to whoever listens here, and no more is believed than "ready".
#pragma warning disable CA5359
        handler.SslOptions.RemoteCertificateValidationCallback = (_, _, _, _) => true;
#pragma warning restore CA5359
        using var client = new HttpClient(handler) { Timeout = Limit };
        foreach (string scheme in (string[])["http", "https"])   // a port that speaks TLS closes on anything else
        {
            try
            {
                using var answer = await client.GetAsync(new Uri($"{scheme}://127.0.0.1:{port}/readyz")).ConfigureAwait(false);
                if (answer.IsSuccessStatusCode) return 0;
                await error.WriteAsync(await answer.Content.ReadAsStringAsync().ConfigureAwait(false)).ConfigureAwait(false);
                return 1;
            }
            catch (Exception exception) when (exception is HttpRequestException or OperationCanceledException)
            {
                await error.WriteLineAsync($"port {port}, {scheme}: {exception.Message}").ConfigureAwait(false);
            }
        }

        return 1;
    }
}
