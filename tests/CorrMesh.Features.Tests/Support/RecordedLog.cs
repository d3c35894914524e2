using System.Collections.Concurrent;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace CorrMesh.Features.Tests.Support;

/// <summary>What a module logs, for tests that say how often and what must not be in it.</summary>
internal sealed class RecordedLog : ILoggerProvider, ILogger
{
    private readonly ConcurrentQueue<(LogLevel Level, int Id, string Text)> lines = new();

    public IReadOnlyList<(LogLevel Level, int Id, string Text)> Lines => [.. lines];

    public int Count(int id) => lines.Count(line => line.Id == id);

    /// <summary>Puts this in the place of the module's own log.</summary>
    public void AddTo(IServiceCollection services) => services.AddSingleton(LoggerFactory.Create(builder => builder.AddProvider(this)));

    public ILogger CreateLogger(string categoryName) => this;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        lines.Enqueue((logLevel, eventId.Id, formatter(state, exception)));

    public void Dispose()
    {
    }
}
