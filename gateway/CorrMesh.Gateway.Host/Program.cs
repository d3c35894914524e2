using CorrMesh.Gateway;
using CorrMesh.Hosting;
using CorrMesh.Hosting.Health;

return args is [HealthCheck.Command, .. var rest] ? await HealthCheck.RunAsync(rest, Console.Error) : MeshHost.Run(args, new GatewayModule());
