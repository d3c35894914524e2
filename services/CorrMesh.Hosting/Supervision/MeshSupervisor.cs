using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using CorrMesh.Hosting.Options;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;

namespace CorrMesh.Hosting.Supervision;

/// <summary>The command `mesh`: every service, and a Redis, in processes of their own.</summary>
/// <remarks>
/// SIGTERM or Ctrl-C stops them in order; SIGHUP replaces them one after the other without losing a call; should the supervisor
/// itself be killed, they stop by themselves.
/// </remarks>
public static class MeshSupervisor
{
    public const string Command = "mesh";

    private const int Failed = 1;

    // Beyond the drain's own limits, before a process that does not stop is killed.
    private static readonly TimeSpan StopMargin = TimeSpan.FromSeconds(10);

    /// <summary>Runs the mesh in the foreground; prints `ready` and the addresses when all of it is ready. Logs, the processes' own included, go to standard error.</summary>
    /// <param name="args">See <see cref="MeshArguments"/>; `--target` is not among them.</param>
    /// <param name="program">What starts a process that carries every service: a program and its first arguments.</param>
    /// <returns>The exit code: 0 stopped as asked, 1 could not start, 2 wrong arguments or configuration.</returns>
    public static int Run(IReadOnlyList<string> args, IReadOnlyList<string> program) =>
        RunAsync(args, program, Console.Out, TextWriter.Synchronized(Console.Error)).GetAwaiter().GetResult();

    /// <summary>As <see cref="Run"/>, for a caller with its own streams and its own reason to stop.</summary>
    internal static async Task<int> RunAsync(IReadOnlyList<string> args, IReadOnlyList<string> program, TextWriter output, TextWriter error, CancellationToken stop = default)
    {
        var arguments = MeshArguments.Parse(args, [.. MeshTopology.Services.Select(service => service.Name)]);
        if (arguments.Help)
        {
            await output.WriteAsync("Serves CorrMesh, each service in a process of its own, until Ctrl-C or SIGTERM. SIGHUP: rolling restart.\n\n" + MeshArguments.Usage).ConfigureAwait(false);
            return 0;
        }

        var configuration = MeshHost.Configure(arguments);
        var listen = new ListenOptions();
        var drain = new DrainOptions();
        List<string> faults = [.. arguments.Faults];
        if (args.Any(argument => argument.Split('=')[0] == "--target")) faults.Add($"--target: not with `{Command}`, which runs every service");
        try
        {
            listen = configuration.GetSection(ListenOptions.Section).Get<ListenOptions>() ?? listen;
            drain = configuration.GetSection(DrainOptions.Section).Get<DrainOptions>() ?? drain;
            faults.AddRange(MeshOptions.Validate(listen, ListenOptions.Section).Concat(MeshOptions.Validate(drain, DrainOptions.Section)));
        }
        catch (InvalidOperationException exception)
        {
            faults.Add(exception.Message);
        }

        if (faults.Count > 0) return await MeshHost.RefuseAsync(error, faults).ConfigureAwait(false);
        bool ownRedis = MeshPlan.StartsRedis(configuration);
        if (ownRedis && !MeshPlan.HasRedisServer())
        {
            await error.WriteLineAsync("cannot start: redis-server is not on the PATH (apt-get install redis-server); or name a running one with --redis HOST:PORT").ConfigureAwait(false);
            return Failed;
        }

        MeshPorts ports;
        // The gateway starts last, seconds after its ports were found free.
        Socket http, grpc;
        try
        {
            ports = MeshPorts.Find(listen, arguments.Replicas, ownRedis);
            http = SharedPort.Hold(new IPEndPoint(listen.IPAddress, ports.Http));
            grpc = SharedPort.Hold(new IPEndPoint(listen.IPAddress, ports.Grpc));
        }
        catch (Exception exception) when (exception is IOException or SocketException)
        {
            await error.WriteLineAsync($"cannot start: {exception.Message} Other ports: --http-port, --grpc-port, --port-base (0: any free ones).").ConfigureAwait(false);
            return Failed;
        }

        using var heldHttp = http;
        using var heldGrpc = grpc;
        string secrets = Directory.CreateTempSubdirectory("corrmesh-mesh-").FullName;   // readable by this user only
        try
        {
            var plan = new MeshPlan(program, arguments, configuration, listen, ports);
            using var loggers = LoggerFactory.Create(logging => MeshHost.AddLogging(logging, configuration));
            var logger = loggers.CreateLogger("CorrMesh.Mesh");
            var supervisor = new Supervisor(plan.Specs(secrets), error, logger, TimeProvider.System, drain.Notice + drain.Limit + StopMargin);
            await using (supervisor.ConfigureAwait(false)) return await ServeAsync(supervisor, plan.ReadyLine, output, stop).ConfigureAwait(false);
        }
        finally
        {
            Directory.Delete(secrets, recursive: true);
        }
    }

    private static async Task<int> ServeAsync(Supervisor supervisor, string readyLine, TextWriter output, CancellationToken stop)
    {
        using var stopping = CancellationTokenSource.CreateLinkedTokenSource(stop);
        using var hurry = new CancellationTokenSource();
        bool hadTerminal = HasTerminal(), isReady = false;
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, OnStop);
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, OnStop);
        using var hangUp = PosixSignalRegistration.Create(PosixSignal.SIGHUP, OnHangUp);
        try
        {
            int code = await supervisor.StartAsync(stopping.Token).ConfigureAwait(false);
            if (code != 0) return code;
            isReady = true;
            await output.WriteLineAsync(readyLine).ConfigureAwait(false);
            await output.FlushAsync(stopping.Token).ConfigureAwait(false);
            await Task.Delay(Timeout.Infinite, stopping.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
        }

        await supervisor.StopAsync(hurry.Token).ConfigureAwait(false);
        return 0;

        void OnStop(PosixSignalContext signal)
        {
            signal.Cancel = true;
            // The second signal is from someone who will not wait for calls in flight.
            if (stopping.IsCancellationRequested) hurry.Cancel();
            else stopping.Cancel();
        }

        void OnHangUp(PosixSignalContext signal)
        {
            signal.Cancel = true;
            // The signal also says that the terminal has gone, and then so has whoever wanted the mesh in its foreground.
            if (hadTerminal && !HasTerminal()) stopping.Cancel();
            else if (isReady) _ = supervisor.ReplaceAllAsync();
        }
    }

    private static bool HasTerminal()
    {
        try
        {
            using var terminal = File.OpenHandle("/dev/tty");
            return true;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}
