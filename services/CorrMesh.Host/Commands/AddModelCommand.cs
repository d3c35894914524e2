using System.CommandLine;
using CorrMesh.Hosting.Data;
using CorrMesh.Models;

namespace CorrMesh.Host.Commands;

/// <summary>`add-model NAME FILE`: brings a backbone into the data directory.</summary>
internal static class AddModelCommand
{
    public static Command Create()
    {
        var name = new Argument<string>("name") { Description = "the name that requests will use, such as dinov2-b" };
        var file = new Argument<FileInfo>("file") { Description = "a DINOv2 checkpoint with hub key names: .pth or .safetensors" };
        var heads = new Option<int?>("--heads") { Description = "attention heads (default: width / 64, which holds for every public DINOv2)" };
        var tokens = new Option<int>("--tokens") { Description = "tokens on the long side when a request does not say (the paper: 80)", DefaultValueFactory = _ => 80 };
        var data = new Option<DirectoryInfo>("--data") { Description = "the data directory", DefaultValueFactory = _ => new DirectoryInfo("data") };
        var command = new Command("add-model", "Adds a backbone to the data directory; a mesh that runs serves it within a second.") { name, file, heads, tokens, data };
        command.SetAction(result => MeshCommands.Guard(() =>
        {
            ModelManifest manifest = ModelImport.AddModel(
                new DataDirectory(AppContext.BaseDirectory), new DataDirectory(result.GetRequiredValue(data).FullName),
                result.GetRequiredValue(name), result.GetRequiredValue(file).FullName, result.GetValue(heads), result.GetValue(tokens));
            Console.WriteLine($"{manifest.Id} {manifest.Digest}: {manifest.Width} wide, {manifest.Depth} blocks, {manifest.Heads} heads, patch {manifest.PatchSize}");
            return 0;
        }));
        return command;
    }
}
