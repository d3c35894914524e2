using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Xunit;

namespace CorrMesh.TestKit;

/// <summary>A real redis-server on a free port of the loopback, without files, ended with the test; speaks RESP for those who look inside.</summary>
public sealed class RedisServer : IDisposable
{
    private readonly string[] arguments;
    private Process? process;

    private RedisServer(int port, string[] arguments) => (Port, this.arguments) = (port, arguments);

    public int Port { get; }

    /// <summary>As `--redis` takes it.</summary>
    public string Address => $"127.0.0.1:{Port}";

    /// <summary>Starts one, empty; skips the test where redis-server is not installed, except in CI, where that is a failure.</summary>
    /// <param name="arguments">More of redis-server's own, such as "--requirepass", "secret"; "{port}" stands for the port.</param>
    public static RedisServer Start(params string[] arguments)
    {
        bool isInstalled = Environment.GetEnvironmentVariable("PATH")!.Split(':').Any(folder => File.Exists(Path.Combine(folder, "redis-server")));
        Assert.SkipUnless(isInstalled || Environment.GetEnvironmentVariable("CI") is { Length: > 0 }, "redis-server is not installed (apt-get install redis-server)");
        var server = new RedisServer(FreePort(), arguments);
        server.Start();
        return server;
    }

    /// <summary>Starts it again, on the same port and empty.</summary>
    public void Start()
    {
        process = Process.Start(new ProcessStartInfo(
            "redis-server", ["--port", $"{Port}", "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--daemonize", "no", .. arguments.Select(argument => argument == "{port}" ? $"{Port}" : argument)])
        {
            WorkingDirectory = Path.GetTempPath(),
            RedirectStandardOutput = true,
        })!;
        // Its log, read to the end so that it never waits for us; a server that does not start has said why there.
        var log = new StringBuilder();
        var ready = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        process.OutputDataReceived += (_, line) =>
        {
            lock (log) log.AppendLine(line.Data);
            if (line.Data is null) ready.TrySetResult(false);
            else if (line.Data.Contains("Ready to accept connections", StringComparison.Ordinal)) ready.TrySetResult(true);
        };
        process.BeginOutputReadLine();
        bool isReady = ready.Task.Wait(TimeSpan.FromSeconds(60)) && ready.Task.Result;
        lock (log) Assert.True(isReady, $"redis-server did not start: {log}");
    }

    /// <summary>Ends it as a crash would.</summary>
    public void Kill()
    {
        if (process is null) return;
        process.Kill();
        process.WaitForExit();
        process.Dispose();
        process = null;
    }

    /// <summary>Sends one command on a connection of its own and gives the raw reply: text of a simple or bulk string, digits of a number.</summary>
    /// <exception cref="InvalidOperationException">The server answers with an error.</exception>
    public byte[] Call(params object[] words)
    {
        using var client = new TcpClient("127.0.0.1", Port);
        using NetworkStream stream = client.GetStream();
        stream.Write(Encoding.ASCII.GetBytes($"*{words.Length}\r\n"));
        foreach (byte[] word in words.Select(word => word as byte[] ?? Encoding.UTF8.GetBytes((string)word)))
        {
            stream.Write(Encoding.ASCII.GetBytes($"${word.Length}\r\n"));
            stream.Write(word);
            stream.Write("\r\n"u8);
        }

        string line = ReadLine(stream);
        if (line[0] == '-') throw new InvalidOperationException(line[1..]);
        if (line[0] != '$') return Encoding.UTF8.GetBytes(line[1..]);
        var bulk = new byte[Math.Max(0, int.Parse(line[1..], CultureInfo.InvariantCulture))];
        stream.ReadExactly(bulk);
        return bulk;
    }

    /// <summary><see cref="Call"/> with the reply as text.</summary>
    public string Text(params object[] words) => Encoding.UTF8.GetString(Call(words));

    public void Dispose() => Kill();

    private static string ReadLine(NetworkStream stream)
    {
        var line = new StringBuilder();
        for (int next = stream.ReadByte(); next != '\n'; next = stream.ReadByte())
        {
            if (next < 0) throw new InvalidOperationException("the server closed the connection");
            if (next != '\r') line.Append((char)next);
        }

        return line.ToString();
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
