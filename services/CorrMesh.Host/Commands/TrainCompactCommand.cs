using System.CommandLine;
using System.Runtime.InteropServices;
using CorrMesh.Training;
using CorrMesh.Vision.Weights;
using TorchSharp;

namespace CorrMesh.Host.Commands;

/// <summary>`train-compact`: trains the built-in model, or goes on where it was interrupted.</summary>
internal static class TrainCompactCommand
{
    public static Command Create()
    {
        var recipe = new CompactRecipe();
        var steps = new Option<int>("--steps") { Description = "updates in all", DefaultValueFactory = _ => recipe.Steps };
        var seed = new Option<int>("--seed") { Description = "of weights, scenes and points", DefaultValueFactory = _ => recipe.Seed };
        var threads = new Option<int>("--threads") { Description = "threads of the network", DefaultValueFactory = _ => 1 };
        var start = new Option<FileInfo?>("--start") { Description = "weights to start from, .safetensors; without, random ones" };
        var curriculum = new Option<int>("--curriculum") { Description = "steps over which scenes get harder; 0 with weights that know the easy ones", DefaultValueFactory = _ => recipe.CurriculumSteps };
        var exact = new Option<bool>("--float32") { Description = "compute in float32 alone: for processors without bfloat16 (AVX-512), on which mixed precision is slower" };
        var work = new Option<DirectoryInfo>("--work") { Description = "holds the checkpoints and the log", DefaultValueFactory = _ => new DirectoryInfo(".work/compact") };
        var output = new Option<DirectoryInfo>("--out") { Description = "receives the model: weights, manifest and card", DefaultValueFactory = _ => new DirectoryInfo(".work/compact/model") };
        var command = new Command("train-compact", "Trains the built-in model on generated scenes. Checkpoints every 100 steps; Ctrl-C and the same command go on.")
        {
            steps, seed, threads, start, curriculum, exact, work, output,
        };
        command.SetAction(result => MeshCommands.Guard(() => Train(
            recipe with
            {
                Steps = result.GetValue(steps),
                Seed = result.GetValue(seed),
                CurriculumSteps = result.GetValue(curriculum),
                IsMixedPrecision = !result.GetValue(exact),
            },
            result.GetValue(threads), result.GetValue(start)?.FullName,
            result.GetRequiredValue(work).FullName, result.GetRequiredValue(output).FullName)));
        return command;
    }

    private static int Train(CompactRecipe recipe, int threads, string? start, string work, string output)
    {
        StateDict? initial = start is null ? null : WeightFile.Read(start);
        if (start is not null) recipe = recipe with { StartDigest = "sha256:" + WeightFile.Digest(start) };
        torch.set_num_threads(threads);
        Directory.CreateDirectory(work);
        using var stopping = new CancellationTokenSource();
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, OnSignal);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, OnSignal);
        using var log = new TrainingLog(Path.Combine(work, "log.csv"));
        var trainer = new CompactTrainer(recipe, Path.Combine(work, "checkpoints"), initial);
        TrainedWeights weights = trainer.Run(
            progress =>
            {
                log.Append(progress);
                Console.WriteLine($"step {progress.Step} of {recipe.Steps}: loss {progress.Loss:F3}, hits {progress.HitFraction:P1}, "
                    + $"{progress.ImagesPerSecond:F1} images/s, {progress.Remaining:hh\\:mm\\:ss} left");
            },
            stopping.Token);
        CompactExport.Write(output, recipe, threads, weights, log.Read());
        Console.WriteLine($"written to {output}");
        return 0;

        void OnSignal(PosixSignalContext signal)
        {
            signal.Cancel = true;
            stopping.Cancel();
        }
    }
}
