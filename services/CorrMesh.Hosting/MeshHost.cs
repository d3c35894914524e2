using System.Runtime.InteropServices;
using CorrMesh.Hosting.Options;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;

namespace CorrMesh.Hosting;

/// <summary>Runs modules as a program: arguments, configuration, signals, exit codes.</summary>
public static class MeshHost
{
    private const int Failed = 1;
    private const int Misused = 2;

    /// <summary>Serves until SIGTERM or SIGINT; prints `ready` and the addresses when everything listens. Logs go to standard error.</summary>
    /// <param name="args">See <see cref="MeshArguments"/>.</param>
    /// <param name="modules">The services that this program carries; `--target` picks among them.</param>
    /// <returns>The exit code: 0 stopped as asked, 1 could not start or a module failed, 2 wrong arguments or configuration.</returns>
    public static int Run(IReadOnlyList<string> args, params IReadOnlyList<IMeshModule> modules) =>
        RunAsync(args, modules, Console.Out, Console.Error).GetAwaiter().GetResult();

    /// <summary>As <see cref="Run"/>, for a caller with its own streams and its own reason to stop.</summary>
    public static async Task<int> RunAsync(
        IReadOnlyList<string> args, IReadOnlyList<IMeshModule> modules, TextWriter output, TextWriter error, CancellationToken stop = default)
    {
        var arguments = MeshArguments.Parse(args, [.. modules.Select(module => module.Name)]);
        if (arguments.Help)
        {
            await output.WriteAsync("Serves CorrMesh until Ctrl-C or SIGTERM.\n\n" + MeshArguments.Usage).ConfigureAwait(false);
            return 0;
        }

        if (arguments.Faults.Count > 0) return await RefuseAsync(error, [.. arguments.Faults, "Options:\n" + MeshArguments.Usage]).ConfigureAwait(false);
        if (arguments.Replicas > 1) return await RefuseAsync(error, [$"{MeshArguments.ReplicasOption}: 1 allowed in one process, {arguments.Replicas} given; the command `mesh` starts more"]).ConfigureAwait(false);
        using var stopping = CancellationTokenSource.CreateLinkedTokenSource(stop);
        using var hurry = new CancellationTokenSource();
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, OnSignal);
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, OnSignal);
        try
        {
            var configuration = Configure(arguments);
            if (configuration.GetSection(ProcessOptions.Section).GetValue<bool>(nameof(ProcessOptions.Supervised))) _ = StopAtEndOfInputAsync(stopping);
            var mesh = await Mesh.StartAsync(
                configuration, [.. modules.Where(module => arguments.Targets.Contains(module.Name))],
                logging => AddLogging(logging, configuration), cancellationToken: stopping.Token).ConfigureAwait(false);
            await using (mesh.ConfigureAwait(false))
            {
                await output.WriteLineAsync("ready " + string.Join(' ', mesh.Endpoints.Select(Describe))).ConfigureAwait(false);
                await output.FlushAsync(stopping.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                using var either = CancellationTokenSource.CreateLinkedTokenSource(stopping.Token, mesh.Stopping);
                await Task.Delay(Timeout.Infinite, either.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                await mesh.StopAsync(hurry.Token).ConfigureAwait(false);
                return stopping.IsCancellationRequested ? 0 : Failed;
            }
        }
        catch (MeshConfigurationException exception)
        {
            return await RefuseAsync(error, exception.Faults).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            return 0;
        }
        catch (Exception exception)
        {
            // A taken port or a weight file that is not there is explained by its message; anything else is a defect to be traced.
            string hint = exception.InnerException is AddressInUseException ? " Other ports: --http-port, --grpc-port, --port-base (0: any free ones)." : "";
            await error.WriteLineAsync($"cannot start: {(exception is IOException or InvalidDataException ? exception.Message : exception)}{hint}").ConfigureAwait(false);
            return Failed;
        }

        void OnSignal(PosixSignalContext signal)
        {
            signal.Cancel = true;
            // The second signal is from someone who will not wait for calls in flight.
            if (stopping.IsCancellationRequested) hurry.Cancel();
            else stopping.Cancel();
        }
    }

    // The supervisor holds the other end and never writes: the input ends when the supervisor does, however that comes about.
    private static async Task StopAtEndOfInputAsync(CancellationTokenSource stopping)
    {
        var input = Console.OpenStandardInput();
        await using (input.ConfigureAwait(false))
        {
            while (await input.ReadAsync(new byte[1]).ConfigureAwait(false) > 0)
            {
            }
        }

        try { await stopping.CancelAsync().ConfigureAwait(false); }
        catch (ObjectDisposedException) { }   // stopped already
    }

    private static string Describe(MeshEndpoint endpoint) =>
        $"{endpoint.Service}.http={endpoint.Http.GetLeftPart(UriPartial.Authority)} {endpoint.Service}.grpc={endpoint.Grpc.GetLeftPart(UriPartial.Authority)}"
        + (endpoint.Admin is { } admin ? $" {endpoint.Service}.admin={admin.GetLeftPart(UriPartial.Authority)}" : "");

    internal static IConfigurationRoot Configure(MeshArguments arguments) => new ConfigurationBuilder()
        .AddJsonFile(Path.Combine(AppContext.BaseDirectory, "appsettings.json"), optional: true)
        .AddEnvironmentVariables()
        .AddInMemoryCollection(arguments.Settings)
        .Build();

    internal static void AddLogging(ILoggingBuilder logging, IConfiguration configuration)
    {
        logging
            .SetMinimumLevel(LogLevel.Information)
            .AddFilter("Microsoft", LogLevel.Warning)
            .AddFilter("System", LogLevel.Warning)
            .AddFilter("Grpc", LogLevel.Warning)
            // Errors are logged where they are mapped or printed; these would add a stack trace to each malformed message and taken port.
            .AddFilter("Grpc.AspNetCore.Server.ServerCallHandler", LogLevel.None)
            .AddFilter("Microsoft.Extensions.Hosting.Internal.Host", LogLevel.None)
            // Its warnings are stack traces of services that are not there, which callers and health are told of already.
            .AddFilter("Yarp", LogLevel.Error)
            .AddSimpleConsole(console =>
            {
                console.SingleLine = true;
                console.UseUtcTimestamp = true;
                console.TimestampFormat = "yyyy-MM-ddTHH:mm:ss.fffZ ";
                console.ColorBehavior = LoggerColorBehavior.Disabled;
            })
            // `Logging:Console:FormatterName=json` gives one JSON object a line; `Logging:LogLevel:CorrMesh=Debug` more of them.
            .AddConfiguration(configuration.GetSection("Logging"))
            .AddJsonConsole(console => console.UseUtcTimestamp = true);
        // The standard output holds nothing but the `ready` line, so that scripts can wait for it.
        logging.Services.Configure<ConsoleLoggerOptions>(console =>
        {
            console.LogToStandardErrorThreshold = LogLevel.Trace;
            console.FormatterName = configuration["Logging:Console:FormatterName"] ?? ConsoleFormatterNames.Simple;
        });
    }

    internal static async Task<int> RefuseAsync(TextWriter error, IEnumerable<string> faults)
    {
        foreach (string fault in faults) await error.WriteLineAsync(fault).ConfigureAwait(false);
        return Misused;
    }
}
