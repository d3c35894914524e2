using Microsoft.Extensions.Logging;

namespace CorrMesh.Features;

/// <summary>What the features service logs.</summary>
internal static partial class FeatureLog
{
    [LoggerMessage(2001, LogLevel.Information, "The model {Model} (sha256:{Digest}) is loaded on {Device}; Torch {Torch} computes on {Threads} threads.")]
    public static partial void ModelLoaded(ILogger logger, string model, string digest, string device, string torch, int threads);

    [LoggerMessage(2002, LogLevel.Error, "The native Torch library could not be loaded: {Reason}. {Advice}")]
    public static partial void TorchMissing(ILogger logger, string reason, string advice);

    [LoggerMessage(2003, LogLevel.Error, "The model {Model} could not be loaded: {Reason}")]
    public static partial void ModelFailed(ILogger logger, string model, string reason);
}
