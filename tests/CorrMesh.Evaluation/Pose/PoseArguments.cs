using System.Globalization;
using CorrMesh.Protos.Common.V1;

namespace CorrMesh.Evaluation.Pose;

/// <summary>What `pose` was asked to do.</summary>
/// <param name="Folder">Of a real object; null: the box of the shared data.</param>
/// <param name="Objects">Made objects, 0 to 1,000.</param>
/// <param name="MeshFiles">Meshes beside them.</param>
/// <param name="Scenes">Photos of each, 5 to 10,000.</param>
/// <param name="FlipFrames">Frames of each symmetric object's stream, 0 for none.</param>
/// <param name="IsFolder">Whether the folder is looked at.</param>
/// <param name="Calibrates">Fit the weights of confidence anew and print them.</param>
/// <param name="IsStrict">A missed must is a failure.</param>
/// <param name="Address">A mesh that runs already, or null: one is started.</param>
/// <param name="Spec">Whose features.</param>
/// <param name="Settings">Of the mesh that is started, KEY=VALUE.</param>
/// <param name="Name">Of the written results.</param>
internal sealed record PoseArguments(
    string? Folder, int Objects, string[] MeshFiles, int Scenes, int FlipFrames, bool IsFolder, bool Calibrates, bool IsStrict, Uri? Address, FeatureSpec? Spec, string[] Settings, string Name)
{
    public const string Help =
        "[DIR] [--strict] [--objects 12] [--meshes DIR] [--scenes 40] [--flip-frames 350] [--no-folder] [--calibrate] [--address URL] [--model NAME] [--adapter NAME] [--tokens N] [--set KEY=VALUE] [--name pose]   "
        + "poses of a real object in a folder (frames, poses.json, a mesh, a video) and of rendered ones, through the public API";

    /// <exception cref="ArgumentException">An option that is none, or a value out of its range.</exception>
    public static PoseArguments Read(string[] args)
    {
        var asked = new PoseArguments(null, 12, [], 40, 350, true, false, false, null, null, [], "pose");
        var spec = new FeatureSpec();
        for (int i = 0; i < args.Length; i++)
        {
            string option = args[i];
            if (!option.StartsWith("--", StringComparison.Ordinal))
            {
                asked = asked.Folder is null ? asked with { Folder = option } : throw new ArgumentException($"DIR: one allowed, '{option}' given as well");
                continue;
            }
            switch (option)
            {
                case "--strict": asked = asked with { IsStrict = true }; break;
                case "--no-folder": asked = asked with { IsFolder = false }; break;
                case "--calibrate": asked = asked with { Calibrates = true }; break;
                case "--objects": asked = asked with { Objects = Whole(0, 1000) }; break;
                case "--scenes": asked = asked with { Scenes = Whole(5, 10_000) }; break;
                case "--flip-frames": asked = asked with { FlipFrames = Whole(0, 100_000) }; break;
                case "--meshes":
                    string folder = Value();
                    asked = asked with { MeshFiles = [.. Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Where(file => Path.GetExtension(file) is ".glb" or ".gltf" or ".obj" or ".ply").Order(StringComparer.Ordinal)] };
                    break;
                case "--address": asked = asked with { Address = Uri.TryCreate(Value(), UriKind.Absolute, out Uri? address) ? address : throw new ArgumentException($"--address: http://HOST:PORT needed, '{args[i]}' given") }; break;
                case "--model": spec.Model = Value(); break;
                case "--adapter": spec.Adapter = Value(); break;
                case "--tokens": spec.Tokens = (uint)Whole(8, 160); break;
                case "--set": asked = asked with { Settings = [.. asked.Settings, Value()] }; break;
                case "--name": asked = asked with { Name = ResultsFolder.RequireName("--name", Value()) }; break;
                default: throw new ArgumentException($"{option}: no such option; there are {Help}");
            }

            string Value() => i + 1 < args.Length ? args[++i] : throw new ArgumentException($"{option}: a value needed, none given");

            int Whole(int least, int greatest)
            {
                string text = Value();
                return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int value) && value >= least && value <= greatest ? value : throw new ArgumentException($"{option}: {least} to {greatest} needed, '{text}' given");
            }
        }
        if (asked.Address is not null && asked.Settings.Length > 0) throw new ArgumentException("--set: only for the mesh that is started, not with --address");
        return spec.CalculateSize() == 0 ? asked : asked with { Spec = spec };
    }
}
