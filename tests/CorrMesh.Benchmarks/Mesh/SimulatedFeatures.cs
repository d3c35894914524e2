using System.Globalization;
using CorrMesh.Features;
using CorrMesh.Features.Execution;
using CorrMesh.Gateway;
using CorrMesh.Hosting;
using CorrMesh.Hosting.Supervision;
using CorrMesh.Matching;
using CorrMesh.Pose;
using CorrMesh.Training;
using CorrMesh.Vision.Features;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace CorrMesh.Benchmarks.Mesh;

/// <summary>A device that takes its time and computes nothing: what is measured is the mesh around it.</summary>
/// <param name="milliseconds">For one image; asked anew for each batch.</param>
internal sealed class SimulatedDevice(Func<double> milliseconds) : IFeatureEngine
{
    private long spentTicks, wastedTicks;

    /// <summary>Time on the device, and the part of it that was for nobody.</summary>
    public (TimeSpan Spent, TimeSpan Wasted) Time => (new(Interlocked.Read(ref spentTicks)), new(Interlocked.Read(ref wastedTicks)));

    public async Task<IReadOnlyList<FeatureMap>> ExtractAsync(IReadOnlyList<ExtractionRequest> batch, CancellationToken cancellation)
    {
        long started = System.Diagnostics.Stopwatch.GetTimestamp();
        try
        {
            await Task.Delay(TimeSpan.FromMilliseconds(milliseconds() * batch.Count), cancellation).ConfigureAwait(false);
        }
        finally
        {
            TimeSpan spent = System.Diagnostics.Stopwatch.GetElapsedTime(started);
            Interlocked.Add(ref spentTicks, spent.Ticks);
            if (cancellation.IsCancellationRequested) Interlocked.Add(ref wastedTicks, spent.Ticks);
        }

        return [.. batch.Select(request => MapOf(request.Image))];
    }

    // Something of the image in each value, so that maps can be told apart.
    private static FeatureMap MapOf(PreparedImage image)
    {
        InputGeometry geometry = image.Geometry;
        const int Channels = 192;
        var values = new float[geometry.Rows * geometry.Columns * Channels];
        for (int i = 0; i < values.Length; i++) values[i] = image.Planes[i % image.Planes.Length];
        return new FeatureMap(geometry.ImageWidth, geometry.ImageHeight, geometry.X, geometry.Y, Channels, values);
    }
}

/// <summary>The features service on a simulated device, as a program.</summary>
/// <param name="device">In the place of Torch.</param>
internal sealed class SimulatedFeatures(SimulatedDevice device) : IMeshModule
{
    public const string Command = "simulate";

    private readonly FeaturesModule module = new();

    public string Name => module.Name;

    public void AddServices(IHostApplicationBuilder builder)
    {
        builder.Services.AddSingleton<IFeatureEngine>(device);
        module.AddServices(builder);
    }

    public void Configure(IApplicationBuilder app) => module.Configure(app);

    public void MapEndpoints(IEndpointRouteBuilder endpoints) => module.MapEndpoints(endpoints);

    /// <summary>Serves as the host program does.</summary>
    /// <param name="args">A folder with the file `ms`, and `PID.ms` for a process that takes another time; then the host's arguments.</param>
    public static int Run(string[] args)
    {
        string folder = args[0];
        double Milliseconds()
        {
            string own = Path.Combine(folder, $"{Environment.ProcessId}.ms");
            return double.Parse(File.ReadAllText(File.Exists(own) ? own : Path.Combine(folder, "ms")), CultureInfo.InvariantCulture);
        }

        return args is [_, MeshSupervisor.Command, .. var rest]
            ? MeshSupervisor.Run(rest, [Environment.ProcessPath!, Command, folder])
            : MeshHost.Run(args[1..], new SimulatedFeatures(new SimulatedDevice(Milliseconds)), new MatchingModule(), new TrainingModule([Environment.ProcessPath!]), new PoseModule(), new GatewayModule());
    }
}
