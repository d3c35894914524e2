using System.Runtime.Intrinsics;
using System.Text.Json;

namespace CorrMesh.Benchmarks;

/// <summary>Prints a table and keeps it as JSON beside the sources.</summary>
internal static class BenchmarkReport
{
    private static readonly JsonSerializerOptions Json = new()
    {
        WriteIndented = true,
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
    };

    public static void Print(IReadOnlyList<BenchmarkRow> rows)
    {
        Console.WriteLine($"{"",-52} {"ours",12} {"anchor",12} {"floor",10}  {"ratio",8} {"must",8}");
        foreach (var row in rows)
        {
            string floor = row.Floor is { } value ? $"{value:F2}" : "-", must = row.Must is { } limit ? $"{limit:F3}x" : "-";
            string verdict = !row.Valid ? "VOID: answers differ" : row.Missed ? "MISSED" : row.Must is null ? "no target" : "ok";
            Console.WriteLine(
                $"{row.Name,-52} {row.Ours,9:F2} {row.Unit,-2} {row.Anchor,9:F2} {row.Unit,-2} {floor,10}  {row.Ratio,7:F4}x {must,7} {verdict}; {row.Note}");
        }
    }

    /// <summary>Writes results/NAME.json in the project's folder; the current folder when run outside a checkout.</summary>
    public static void Save(string name, IReadOnlyList<BenchmarkRow> rows)
    {
        string folder = Path.Combine(ProjectFolder() ?? Environment.CurrentDirectory, "results");
        Directory.CreateDirectory(folder);
        string path = Path.Combine(folder, $"{name}.json");
        var table = new
        {
            benchmark = name,
            date = DateTime.UtcNow.ToString("yyyy-MM-dd", System.Globalization.CultureInfo.InvariantCulture),
            cpu = Cpu(),
            cores = Environment.ProcessorCount,
            avx512 = Vector512.IsHardwareAccelerated,
            rows = rows.Select(row => new
            {
                row.Name,
                row.Unit,
                row.Ours,
                row.Anchor,
                row.Floor,
                row.Ratio,
                row.Must,
                row.Valid,
                row.Missed,
                row.Note,
            }),
        };
        File.WriteAllText(path, JsonSerializer.Serialize(table, Json) + "\n");
        Console.WriteLine($"written to {path}");
    }

    private static string? ProjectFolder()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Mesh.sln")))
            {
                return Path.Combine(folder.FullName, "tests", "CorrMesh.Benchmarks");
            }
        }

        return null;
    }

    private static string Cpu()
    {
        const string info = "/proc/cpuinfo";
        string? line = File.Exists(info) ? File.ReadLines(info).FirstOrDefault(l => l.StartsWith("model name", StringComparison.Ordinal)) : null;
        return line?.Split(':', 2)[1].Trim() ?? "unknown";
    }
}
