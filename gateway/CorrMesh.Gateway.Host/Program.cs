using CorrMesh.Gateway;
using CorrMesh.Hosting;

return MeshHost.Run(args, new GatewayModule());
