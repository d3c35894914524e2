using System.Net;
using CorrMesh.Hosting.Options;
using Microsoft.Extensions.Configuration;

namespace CorrMesh.Hosting.Security;

/// <summary>What must be given before a process may listen beyond its own machine.</summary>
internal static class ListenFaults
{
    /// <param name="listen">Where the process would listen.</param>
    /// <param name="configuration">All of it.</param>
    /// <param name="targets">Names of the services that the process would run.</param>
    /// <returns>One line for each thing that is missing; none on loopback or with `Insecure`.</returns>
    public static IEnumerable<string> Of(ListenOptions listen, IConfiguration configuration, IReadOnlyCollection<string> targets)
    {
        if (listen.Insecure || !listen.TryAddress(out var address) || IPAddress.IsLoopback(address)) yield break;
        const string instead = "; --insecure listens all the same";
        string given = $", '{listen.Address}' given";
        string key = $"{ListenOptions.Section}:{nameof(ListenOptions.Address)}";
        if (configuration[$"{TlsOptions.Section}:{nameof(TlsOptions.Certificate)}"] is null)
            yield return $"{key}: beyond loopback, {TlsOptions.Section}:Certificate and {TlsOptions.Section}:Key needed, for whoever is on the way could read and change everything{instead}{given}";
        if (targets.Contains(MeshTopology.Gateway))
        {
            if (!File.Exists(ApiKeys.PathIn(configuration)))
                yield return $"{key}: beyond loopback, a file of API keys needed (`deploy/run keys add NAME` makes it), for the gateway would serve anyone; there is none at {ApiKeys.PathIn(configuration)}{instead}{given}";
        }
        else if (configuration[$"{TlsOptions.Section}:{nameof(TlsOptions.Authority)}"] is null)
        {
            yield return $"{key}: beyond loopback, {TlsOptions.Section}:Authority needed, by which the services know each other, for they check no API keys{instead}{given}";
        }
    }
}
