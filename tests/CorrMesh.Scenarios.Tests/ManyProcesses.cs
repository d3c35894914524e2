using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using CorrMesh.Features.Tests.Support;
using Grpc.Net.Client;
using Xunit;

namespace CorrMesh.Scenarios.Tests;

/// <summary>The mesh as `deploy/run mesh` starts it: a supervisor and its processes, on free ports, with a small real network from a data directory.</summary>
/// <remarks>With a Redis of its own where redis-server is installed, without any elsewhere.</remarks>
internal sealed partial class ManyProcesses : IStartedMesh
{
    private readonly TestData data;
    private readonly Process supervisor;
    private readonly Dictionary<string, int> pids = [];
    private readonly List<string> log = [];
    private readonly Task following;
    private readonly TaskCompletionSource<string> ready = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private ManyProcesses(Process supervisor, TestData data)
    {
        (this.supervisor, this.data) = (supervisor, data);
        following = Task.WhenAll(FollowAsync(supervisor.StandardError), AwaitReadyAsync());
        Http = null!;
        Grpc = null!;
    }

    /// <summary>To the gateway's HTTP API, over connections that are kept.</summary>
    public HttpClient Http { get; private set; }

    /// <summary>To the gateway's gRPC port.</summary>
    public GrpcChannel Grpc { get; private set; }

    /// <summary>Addresses by `features-0.grpc`, `features-0.http`, `matching.grpc`, ..., `gateway.http`.</summary>
    public IReadOnlyDictionary<string, Uri> Addresses { get; private set; } = new Dictionary<string, Uri>();

    /// <summary>What the supervisor and its processes have logged so far.</summary>
    public string Log
    {
        get { lock (log) return string.Join('\n', log); }
    }

    public int SupervisorPid => supervisor.Id;

    /// <summary>The supervisor's exit code, once it has ended.</summary>
    public int ExitCode => supervisor.ExitCode;

    /// <summary>The processes by name: `redis`, `features-0`, `matching`, `gateway`; each the latest of its name.</summary>
    public IReadOnlyDictionary<string, int> Pids
    {
        get { lock (log) return new Dictionary<string, int>(pids); }
    }

    private static CancellationToken Test => TestContext.Current.CancellationToken;

