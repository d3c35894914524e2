using System.CommandLine;
using CorrMesh.Hosting.Health;

namespace CorrMesh.Host.Commands;

/// <summary>`healthcheck [PORT]`: whether a service of this machine is ready.</summary>
internal static class HealthCheckCommand
{
    public static Command Create()
    {
        var port = new Argument<string?>("port") { Description = "the service's HTTP port (default: the gateway's, 8080)", Arity = ArgumentArity.ZeroOrOne };
        var command = new Command(HealthCheck.Command, "Exit code 0 when a service of this machine is ready (/readyz), 1 when it is not.") { port };
        command.SetAction((result, _) => HealthCheck.RunAsync(result.GetValue(port) is { } given ? [given] : [], Console.Error));
        return command;
    }
}
