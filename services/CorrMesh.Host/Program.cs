using CorrMesh.Features;
using CorrMesh.Gateway;
using CorrMesh.Host.Commands;
using CorrMesh.Hosting;
using CorrMesh.Hosting.Supervision;
using CorrMesh.Matching;
using CorrMesh.Pose;
using CorrMesh.Training;

// Without a command this serves; see `--help`.
if (args is [MeshSupervisor.Command, .. var rest]) return MeshSupervisor.Run(rest, ThisProgram());
return args.Length > 0 && !args[0].StartsWith('-')
    ? MeshCommands.Run(args)
    : MeshHost.Run(args, new FeaturesModule(), new MatchingModule(), new TrainingModule(ThisProgram()), new PoseModule(), new GatewayModule());

// Started as `dotnet CorrMesh.Host.dll` or as itself.
static string[] ThisProgram() => Path.GetFileNameWithoutExtension(Environment.ProcessPath!) == "dotnet"
    ? [Environment.ProcessPath!, typeof(MeshCommands).Assembly.Location]
    : [Environment.ProcessPath!];
