using CorrMesh.Hosting.Data;
using CorrMesh.Hosting.Errors;
using CorrMesh.Hosting.Options;
using CorrMesh.Models;
using CorrMesh.Protos.Admin.V1;
using CorrMesh.Vision.Weights;
using Google.Protobuf;
using Grpc.Core;
using Contract = CorrMesh.Protos.Admin.V1.AdminService;

namespace CorrMesh.Features.Admin;

/// <summary>The gRPC edge of what operators change: validate, call, map. On the admin listener only.</summary>
/// <remarks>It writes the data directory, one call at a time; what is served follows the directory.</remarks>
public sealed class AdminService(DataOptions options) : Contract.AdminServiceBase
{
    private const string DigestPrefix = "sha256:";

    // What several processes publish under one name at once ends with one of them, whole: a manifest takes another's place in one step.
    private static readonly SemaphoreSlim Writer = new(1, 1);

    private DataDirectory Data => new(options.Directory);

    public override Task<PublishAdapterResponse> PublishAdapter(PublishAdapterRequest request, ServerCallContext context)
    {
        CheckName(request.Name);
        if (request.Model.Length == 0) throw new FieldException("model", "a model's name needed, none given");
        if (request.Content.IsEmpty) throw new FieldException("content", "a file needed, 0 bytes given");
        return WriteAsync(() => new PublishAdapterResponse { Adapter = ToMessage(Import(request)) }, context.CancellationToken);
    }

    public override Task<DeleteAdapterResponse> DeleteAdapter(DeleteAdapterRequest request, ServerCallContext context)
    {
        CheckName(request.Name);
        return WriteAsync(
            () => Data.DeleteManifest("adapters", request.Name) ? new DeleteAdapterResponse() : throw new NotFoundException("adapter", request.Name), context.CancellationToken);
    }

    public override Task<ListAdaptersResponse> ListAdapters(ListAdaptersRequest request, ServerCallContext context)
    {
        var response = new ListAdaptersResponse();
        response.Adapters.AddRange(Adapters().Select(ToMessage));
        return Task.FromResult(response);
    }

    private AdapterManifest Import(PublishAdapterRequest request)
    {
        var (builtIn, data) = (new DataDirectory(AppContext.BaseDirectory), Data);
        if (!builtIn.ReadManifests("models", ManifestJson.Default.ModelManifest).Concat(data.ReadManifests("models", ManifestJson.Default.ModelManifest)).Any(m => m.Manifest.Id == request.Model))
            throw new NotFoundException("model", request.Model.Length <= 80 ? request.Model : request.Model[..80] + "...");
        Directory.CreateDirectory(data.Root);
        string file = Path.Combine(data.Root, $"incoming-{Guid.NewGuid():N}");
        try
        {
            using (FileStream stream = File.Create(file)) request.Content.WriteTo(stream);
            return ModelImport.AddAdapter(builtIn, data, request.Name, file, request.Model);
        }
        catch (WeightFileException exception)
        {
            // The file's name is ours and means nothing to the caller.
            throw new FieldException("content", exception.Message.Replace(Path.GetFileName(file) + ": ", "", StringComparison.Ordinal), exception);
        }
        catch (ArgumentException exception)
        {
            throw new FieldException("content", exception.Message.Replace(file + ": ", "", StringComparison.Ordinal), exception);
        }
        finally
        {
            File.Delete(file);
        }
    }

    private IEnumerable<AdapterManifest> Adapters() => new AdapterNames(Data).List();

    private static async Task<T> WriteAsync<T>(Func<T> write, CancellationToken cancellationToken)
    {
        await Writer.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            return await Task.Run(write, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is UnauthorizedAccessException || exception is IOException { HResult: ReadOnlyFileSystem })
        {
            throw new RpcException(new Status(StatusCode.FailedPrecondition, "the data directory cannot be written by this process"));
        }
        finally
        {
            Writer.Release();
        }
    }

    // EROFS, which .NET passes on in the exception.
    private const int ReadOnlyFileSystem = 30;

    private static void CheckName(string name)
    {
        if (!DataDirectory.IsId(name))
            throw new FieldException("name", $"a-z, 0-9, dot, dash, underscore, at most 64, beginning with a letter or digit needed, '{(name.Length <= 80 ? name : name[..80] + "...")}' given");
    }

    private static StoredAdapter ToMessage(AdapterManifest manifest) => new() { Name = manifest.Id, Model = manifest.Model, Digest = manifest.Digest[DigestPrefix.Length..] };
}
