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

    [LoggerMessage(2010, LogLevel.Warning, "Redis at {Address} cannot be used: {Reason}. Maps are computed without it until it is back.")]
    public static partial void RedisLost(ILogger logger, string address, string reason);

    [LoggerMessage(2011, LogLevel.Information, "Redis at {Address} is in use.")]
    public static partial void RedisBack(ILogger logger, string address);

    [LoggerMessage(2012, LogLevel.Warning, "Redis at {Address} refuses {What}: {Reason}")]
    public static partial void RedisRefuses(ILogger logger, string address, string what, string reason);

    [LoggerMessage(2013, LogLevel.Information, "Redis at {Address} takes {What} again.")]
    public static partial void RedisAccepts(ILogger logger, string address, string what);

    [LoggerMessage(2014, LogLevel.Information, "Models and adapters were read anew: {Models} models, {Adapters} adapters.")]
    public static partial void CatalogReloaded(ILogger logger, int models, int adapters);

    [LoggerMessage(2015, LogLevel.Error, "Models and adapters could not be read anew, those of before stay: {Reason}")]
    public static partial void CatalogFailed(ILogger logger, string reason);
}
