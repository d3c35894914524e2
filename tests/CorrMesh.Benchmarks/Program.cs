using CorrMesh.Benchmarks;
using CorrMesh.Benchmarks.Mesh;
using CorrMesh.Benchmarks.Pnp;

// The attacker of `hostile`, which starts it as a process of its own.
if (args is ["attack", ..]) return await HostileBenchmark.AttackAsync(args[1..]);

// The mesh on simulated devices, which `replicas` starts.
if (args is [SimulatedFeatures.Command, .. var simulated]) return SimulatedFeatures.Run(simulated);

// `-- NAME [--strict]`: prints the table, writes results/NAME.json; --strict exits 1 when a row misses its must, naming it last.
var benchmarks = new SortedDictionary<string, Func<IReadOnlyList<BenchmarkRow>>>(StringComparer.Ordinal)
{
    ["chaos"] = ChaosBenchmark.Run,
    ["finetune"] = FinetuneBenchmark.Run,
    ["hostile"] = HostileBenchmark.Run,
    ["matching"] = MatchingBenchmark.Run,
    ["pnp"] = PnpBenchmark.Run,
    ["rendering"] = RenderingBenchmark.Run,
    ["replicas"] = ReplicasBenchmark.Run,
    ["scratch"] = ScratchBenchmark.Run,
    ["service"] = ServiceBenchmark.Run,
};
bool strict = args.Contains("--strict", StringComparer.Ordinal);
string[] names = [.. args.Where(argument => argument != "--strict")];
if (names.Length != 1 || !benchmarks.TryGetValue(names[0], out var run))
{
    Console.Error.WriteLine($"benchmark: one of {string.Join(", ", benchmarks.Keys)} needed, {(names.Length == 0 ? "none" : string.Join(' ', names))} given");
    return 2;
}

var rows = run();
BenchmarkReport.Print(rows);
BenchmarkReport.Save(names[0], rows);
string[] missed = [.. rows.Where(row => row.Missed).Select(row => row.Name)];
if (strict && missed.Length > 0)
{
    Console.WriteLine($"missed: {string.Join("; ", missed)}");
    return 1;
}

return 0;
