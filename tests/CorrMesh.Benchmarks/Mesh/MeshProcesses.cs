using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using Grpc.Net.Client;

namespace CorrMesh.Benchmarks.Mesh;

/// <summary>The mesh as separate processes on free ports, with the real host or with simulated devices.</summary>
internal sealed partial class MeshProcesses : IDisposable
{
    private readonly Process supervisor;
    private readonly string folder;
    private readonly Dictionary<string, int> pids = [];
    private int restarts;

    private MeshProcesses(Process supervisor, string folder)
    {
        (this.supervisor, this.folder) = (supervisor, folder);
        supervisor.ErrorDataReceived += (_, line) => Follow(line.Data);
        supervisor.BeginErrorReadLine();
        string ready = supervisor.StandardOutput.ReadLine() ?? throw new InvalidOperationException("the mesh ended before it was ready");
        supervisor.StandardOutput.ReadToEndAsync();
        Addresses = ready.Split(' ')[1..].Select(word => word.Split('=', 2)).ToDictionary(pair => pair[0], pair => new Uri(pair[1]));
        Http = new HttpClient { BaseAddress = Addresses["gateway.http"], Timeout = TimeSpan.FromMinutes(1) };
        Grpc = GrpcChannel.ForAddress(Addresses["gateway.grpc"], new GrpcChannelOptions
        {
            MaxReceiveMessageSize = null,
            HttpHandler = new SocketsHttpHandler { EnableMultipleHttp2Connections = true },
            InitialReconnectBackoff = TimeSpan.FromMilliseconds(100),
            MaxReconnectBackoff = TimeSpan.FromMilliseconds(200),
        });
    }

    public IReadOnlyDictionary<string, Uri> Addresses { get; }

    public HttpClient Http { get; }

    public GrpcChannel Grpc { get; }

    /// <summary>Names of the processes that the supervisor keeps.</summary>
    public string[] Names
    {
        get { lock (pids) return [.. pids.Keys]; }
    }

    /// <param name="replicas">Features processes.</param>
    /// <param name="deviceMs">Simulated time for one image; null for the real network.</param>
    public static MeshProcesses Start(int replicas, double? deviceMs, params (string Key, string Value)[] settings)
    {
        string folder = Directory.CreateTempSubdirectory("corrmesh-benchmark-").FullName;
        string host = Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, "..", "..", "CorrMesh.Host", new DirectoryInfo(AppContext.BaseDirectory).Name, "CorrMesh.Host"));
        string[] program = deviceMs is null ? [host] : [Path.Combine(AppContext.BaseDirectory, "CorrMesh.Benchmarks"), SimulatedFeatures.Command, folder];
        if (deviceMs is { } ms) File.WriteAllText(Path.Combine(folder, "ms"), ms.ToString(CultureInfo.InvariantCulture));
        var start = new ProcessStartInfo(program[0], [
            .. program[1..], "mesh", "--http-port=0", "--grpc-port=0", "--port-base=0", $"--features-replicas={replicas}", $"--data={Path.Combine(folder, "data")}",
            .. settings.SelectMany(setting => new[] { "--set", $"{setting.Key}={setting.Value}" }),
        ])
        { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["OMP_WAIT_POLICY"] = "passive";
        return new MeshProcesses(Process.Start(start)!, folder);
    }

    /// <summary>kill -9.</summary>
    public void Kill(string name)
    {
        lock (pids) _ = SendSignal(pids[name], 9);
    }

    /// <summary>Gives one process of a simulated mesh its own time for an image.</summary>
    public void Slow(string name, double ms)
    {
        lock (pids) File.WriteAllText(Path.Combine(folder, $"{pids[name]}.ms"), ms.ToString(CultureInfo.InvariantCulture));
    }

    /// <summary>A rolling restart, to its end.</summary>
    public async Task ReplaceAllAsync()
    {
        int before = Volatile.Read(ref restarts);
        _ = SendSignal(supervisor.Id, 1);
        while (Volatile.Read(ref restarts) == before) await Task.Delay(50).ConfigureAwait(false);
    }

    public void Dispose()
    {
        Http.Dispose();
        Grpc.Dispose();
        _ = SendSignal(supervisor.Id, 15);
        if (!supervisor.WaitForExit(60_000)) supervisor.Kill();
        supervisor.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    private void Follow(string? line)
    {
        if (line is null) return;
        if (line.Contains("Rolling restart: done", StringComparison.Ordinal)) Interlocked.Increment(ref restarts);
        if (Environment.GetEnvironmentVariable("CORRMESH_BENCHMARK_LOG") is { Length: > 0 } log) File.AppendAllText(log, line + "\n");
        if (Started().Match(line) is { Success: true } started)
            lock (pids) pids[started.Groups[1].Value] = int.Parse(started.Groups[2].Value, CultureInfo.InvariantCulture);
    }

    [GeneratedRegex(@"CorrMesh\.Mesh\[1101\] (\S+) pid (\d+) ")]
    private static partial Regex Started();

    [DllImport("libc", EntryPoint = "kill")]
    private static extern int SendSignal(int pid, int signal);
}
