using System.CommandLine;
using CorrMesh.Hosting.Data;
using CorrMesh.Models;

namespace CorrMesh.Host.Commands;

/// <summary>`add-adapter NAME FILE --model MODEL`: brings a fine-tuned adapter into the data directory.</summary>
internal static class AddAdapterCommand
{
    public static Command Create()
    {
        var name = new Argument<string>("name") { Description = "the name that requests will use" };
        var file = new Argument<FileInfo>("file") { Description = "the paper's Lightning .ckpt, or an adapter's .safetensors" };
        var model = new Option<string>("--model") { Description = "the backbone that it was trained on", Required = true };
        var data = new Option<DirectoryInfo>("--data") { Description = "the data directory", DefaultValueFactory = _ => new DirectoryInfo("data") };
        var command = new Command("add-adapter", "Adds an adapter to the data directory; a mesh that runs serves it within a second.") { name, file, model, data };
        command.SetAction(result => MeshCommands.Guard(() =>
        {
            AdapterManifest manifest = ModelImport.AddAdapter(
                new DataDirectory(AppContext.BaseDirectory), new DataDirectory(result.GetRequiredValue(data).FullName),
                result.GetRequiredValue(name), result.GetRequiredValue(file).FullName, result.GetRequiredValue(model));
            Console.WriteLine($"{manifest.Id} {manifest.Digest}: for {manifest.Model}");
            return 0;
        }));
        return command;
    }
}
