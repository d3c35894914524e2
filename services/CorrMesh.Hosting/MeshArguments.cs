using System.Globalization;

namespace CorrMesh.Hosting;

/// <summary>The command line of a serving process.</summary>
/// <param name="Targets">Names of the services to run.</param>
/// <param name="Settings">Configuration keys that options stand for, with their values.</param>
/// <param name="Help">Whether only the usage is wanted.</param>
/// <param name="Faults">What is wrong with the arguments, all of it; empty when nothing is.</param>
public sealed record MeshArguments(
    IReadOnlyList<string> Targets, IReadOnlyDictionary<string, string?> Settings, bool Help, IReadOnlyList<string> Faults)
{
    /// <summary>Most features processes of one supervisor; their ports lie ten apart, in a block of a thousand.</summary>
    public const int MaxReplicas = 32;

    internal const string ReplicasOption = "--features-replicas";

    private static readonly Option[] Options =
    [
        new("--target", "LIST", null, false, "services to run in this process, comma-separated; `all` runs every one (default)"),
        new("--http-port", "N", "CorrMesh:Listen:HttpPort", true, "the gateway's HTTP port (default 8080; 0: any free one)"),
        new("--grpc-port", "N", "CorrMesh:Listen:GrpcPort", true, "the gateway's gRPC port (default 8081; 0: any free one)"),
        new("--port-base", "N", "CorrMesh:Listen:PortBase", true, "what the services' own ports are counted from (default 5100; 0: any free ones)"),
        new("--insecure", "", "CorrMesh:Listen:Insecure", false, "listen beyond loopback (CorrMesh:Listen:Address) without TLS or API keys"),
        new("--data", "DIR", "CorrMesh:Data:Directory", false, "where weights are (default ./data)"),
        new("--redis", "HOST:PORT", "CorrMesh:Redis:Address", false, "a Redis server to share feature maps through (default: none; `mesh` starts one)"),
        new("--threads", "N", "CorrMesh:Features:Threads", true, "threads of the network (default: one for each core)"),
        new(ReplicasOption, "N", null, true, "features processes of `mesh`, 1 to 32, which share the threads (default 1)"),
        new("--set", "KEY=VALUE", null, false, "any other setting, such as CorrMesh:Limits:Points=1000; may be repeated"),
        new("--help", "", null, false, "print this and stop"),
    ];

    /// <summary>Features processes, 1 to <see cref="MaxReplicas"/>.</summary>
    public int Replicas { get; private init; } = 1;

    /// <summary>The options, one line each.</summary>
    public static string Usage => string.Concat(Options.Select(option => $"  {option.Name + (option.Value.Length > 0 ? " " + option.Value : ""),-21} {option.Help}\n"));

    /// <param name="args">Values follow their option after a space or an equals sign.</param>
    /// <param name="available">Names of the services that this program carries.</param>
    public static MeshArguments Parse(IReadOnlyList<string> args, IReadOnlyList<string> available)
    {
        var settings = new Dictionary<string, string?>(StringComparer.OrdinalIgnoreCase);
        var faults = new List<string>();
        IReadOnlyList<string> targets = available;
        bool help = false;
        int replicas = 1;
        for (int i = 0; i < args.Count; i++)
        {
            string[] parts = args[i].Split('=', 2);
            var option = Options.FirstOrDefault(option => option.Name == parts[0]);
            if (option is null)
            {
                faults.Add($"{args[i]}: no such option");
                continue;
            }

            if (option.Name == "--help")
            {
                help = true;
                continue;
            }

            if (option.Value.Length == 0)
            {
                settings[option.Key!] = "true";
                if (parts.Length == 2) faults.Add($"{option.Name}: no value needed, '{parts[1]}' given");
                continue;
            }

            string? value = parts.Length == 2 ? parts[1] : i + 1 < args.Count ? args[++i] : null;
            if (string.IsNullOrEmpty(value)) faults.Add($"{option.Name}: a value ({option.Value}) needed, none given");
            else if (option.Name == "--target") targets = ParseTargets(value, available, faults);
            else if (option.Name == "--set") ParseSetting(value, settings, faults);
            else if (option.IsNumber && !int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out _)) faults.Add($"{option.Name}: a whole number needed, '{value}' given");
            else if (option.Name == ReplicasOption) replicas = ParseReplicas(value, faults);
            else settings[option.Key!] = value;
        }

        return new MeshArguments(targets, settings, help, faults) { Replicas = replicas };
    }

    private static IReadOnlyList<string> ParseTargets(string value, IReadOnlyList<string> available, List<string> faults)
    {
        if (value == "all") return available;
        string[] names = [.. value.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Distinct()];
        faults.AddRange(names.Except(available).Select(name => $"--target: all, {string.Join(", ", available)} allowed, '{name}' given"));
        if (names.Length == 0) faults.Add("--target: at least one service needed, none given");
        return names;
    }

    private static int ParseReplicas(string value, List<string> faults)
    {
        int replicas = int.Parse(value, CultureInfo.InvariantCulture);
        if (replicas is < 1 or > MaxReplicas) faults.Add($"{ReplicasOption}: 1 to {MaxReplicas} allowed, {replicas} given");
        return replicas;
    }

    private static void ParseSetting(string value, Dictionary<string, string?> settings, List<string> faults)
    {
        string[] pair = value.Split('=', 2);
        if (pair.Length == 2 && (pair[0].StartsWith("CorrMesh:", StringComparison.OrdinalIgnoreCase) || pair[0].StartsWith("Logging:", StringComparison.OrdinalIgnoreCase)))
            settings[pair[0]] = pair[1];
        else
            faults.Add($"--set: CorrMesh:Section:Key=VALUE or Logging:...=VALUE needed, '{value}' given");
    }

    private sealed record Option(string Name, string Value, string? Key, bool IsNumber, string Help);
}
