using CorrMesh.Evaluation;
using CorrMesh.Evaluation.Compact;
using CorrMesh.Evaluation.Finding;
using CorrMesh.Evaluation.Finetuning;
using CorrMesh.Evaluation.OnePose;
using CorrMesh.Evaluation.Pairs;
using CorrMesh.Evaluation.Pose;
using CorrMesh.Rendering.Meshes;
using CorrMesh.Vision.Images;
using CorrMesh.Vision.Weights;

(string Name, string Help, Func<string[], int> Run)[] commands =
[
    ("pairs", "[--strict] [--model PATH] [--count 200]   matched points on real and generated picture pairs", PairsCommand.Run),
    ("compact", CompactArguments.Help, CompactCommand.Run),
    ("finding", FindingArguments.Help, FindingCommand.Run),
    ("finetune", FinetuneCommand.Help, FinetuneCommand.Run),
    ("onepose", OnePoseArguments.Help, OnePoseCommand.Run),
    ("pose", PoseArguments.Help, PoseCommand.Run),
];

string asked = args.Length > 0 ? args[0] : "";
foreach ((string name, _, Func<string[], int> run) in commands)
{
    if (name != asked) continue;
    try
    {
        return run(args[1..]);
    }
    catch (Exception exception) when (exception is ArgumentException or IOException or InvalidDataException or WeightFileException or ImageRejectedException or MeshRejectedException)
    {
        Console.Error.WriteLine(exception.Message);
        return 2;
    }
}

Console.Error.WriteLine(asked.Length == 0 ? "name: one of these needed" : $"name: `{asked}` does not exist; there are");
foreach ((string name, string help, _) in commands) Console.Error.WriteLine($"  {name} {help}");
return 2;
