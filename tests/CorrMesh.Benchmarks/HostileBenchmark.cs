using System.Diagnostics;
using System.Globalization;
using CorrMesh.TestKit.Hostile;

namespace CorrMesh.Benchmarks;

/// <summary>
/// What hostile clients cost others: the host as a process of its own, one polite client that asks for cached matches of 16 points through
/// `POST /v1/match`, and one attacker, a process with one thread, on the same machine. Rounds without and with the attacker alternate.
/// </summary>
internal static class HostileBenchmark
{
    private const int Rounds = 3, Seconds = 5, GridSide = 4;
    private const double Bound = 2;

    // Where an attack is a number rather than a pace: of connections that stay, or of what is done before it ends.
    private static readonly Dictionary<string, int> Shares = new() { ["slow uploads"] = 1000, ["slow gRPC uploads"] = 1000, ["stream resets"] = 100_000, ["too many streams"] = 1_000_000 };

    public static IReadOnlyList<BenchmarkRow> Run()
    {
        using var host = HostProcess.Start();
        byte[] left = ServiceBenchmark.Picture(0), right = ServiceBenchmark.Picture(1);
        for (int i = 0; i < 200; i++) host.Match(left, right, GridSide);
        var rows = new List<BenchmarkRow> { Row("none", "the same twice: what the measurement itself varies by") };
        rows.AddRange(new Attacks(host.Http, host.Grpc).All.Keys.Select(name => Row(name, "")));
        return rows;

        BenchmarkRow Row(string attack, string note)
        {
            var (alone, attacked) = (new List<double>(), new List<double>());
            long shares = 0;
            double seconds = 0;
            for (int round = 0; round < Rounds; round++)
            {
                Measure(alone);
                if (attack == "none")
                {
                    Measure(attacked);
                    continue;
                }

                using var attacker = Start(attack, host);
                long started = Stopwatch.GetTimestamp();
                Task<string?> done = attacker.StandardOutput.ReadLineAsync();
                do Measure(attacked);
                while (attack == "stream resets" && !done.IsCompleted);
                seconds += Stopwatch.GetElapsedTime(started).TotalSeconds;
                attacker.StandardInput.Close();
                attacker.WaitForExit();
                if (!long.TryParse(done.GetAwaiter().GetResult(), CultureInfo.InvariantCulture, out long share)) throw new InvalidOperationException($"{attack}: the attacker ended with {attacker.ExitCode}");
                shares += share;
                Thread.Sleep(500);   // what the attack left behind is not the next round's
            }

            double aloneP50 = ServiceBenchmark.Percentile(alone, 0.5), attackedP50 = ServiceBenchmark.Percentile(attacked, 0.5);
            string did = attack == "none" ? note : $"{shares} in {seconds:F0} s";
            return new BenchmarkRow($"others' p99, {attack}", "ms", ServiceBenchmark.Percentile(attacked, 0.99), ServiceBenchmark.Percentile(alone, 0.99), null, Bound, true,
                $"anchor: alone; p50 {attackedP50:F2} ms, alone {aloneP50:F2} ms; {did}; host {host.ResidentMb():F0} MB");
        }

        void Measure(List<double> milliseconds)
        {
            long started = Stopwatch.GetTimestamp();
            while (Stopwatch.GetElapsedTime(started).TotalSeconds < Seconds) milliseconds.Add(ServiceBenchmark.Milliseconds(() => host.Match(left, right, GridSide)));
        }
    }

    /// <summary>`attack NAME HTTP GRPC`: waits for a line, attacks until its share is done or standard input ends, then prints how much was done.</summary>
    public static async Task<int> AttackAsync(string[] args)
    {
        using var stop = new CancellationTokenSource();
        var attack = new Attacks(new Uri(args[1]), new Uri(args[2])).All[args[0]];
        await Console.Out.WriteLineAsync("ready");
        Console.In.ReadLine();
        Task<int> attacking = Task.Run(() => attack(Shares.GetValueOrDefault(args[0], 1_000_000_000), stop.Token));
        await Task.WhenAny(attacking, Task.Run(Console.In.ReadToEnd));   // the reader's own asynchronous methods are not
        await stop.CancelAsync();
        await Console.Out.WriteLineAsync((await attacking).ToString(CultureInfo.InvariantCulture));
        return 0;
    }

    private static Process Start(string attack, HostProcess host)
    {
        var start = new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, "CorrMesh.Benchmarks"), ["attack", attack, host.Http.ToString(), host.Grpc.ToString()]) { RedirectStandardInput = true, RedirectStandardOutput = true };
        start.Environment["DOTNET_PROCESSOR_COUNT"] = "1";
        start.Environment["DOTNET_gcServer"] = "0";
        Process process = Process.Start(start)!;
        if (process.StandardOutput.ReadLine() != "ready") throw new InvalidOperationException($"{attack}: the attacker ended before it began");
        // What another machine would do for itself, this one does last.
        process.PriorityClass = ProcessPriorityClass.BelowNormal;
        process.StandardInput.WriteLine("go");
        if (attack.StartsWith("slow", StringComparison.Ordinal)) Thread.Sleep(1000);   // until most connections are made
        return process;
    }
}
