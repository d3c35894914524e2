using System.CommandLine;
using System.Diagnostics;
using CorrMesh.Hosting.Data;
using CorrMesh.Hosting.Errors;
using CorrMesh.Models;
using CorrMesh.Rendering.Meshes;
using CorrMesh.Training;
using CorrMesh.Training.Jobs;
using CorrMesh.Vision.Weights;

namespace CorrMesh.Host.Commands;

/// <summary>`job-run ID`: the process that trains a job; the training service starts it.</summary>
/// <remarks>It writes <see cref="JobLine"/>s to standard output and ends when its standard input does.</remarks>
internal static class JobRunCommand
{
    private const int Refused = 2;

    private static readonly TimeSpan LockPause = TimeSpan.FromMilliseconds(100);

    public static Command Create()
    {
        var id = new Argument<string>("id") { Description = "the job's id" };
        var data = new Option<DirectoryInfo>("--data") { Description = "the data directory", DefaultValueFactory = _ => new DirectoryInfo("data") };
        var checkpointSteps = new Option<int>("--checkpoint-steps") { Description = "steps between checkpoints", DefaultValueFactory = _ => new TrainingOptions().CheckpointSteps };
        var command = new Command("job-run", "Trains a fine-tuning job of the data directory; the training service starts it, and its end of input ends it.") { id, data, checkpointSteps };
        command.SetAction((result, cancellation) => RunAsync(result.GetRequiredValue(id), result.GetRequiredValue(data).FullName, result.GetValue(checkpointSteps), cancellation));
        return command;
    }

    private static async Task<int> RunAsync(string id, string data, int checkpointSteps, CancellationToken cancellation)
    {
        _ = EndWithInputAsync();
        try
        {
            if (!DataDirectory.IsId(id)) throw new ArgumentException($"id: a job's id needed, '{id}' given");
            var folder = new JobFolder(data, id);
            if (!File.Exists(folder.Manifest)) throw new ArgumentException($"id: there is no job '{id}' in {data}");
            // The process before this one may be about to end.
            FileStream? held;
            while ((held = DataDirectory.TryLock(folder.Lock)) is null) await Task.Delay(LockPause, cancellation).ConfigureAwait(false);
            using (held)
            {
                // On a thread of its own: tensors belong to the thread that made them.
                await Task.Factory.StartNew(
                    () => new JobRun(folder, checkpointSteps).Run(
                        name => Find(data, name), Console.WriteLine, cancellation),
                    cancellation, TaskCreationOptions.LongRunning, TaskScheduler.Default).ConfigureAwait(false);
            }

            return 0;
        }
        catch (Exception exception) when (exception is ArgumentException or IOException or InvalidDataException or UnauthorizedAccessException or InvalidOperationException
            or CheckpointException or MeshRejectedException or WeightFileException or NotFoundException)
        {
            Console.WriteLine(new JobLine(Refused: exception.Message));
            await Console.Error.WriteLineAsync(exception.Message).ConfigureAwait(false);
            return Refused;
        }
    }

    private static JobBackbone Find(string data, string name)
    {
        ModelEntry model = new ModelCatalog(new DataDirectory(AppContext.BaseDirectory), new DataDirectory(data), name).Model(name);
        return new JobBackbone(model.Path, model.Digest, model.Heads);
    }

    // What a killed process leaves is what the next one goes on from, so there is nothing to tidy up and no step to wait for.
    private static async Task EndWithInputAsync()
    {
        Stream input = Console.OpenStandardInput();
        await using (input.ConfigureAwait(false))
        {
            while (await input.ReadAsync(new byte[1]).ConfigureAwait(false) > 0)
            {
            }
        }

        using var self = Process.GetCurrentProcess();
        self.Kill();
    }
}
