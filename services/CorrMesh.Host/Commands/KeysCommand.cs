using System.CommandLine;
using System.Globalization;
using CorrMesh.Hosting.Data;
using CorrMesh.Hosting.Security;
using CorrMesh.Models;

namespace CorrMesh.Host.Commands;

/// <summary>`keys add|list|remove`: the API keys of the gateway. A running gateway follows within a second.</summary>
internal static class KeysCommand
{
    public static Command Create()
    {
        var data = new Option<DirectoryInfo>("--data") { Description = "the data directory", DefaultValueFactory = _ => new DirectoryInfo("data") };
        var file = new Option<string>("--file") { Description = "the file of keys, relative to the data directory (CorrMesh:Gateway:KeysFile)", DefaultValueFactory = _ => ApiKeys.DefaultFile };
        return new Command("keys", "Manages the gateway's API keys; a running gateway follows within a second.") { Add(data, file), List(data, file), Remove(data, file) };
    }

    private static Command Add(Option<DirectoryInfo> data, Option<string> file)
    {
        var name = new Argument<string>("name") { Description = "whose key it is" };
        var role = new Option<string>("--role") { Description = "what it allows", DefaultValueFactory = _ => "user" };
        role.AcceptOnlyFromAmong("user", "admin");
        var rate = new Option<double?>("--rate") { Description = "calls a second, over time (default: any number)" };
        var burst = new Option<int?>("--burst") { Description = "calls at once, after a pause (default: those of a second)" };
        var command = new Command("add", "Makes a key and prints it, once: only its hash is kept.") { name, role, rate, burst, data, file };
        command.SetAction(result => MeshCommands.Guard(() =>
        {
            string id = result.GetRequiredValue(name), path = PathOf(result, data, file);
            if (!DataDirectory.IsId(id)) throw new ArgumentException($"name: a-z, 0-9, dot, dash, underscore, at most 64, beginning with a letter or digit; '{id}' given");
            ApiKey.CheckRate(result.GetValue(rate), result.GetValue(burst));
            (ApiKey key, string text) = ApiKey.Create(
                id, result.GetRequiredValue(role) == "admin" ? KeyRole.Admin : KeyRole.User, result.GetValue(rate), result.GetValue(burst), TimeProvider.System);
            KeyFile.UpdateAsync(path, keys => keys.Keys.All(other => other.Name != id)
                ? keys with { Keys = [.. keys.Keys, key] }
                : throw new ArgumentException($"name: there is a key '{id}'; `keys remove {id}` takes it away")).GetAwaiter().GetResult();
            Console.WriteLine(text);
            Console.Error.WriteLine($"{id}: this is the only time that the key is shown");
            return 0;
        }));
        return command;
    }

    private static Command List(Option<DirectoryInfo> data, Option<string> file)
    {
        var command = new Command("list", "Lists names, roles and rates.") { data, file };
        command.SetAction(result => MeshCommands.Guard(() =>
        {
            string path = PathOf(result, data, file);
            foreach (ApiKey key in File.Exists(path) ? KeyFile.Read(path).Keys : [])
            {
                string rate = key.RatePerSecond is { } perSecond ? string.Create(CultureInfo.InvariantCulture, $"{perSecond}/s burst {key.Burst?.ToString(CultureInfo.InvariantCulture) ?? "default"}") : "any rate";
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{key.Name} {(key.Role == KeyRole.Admin ? "admin" : "user")} {rate} since {key.Created:u}"));
            }

            return 0;
        }));
        return command;
    }

    private static Command Remove(Option<DirectoryInfo> data, Option<string> file)
    {
        var name = new Argument<string>("name") { Description = "whose key" };
        var command = new Command("remove", "Takes a key away. The last one leaves a file without keys, and a gateway that lets nobody in.") { name, data, file };
        command.SetAction(result => MeshCommands.Guard(() =>
        {
            string id = result.GetRequiredValue(name), path = PathOf(result, data, file);
            KeyFile.UpdateAsync(path, keys => keys.Keys.Any(key => key.Name == id)
                ? keys with { Keys = [.. keys.Keys.Where(key => key.Name != id)] }
                : throw new ArgumentException($"name: there is no key '{id}' in {path}")).GetAwaiter().GetResult();
            return 0;
        }));
        return command;
    }

    private static string PathOf(ParseResult result, Option<DirectoryInfo> data, Option<string> file) => Path.Combine(result.GetRequiredValue(data).FullName, result.GetRequiredValue(file));
}
