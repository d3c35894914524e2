using CorrMesh.Features;
using CorrMesh.Gateway;
using CorrMesh.Host.Commands;
using CorrMesh.Hosting;
using CorrMesh.Matching;

// Without a command this serves; see `--help`.
return args.Length > 0 && !args[0].StartsWith('-')
    ? MeshCommands.Run(args)
    : MeshHost.Run(args, new FeaturesModule(), new MatchingModule(), new GatewayModule());
