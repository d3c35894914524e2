using System.Collections.Concurrent;
using System.Threading.Channels;
using CorrMesh.Features.Execution;
using CorrMesh.Vision.Features;
using Xunit;

namespace CorrMesh.Features.Tests.Support;

/// <summary>A network without weights: a token is made of the mean colours of its patch's four quarters.</summary>
/// <remarks>Deterministic and independent of the batch; model width, adapter and stage change the values, as they would in a network.</remarks>
internal sealed class FakeEngine : IFeatureEngine
{
    private const int Quarters = 4, Colours = 3;

    private readonly Channel<int> launched = Channel.CreateUnbounded<int>();
    private TaskCompletionSource? hold;

    /// <summary>What was computed together, in order.</summary>
    public ConcurrentQueue<IReadOnlyList<ExtractionRequest>> Batches { get; } = new();

    public int ImageCount => Batches.Sum(batch => batch.Count);

    /// <summary>What every batch fails with.</summary>
    public Exception? Failure { get; set; }

    /// <summary>Batches from now on wait for <see cref="Release"/>.</summary>
    public void Hold() => Volatile.Write(ref hold, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));

    public void Release() => Interlocked.Exchange(ref hold, null)?.SetResult();

    /// <summary>Lets the held batch go and holds the next one.</summary>
    public void HoldNext() =>
        Interlocked.Exchange(ref hold, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously))?.SetResult();

    /// <summary>Forgets what was computed before.</summary>
    public void Reset()
    {
        Batches.Clear();
        while (launched.Reader.TryRead(out _))
        {
        }
    }

    /// <summary>Waits until one more batch has been launched.</summary>
    public async Task LaunchedAsync() => await launched.Reader.ReadAsync(TestContext.Current.CancellationToken);

    public async Task<IReadOnlyList<FeatureMap>> ExtractAsync(IReadOnlyList<ExtractionRequest> batch, CancellationToken cancellation)
    {
        Task? held = Volatile.Read(ref hold)?.Task;
        Batches.Enqueue(batch);
        launched.Writer.TryWrite(batch.Count);
        if (held is not null) await held.WaitAsync(cancellation);
        if (Failure is not null) throw Failure;
        return [.. batch.Select(MapOf)];
    }

    /// <summary>The map of one request.</summary>
    public static FeatureMap MapOf(ExtractionRequest request)
    {
        InputGeometry geometry = request.Image.Geometry;
        int channels = request.Spec.Model.Width, plane = geometry.InputWidth * geometry.InputHeight, half = geometry.PatchSize / 2;
        var values = new float[geometry.Rows * geometry.Columns * channels];
        var means = new float[Quarters * Colours];
        for (int row = 0, at = 0; row < geometry.Rows; row++)
        {
            for (int column = 0; column < geometry.Columns; column++)
            {
                for (int i = 0; i < means.Length; i++)
                {
                    int top = row * geometry.PatchStride + i / Colours / 2 * half, left = column * geometry.PatchStride + i / Colours % 2 * half;
                    float sum = 0;
                    for (int y = top; y < top + half; y++)
                        for (int x = left; x < left + half; x++) sum += request.Image.Planes[i % Colours * plane + y * geometry.InputWidth + x];
                    means[i] = sum / (half * half);
                }

                for (int c = 0; c < channels; c++, at++)
                {
                    float value = means[c % means.Length] * (1 + c / means.Length);
                    if (request.Spec.Adapter is not null && c % 2 == 1) value = -value;
                    values[at] = request.Spec.Stage == FeatureStage.PreNorm ? 2 * value : value;
                }
            }
        }

        return new FeatureMap(geometry.ImageWidth, geometry.ImageHeight, geometry.X, geometry.Y, channels, values);
    }
}
