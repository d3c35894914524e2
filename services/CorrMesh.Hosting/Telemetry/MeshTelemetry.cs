using Microsoft.Extensions.Configuration;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace CorrMesh.Hosting.Telemetry;

/// <summary>Traces and metrics of one process.</summary>
/// <remarks>
/// One pair of providers for all modules of a process: instruments and activity sources are found by name across the process,
/// so a pair for each module would export everything once for each. OTLP export is on when OTEL_EXPORTER_OTLP_ENDPOINT is set.
/// </remarks>
internal sealed class MeshTelemetry : IDisposable
{
    private readonly TracerProvider? tracing;

    public MeshTelemetry(IConfiguration configuration, string target)
    {
        bool export = !string.IsNullOrEmpty(configuration["OTEL_EXPORTER_OTLP_ENDPOINT"]);
        var resource = ResourceBuilder.CreateDefault().AddService("corrmesh-" + target, serviceVersion: typeof(MeshTelemetry).Assembly.GetName().Version?.ToString(3));
        var metrics = Sdk.CreateMeterProviderBuilder()
            .SetResourceBuilder(resource)
            .AddAspNetCoreInstrumentation()
            .AddHttpClientInstrumentation()
            .AddRuntimeInstrumentation()
            .AddMeter("corrmesh.*")
            .AddPrometheusExporter();
        if (export) metrics.AddOtlpExporter();
        Metrics = metrics.Build();
        // Without an exporter nobody would see a span, and making them costs every request.
        if (!export) return;
        tracing = Sdk.CreateTracerProviderBuilder()
            .SetResourceBuilder(resource)
            .AddAspNetCoreInstrumentation()
            .AddHttpClientInstrumentation()
            .AddSource("corrmesh.*")
            .AddOtlpExporter()
            .Build();
    }

    public MeterProvider Metrics { get; }

    public void Dispose()
    {
        tracing?.Dispose();
        Metrics.Dispose();
    }
}