    public static async Task<ManyProcesses> StartAsync(int featuresReplicas = 1, params (string Key, string Value)[] settings)
    {
        var data = new TestData();
        data.AddModelFile("small", RandomNetwork.Write(data.PathOf("small.safetensors")), 14, 48, 3, 3, 16);
        // A data directory with a small model, unless a setting names another model.
        (string Key, string Value)[] all = [("CorrMesh:Features:DefaultModel", "small"), .. settings];
        var start = new ProcessStartInfo("dotnet", [
            Path.Combine(AppContext.BaseDirectory, "CorrMesh.Host.dll"), "mesh", "--http-port=0", "--grpc-port=0", "--port-base=0", $"--features-replicas={featuresReplicas}",
            $"--data={data.Root}", "--threads=1", .. all.SelectMany(setting => new[] { "--set", $"{setting.Key}={setting.Value}" }), .. HasRedis ? [] : new[] { "--redis=127.0.0.1:1" },
        ])
        { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["OMP_WAIT_POLICY"] = "passive";
        var mesh = new ManyProcesses(Process.Start(start)!, data);
        try
        {
            string line = await mesh.ready.Task.WaitAsync(TimeSpan.FromMinutes(3), Test);
            mesh.Addresses = line.Split(' ')[1..].Select(word => word.Split('=', 2)).ToDictionary(pair => pair[0], pair => new Uri(pair[1]));
            mesh.Http = new HttpClient { BaseAddress = mesh.Addresses["gateway.http"] };
            mesh.Grpc = GrpcChannel.ForAddress(mesh.Addresses["gateway.grpc"], new GrpcChannelOptions { MaxReceiveMessageSize = null, MaxSendMessageSize = null });
            return mesh;
        }
        catch
        {
            await mesh.DisposeAsync();
            throw;
        }
    }

    private static bool HasRedis => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Any(folder => File.Exists(Path.Combine(folder, "redis-server")));

    /// <summary>Kills a process (kill -9) and returns its number.</summary>
    public int Kill(string name)
    {
        int pid = Pids[name];
        Assert.Equal(0, SendSignal(pid, 9));
        return pid;
    }

    /// <summary>Kills the supervisor (kill -9), as an operator never should.</summary>
    public void KillSupervisor() => supervisor.Kill();

    /// <summary>Asks for a rolling restart (SIGHUP) and waits until it is done.</summary>
    public async Task ReplaceAllAsync()
    {
        int before = Count();
        Assert.Equal(0, SendSignal(supervisor.Id, 1));
        await UntilAsync(() => Count() > before, TimeSpan.FromMinutes(5));

        int Count()
        {
            lock (log) return log.Count(line => line.Contains("Rolling restart: done", StringComparison.Ordinal));
        }
    }

    /// <summary>Waits until the gateway says that every service serves.</summary>
    /// <returns>How long that took.</returns>
    public async Task<TimeSpan> UntilServingAsync()
    {
        long start = Stopwatch.GetTimestamp();
        while (true)
        {
            try
            {
                using HttpResponseMessage answer = await Http.GetAsync("/healthz", Test);
                if (answer.StatusCode == HttpStatusCode.OK) return Stopwatch.GetElapsedTime(start);
            }
            catch (HttpRequestException)
            {
                // The gateway itself is away.
            }

            await Task.Delay(50, Test);
        }
    }

    /// <summary>Whether a process is there (and not only its entry, waiting for its parent).</summary>
    public static bool IsAlive(int pid) => File.Exists($"/proc/{pid}/stat") && !File.ReadAllText($"/proc/{pid}/stat").Split(')')[^1].StartsWith(" Z", StringComparison.Ordinal);

    /// <summary>Waits for a condition; fails with the log when it does not come about.</summary>
    public async Task UntilAsync(Func<bool> condition, TimeSpan limit)
    {
        long start = Stopwatch.GetTimestamp();
        while (!condition())
        {
            Assert.True(Stopwatch.GetElapsedTime(start) < limit, Log);
            await Task.Delay(50, Test);
        }
    }

    /// <summary>Stops it as SIGTERM does, and waits.</summary>
    public async Task StopAsync()
    {
        if (!supervisor.HasExited) _ = SendSignal(supervisor.Id, 15);
        try
        {
            await supervisor.WaitForExitAsync(CancellationToken.None).WaitAsync(TimeSpan.FromMinutes(1), CancellationToken.None);
        }
        catch (TimeoutException)
        {
            supervisor.Kill();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        await following;
        Http?.Dispose();
        Grpc?.Dispose();
        supervisor.Dispose();
        data.Dispose();
    }

    private async Task AwaitReadyAsync()
    {
        while (await supervisor.StandardOutput.ReadLineAsync(CancellationToken.None) is { } line)
            if (line.StartsWith("ready ", StringComparison.Ordinal)) ready.TrySetResult(line);
        // What was out of the ordinary first: the whole log is long.
        string[] faults = [.. Log.Split('\n').Where(line => !line.Contains("Z info: ", StringComparison.Ordinal) && !line.StartsWith("redis | ", StringComparison.Ordinal))];
        ready.TrySetException(new InvalidOperationException($"the mesh ended before it was ready:\n{string.Join('\n', faults)}\n\nall of its log:\n{Log}"));
    }

    private async Task FollowAsync(StreamReader reader)
    {
        while (await reader.ReadLineAsync(CancellationToken.None) is { } line)
        {
            lock (log)
            {
                log.Add(line);
                if (Started().Match(line) is { Success: true } started) pids[started.Groups[1].Value] = int.Parse(started.Groups[2].Value, CultureInfo.InvariantCulture);
            }
        }
    }

    [GeneratedRegex(@"CorrMesh\.Mesh\[1101\] (\S+) pid (\d+) ")]
    private static partial Regex Started();

    [DllImport("libc", EntryPoint = "kill")]
    private static extern int SendSignal(int pid, int signal);
}
