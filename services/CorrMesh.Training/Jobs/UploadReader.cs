using CorrMesh.Hosting.Errors;
using CorrMesh.Rendering.Files;
using CorrMesh.Rendering.Meshes;
using CorrMesh.Rendering.Views;
using CorrMesh.Training.Measuring;

namespace CorrMesh.Training.Jobs;

/// <summary>Reads what is uploaded in full, textures and pictures included: what is accepted here is trained on.</summary>
/// <param name="options">The bounds.</param>
/// <param name="cache">A folder of the data directory for what is unpacked: /tmp may be memory.</param>
internal sealed class UploadReader(TrainingOptions options, string cache) : IDisposable
{
    // What is read takes many times its file's bytes, so one is read at a time.
    private readonly SemaphoreSlim turn = new(1);

    private readonly MeshFileLimits limits = new() { MaxBytes = options.MeshBytes, MaxVertices = options.MeshVertices, MaxFaces = options.MeshFaces, MaxTexturePixels = options.TexturePixels };

    /// <summary>Reads a mesh and what it names.</summary>
    /// <exception cref="FieldException">It is none, or passes a bound.</exception>
    public async Task ReadMeshAsync(IReadOnlyList<(string Name, ReadOnlyMemory<byte> Content)> files, CancellationToken cancellation)
    {
        try
        {
            await InTurnAsync(
                () => MeshFile.Read(files[0].Content, MeshResources.Of(files.Skip(1).ToDictionary(file => file.Name, file => file.Content.ToArray(), StringComparer.Ordinal)), limits).ToUnitBox(),
                cancellation).ConfigureAwait(false);
        }
        catch (MeshRejectedException exception)
        {
            throw new FieldException("mesh", exception.Message.StartsWith("mesh: ", StringComparison.Ordinal) ? exception.Message["mesh: ".Length..] : exception.Message, exception);
        }
    }

    /// <summary>Reads views, and makes the probe that they are measured with.</summary>
    /// <param name="zip">The archive.</param>
    /// <param name="source">Which object.</param>
    /// <param name="settings">Of the probe.</param>
    /// <param name="cancellation">Looked at between files and views.</param>
    /// <returns>How many views would be trained on.</returns>
    /// <exception cref="FieldException">They are none, or not enough, or pass a bound.</exception>
    /// <exception cref="IOException">The data directory cannot be written.</exception>
    public async Task<int> ReadViewsAsync(ReadOnlyMemory<byte> zip, ViewsSource source, EvaluationSettings settings, CancellationToken cancellation)
    {
        string scratch = Path.Combine(cache, $"views-{Guid.NewGuid():N}");
        try
        {
            return await InTurnAsync(
                () =>
                {
                    var views = UploadedViews.Read(zip, source.ObjectId, scratch, options.ViewsBytes, cancellation);
                    try
                    {
                        views.ToProbe("uploaded", settings, cancellation);
                    }
                    catch (InvalidOperationException exception)
                    {
                        throw new InvalidDataException(exception.Message, exception);
                    }
                    return views.TrainingCount;
                },
                cancellation).ConfigureAwait(false);
        }
        catch (ObjectChoiceException exception)
        {
            throw new FieldException("views.object_id", exception.Message, exception);
        }
        catch (InvalidDataException exception)
        {
            throw new FieldException("views", exception.Message, exception);
        }
    }

    public void Dispose() => turn.Dispose();

    private async Task<T> InTurnAsync<T>(Func<T> read, CancellationToken cancellation)
    {
        await turn.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            return await Task.Run(read, cancellation).ConfigureAwait(false);
        }
        finally
        {
            turn.Release();
        }
    }
}
