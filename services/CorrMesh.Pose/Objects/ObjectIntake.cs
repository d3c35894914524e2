using System.Diagnostics;
using CorrMesh.Hosting.Errors;
using CorrMesh.Hosting.Images;
using CorrMesh.Hosting.Options;
using CorrMesh.Pose.Linting;
using CorrMesh.Pose.Symmetries;
using CorrMesh.Protos.Pose.V1;
using Grpc.Core;
using InputFinding = CorrMesh.Protos.Pose.V1.InputFinding;

namespace CorrMesh.Pose.Objects;

/// <summary>Takes uploads, makes objects of them and keeps them.</summary>
internal sealed class ObjectIntake(ObjectBuilder builder, ObjectStore store, ImageReader images, MeshLimits limits, PoseOptions options, DataOptions data, TimeProvider time)
{
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(5);

    private int count;

    /// <summary>Uploads at work.</summary>
    public int Count => Volatile.Read(ref count);

    /// <exception cref="FieldException">The upload is refused.</exception>
    /// <exception cref="QueueFullException">As many are at work as may be.</exception>
    public async Task<ObjectManifest> TakeAsync(IAsyncStreamReader<CreateObjectRequest> parts, CancellationToken cancellation)
    {
        try
        {
            if (Interlocked.Increment(ref count) > options.Uploads) throw new QueueFullException("objects", options.Uploads, RetryAfter);
            return await MakeAsync(parts, cancellation).ConfigureAwait(false);
        }
        finally
        {
            Interlocked.Decrement(ref count);
        }
    }

    private async Task<ObjectManifest> MakeAsync(IAsyncStreamReader<CreateObjectRequest> parts, CancellationToken cancellation)
    {
        using var upload = new ObjectUpload(images, limits, options, Path.Combine(Path.GetFullPath(data.Directory), "objects", $"unpacked-{Guid.NewGuid():N}"));
        if (!await parts.MoveNext(cancellation).ConfigureAwait(false)) throw new FieldException("config", "must be the first message, none given");
        upload.Open(parts.Current);
        ObjectConfig config = upload.Config;
        ObjectManifest? there = store.Find(config.Id);
        if (there is not null && (config.RequestId.Length == 0 || there.RequestId != config.RequestId)) throw ObjectStore.Taken(config.Id);
        store.Prepare();
        while (await parts.MoveNext(cancellation).ConfigureAwait(false)) await Task.Run(() => upload.Take(parts.Current), cancellation).ConfigureAwait(false);
        (ObjectOrder order, string digest) = await Task.Run(() => upload.Finish(cancellation), cancellation).ConfigureAwait(false);
        if (Same(config, digest) is { } same) return same;

        long started = Stopwatch.GetTimestamp();
        if (config.DetectSymmetries && order.Mesh is { } mesh)
            order = order with { Symmetries = await Task.Run(() => SymmetryDetector.Extend(order.Symmetries, mesh, cancellation), cancellation).ConfigureAwait(false) };
        BuiltObject built;
        try
        {
            built = await builder.BuildAsync(order, cancellation).ConfigureAwait(false);
        }
        catch (FieldException exception) when (InputLint.OfUpload(order, order.Box) is [var likely, ..])
        {
            throw new FieldException([.. exception.Violations.Select(violation => violation with { Description = $"{violation.Description}; likely reason: {likely.Message}" })], exception);
        }
        IReadOnlyList<InputFinding> findings = InputLint.OfUpload(order, built.Box);
        try
        {
            return await store.AddAsync(
                config.Id, built.Model,
                archive => new ObjectManifest(
                    ObjectManifest.CurrentSchema, config.Id, config.DisplayName, time.GetUtcNow(), config.RequestId, digest, built.Source, built.Identity.Model, built.Identity.ModelDigest, built.Identity.Adapter,
                    built.Identity.AdapterDigest, built.Tokens, built.Model.Pictures.Length, built.Sampled, built.Model.Wide.Count + built.Model.Close.Count, built.DiameterMetres,
                    [built.Box.Least.X, built.Box.Least.Y, built.Box.Least.Z, built.Box.Greatest.X, built.Box.Greatest.Y, built.Box.Greatest.Z],
                    [.. order.Symmetries.Discrete.Select(pose => pose.Matrix())],
                    [.. order.Symmetries.Continuous.Select(axis => new[] { axis.Direction.X, axis.Direction.Y, axis.Direction.Z, axis.Offset.X, axis.Offset.Y, axis.Offset.Z })],
                    built.Model.Surface is not null, Stopwatch.GetElapsedTime(started).TotalSeconds, [.. findings.Select(finding => new[] { finding.Kind, finding.Message })], archive),
                cancellation).ConfigureAwait(false);
        }
        // The same call, repeated while it was at work.
        catch (RpcException exception) when (exception.StatusCode == StatusCode.AlreadyExists && Same(config, digest) is not null)
        {
            return Same(config, digest)!;
        }
    }

    // What the first call with the request_id has made.
    private ObjectManifest? Same(ObjectConfig config, string digest)
    {
        if (store.Find(config.Id) is not { } there) return null;
        return config.RequestId.Length > 0 && there.RequestId == config.RequestId && there.Upload == digest ? there : throw ObjectStore.Taken(config.Id);
    }
}
