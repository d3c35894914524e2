using System.CommandLine;

namespace CorrMesh.Host.Commands;

/// <summary>What the program does besides serving.</summary>
internal static class MeshCommands
{
    /// <returns>The exit code: 0 done, 1 failed or interrupted, 2 refused.</returns>
    public static int Run(string[] args)
    {
        var root = new RootCommand("CorrMesh. Without a command it serves the mesh; see --help of `deploy/run`.")
        {
            KeysCommand.Create(),
            AddModelCommand.Create(),
            AddAdapterCommand.Create(),
            HealthCheckCommand.Create(),
            MakeSamplesCommand.Create(),
            DrawMatchesCommand.Create(),
            TrainCompactCommand.Create(),
            JobRunCommand.Create(),
        };
        return root.Parse(args).Invoke();
    }

    /// <summary>Runs a command's work; faults of input become one line on standard error.</summary>
    public static int Guard(Func<int> work)
    {
        try
        {
            return work();
        }
        catch (Exception exception) when (exception is IOException or ArgumentException or InvalidDataException or UnauthorizedAccessException
            or Vision.Weights.WeightFileException or Vision.Images.ImageRejectedException)
        {
            Console.Error.WriteLine(exception.Message);
            return 2;
        }
        catch (OperationCanceledException)
        {
            Console.Error.WriteLine("interrupted; the same command goes on from the last checkpoint");
            return 1;
        }
    }
}
