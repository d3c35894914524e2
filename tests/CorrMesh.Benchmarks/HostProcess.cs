using System.Diagnostics;
using System.Globalization;

namespace CorrMesh.Benchmarks;

/// <summary>The host program, started on free ports and stopped at the end.</summary>
internal sealed class HostProcess : IDisposable
{
    private readonly Process process;
    private readonly HttpClient client = new();
    private readonly Uri match;

    private HostProcess(Process process, double startSeconds, Uri http, Uri grpc, string modelDirectory)
    {
        (this.process, StartSeconds, Http, Grpc, ModelDirectory) = (process, startSeconds, http, grpc, modelDirectory);
        match = new Uri(http, "/v1/match");
    }

    public double StartSeconds { get; }

    public string ModelDirectory { get; }

    /// <summary>The gateway's two addresses.</summary>
    public Uri Http { get; }

    public Uri Grpc { get; }

    public static HostProcess Start()
    {
        string folder = Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, "..", "..", "CorrMesh.Host", new DirectoryInfo(AppContext.BaseDirectory).Name));
        var start = new ProcessStartInfo(Path.Combine(folder, "CorrMesh.Host"), ["--http-port", "0", "--grpc-port", "0", "--port-base", "0"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["OMP_WAIT_POLICY"] = "passive";
        long started = Stopwatch.GetTimestamp();
        Process process = Process.Start(start)!;
        process.BeginErrorReadLine();
        string line = process.StandardOutput.ReadLine() ?? throw new InvalidOperationException("the host ended before it was ready");
        double seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        Uri Address(string name) => new(line.Split(' ').First(part => part.StartsWith(name, StringComparison.Ordinal)).Split('=')[1]);
        return new HostProcess(process, seconds, Address("gateway.http="), Address("gateway.grpc="), Path.Combine(folder, "models", "compact"));
    }

    public void Match(byte[] source, byte[] target, int gridSide)
    {
        using var form = new MultipartFormDataContent
        {
            { new ByteArrayContent(source), "source", "source.jpg" },
            { new ByteArrayContent(target), "target", "target.jpg" },
            { new StringContent(gridSide.ToString(CultureInfo.InvariantCulture)), "grid" },
        };
        using HttpResponseMessage response = client.PostAsync(match, form).GetAwaiter().GetResult();
        string body = response.Content.ReadAsStringAsync().GetAwaiter().GetResult();
        if (!response.IsSuccessStatusCode) throw new InvalidOperationException($"{(int)response.StatusCode}: {body}");
    }

    /// <summary>Resident memory of the host, 10^6 bytes.</summary>
    public double ResidentMb()
    {
        string line = File.ReadLines($"/proc/{process.Id}/status").First(l => l.StartsWith("VmRSS:", StringComparison.Ordinal));
        return double.Parse(line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) * 1024 / 1e6;
    }

    public void Dispose()
    {
        client.Dispose();
        process.Kill();
        process.WaitForExit();
        process.Dispose();
    }
}
