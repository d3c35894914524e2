using Microsoft.Extensions.Logging;

namespace CorrMesh.Features.Store;

/// <summary>Hears from the Redis client why an attempt to connect failed: what it throws in the end does not say it, unless it is the password.</summary>
internal sealed class RedisAttemptLog : ILoggerFactory, ILogger
{
    private volatile Exception? failure;

    /// <summary>What was told last; null when nothing was, as of a server that does not answer.</summary>
    public Exception? Failure => failure;

    public ILogger CreateLogger(string categoryName) => this;

    public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException();

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Error;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (IsEnabled(logLevel) && exception is not null) failure = exception;
    }

    public void Dispose()
    {
    }
}
