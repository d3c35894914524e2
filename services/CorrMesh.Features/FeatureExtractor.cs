using System.Diagnostics;
using CorrMesh.Features.Execution;
using CorrMesh.Features.Store;
using CorrMesh.Hosting;
using CorrMesh.Hosting.Errors;
using CorrMesh.Hosting.Images;
using CorrMesh.Protos.Common.V1;
using CorrMesh.Protos.Features.V1;
using CorrMesh.Vision.Features;
using CorrMesh.Vision.Images;

namespace CorrMesh.Features;

/// <summary>An image (or a key) and a spec in, a stored map out: memory, then what equal requests share: Redis, then a computation.</summary>
public sealed class FeatureExtractor(
    SpecResolver specs, ImageReader images, FeatureStore store, RedisTier redis, FeatureQueue queue, ComputeGate gate, FeatureMetrics metrics)
{
    // The field of errors in a shared computation; every caller puts its own in its place.
    private const string Shared = "image";

    private readonly SingleFlight<Computed> flights = new();

    /// <param name="field">The source's path in the request, for errors.</param>
    /// <exception cref="FieldException">Source or spec is refused.</exception>
    /// <exception cref="FeaturesExpiredException">The key's map is gone.</exception>
    /// <exception cref="QueueFullException">Too much is waiting already.</exception>
    public async Task<StoredMap> GetAsync(FeatureSource? source, FeatureSpec? spec, string field, RequestTimer timer, CancellationToken cancellation)
    {
        if (source?.SourceCase == FeatureSource.SourceOneofCase.FeaturesKey && spec?.CalculateSize() > 0)
            throw new FieldException("spec", "must be absent with a features_key, whose map has its own");
        return await GetAsync(source, () => specs.Resolve(spec), field, timer, cancellation).ConfigureAwait(false);
    }

    /// <summary>The same for one of several sources of a request, whose names mean the same weights for all of them.</summary>
    /// <param name="spec">For images; a key's map has its own.</param>
    /// <exception cref="FieldException">The source is refused.</exception>
    /// <exception cref="FeaturesExpiredException">The key's map is gone.</exception>
    /// <exception cref="QueueFullException">Too much is waiting already.</exception>
    public async Task<StoredMap> GetAsync(FeatureSource? source, Func<ResolvedSpec> spec, string field, RequestTimer timer, CancellationToken cancellation)
    {
        switch (source?.SourceCase)
        {
            case FeatureSource.SourceOneofCase.FeaturesKey:
                return await ByKeyAsync(source.FeaturesKey, $"{field}.features_key", timer, cancellation).ConfigureAwait(false);
            case FeatureSource.SourceOneofCase.Image:
                return await ByImageAsync(source.Image, spec(), $"{field}.image", timer, cancellation).ConfigureAwait(false);
            default:
                throw new FieldException(field, "an image or a features_key needed, none given");
        }
    }

    private async Task<StoredMap> ByKeyAsync(string key, string field, RequestTimer timer, CancellationToken cancellation)
    {
        if (!FeatureKey.IsWellFormed(key)) throw new FieldException(field, "64 lower-case hex digits needed");
        if (Find(key, timer) is { } held)
        {
            metrics.HitMemory();
            return held;
        }

        long started = Stopwatch.GetTimestamp();
        StoredMap? found = await redis.FindAsync(key, cancellation).ConfigureAwait(false);
        if (found is not null) store.Put(found);
        timer.AddCache(Stopwatch.GetElapsedTime(started));
        if (found is null) throw new FeaturesExpiredException(field, key);
        metrics.HitRedis();
        return found;
    }

    private async Task<StoredMap> ByImageAsync(Image image, ResolvedSpec spec, string field, RequestTimer timer, CancellationToken cancellation)
    {
        if (image.ContentCase == Image.ContentOneofCase.None) throw new FieldException(field, "encoded bytes or raw pixels needed, none given");
        string key = FeatureKey.OfMap(spec, FeatureKey.OfImage(image));
        if (Find(key, timer) is { } found)
        {
            metrics.HitMemory();
            return Named(found, spec);
        }

        images.Check(image, field);
        Computed computed;
        try
        {
            computed = await flights.RunAsync(key, token => FindOrComputeAsync(key, image, spec, token), cancellation).ConfigureAwait(false);
        }
        catch (FieldException refused)
        {
            throw new FieldException(
                [.. refused.Violations.Select(v => v.Field.StartsWith(Shared, StringComparison.Ordinal) ? v with { Field = field + v.Field[Shared.Length..] } : v)], refused);
        }

        if (computed.From == Origin.Memory) metrics.HitMemory();
        else if (computed.From == Origin.Redis) metrics.HitRedis();
        else metrics.Missed();
        timer.AddDecode(computed.Decoded);
        timer.AddQueue(computed.Extraction.Queued);
        timer.AddCompute(computed.Extraction.Computed);
        timer.AddCache(computed.Cache);
        return Named(computed.Map, spec);
    }

    // Two names may stand for the same weights, and so share a map; the reply speaks of the one that was asked for.
    private static StoredMap Named(StoredMap map, ResolvedSpec spec) => MapIdentity.Of(spec) is var asked && map.Identity == asked ? map : map with { Identity = asked };

    private StoredMap? Find(string key, RequestTimer timer)
    {
        long started = Stopwatch.GetTimestamp();
        bool hit = store.TryGet(key, out StoredMap? map);
        timer.AddCache(Stopwatch.GetElapsedTime(started));
        return hit ? map : null;
    }

    private async Task<Computed> FindOrComputeAsync(string key, Image image, ResolvedSpec spec, CancellationToken cancellation)
    {
        long started = Stopwatch.GetTimestamp();
        // The flight before this one may have landed between the caller's look and this one's start.
        if (store.TryGet(key, out StoredMap? landed)) return new Computed(landed, Origin.Memory, default, Stopwatch.GetElapsedTime(started), default);
        StoredMap? found = await redis.FindAsync(key, cancellation).ConfigureAwait(false);
        if (found is not null) store.Put(found);
        TimeSpan looked = Stopwatch.GetElapsedTime(started);
        if (found is not null) return new Computed(found, Origin.Redis, default, looked, default);

        (PreparedImage prepared, int width, int height, TimeSpan decoded) = await gate.RunAsync(() => Decode(image, spec), cancellation).ConfigureAwait(false);
        Extraction extraction = await queue.ExtractAsync(new ExtractionRequest(prepared, spec), cancellation).ConfigureAwait(false);
        PixelRegion region = spec.Region ?? new PixelRegion(0, 0, width, height);
        started = Stopwatch.GetTimestamp();
        var stored = new StoredMap(key, StoredMap.Canonical(extraction.Map), region, width, height, MapIdentity.Of(spec));
        store.Put(stored);
        redis.Put(stored);
        return new Computed(stored, Origin.Device, decoded, looked + Stopwatch.GetElapsedTime(started), extraction);
    }

    private (PreparedImage Prepared, int Width, int Height, TimeSpan Decoded) Decode(Image image, ResolvedSpec spec)
    {
        long started = Stopwatch.GetTimestamp();
        (RgbImage seen, int width, int height) = images.Read(image, spec.Region, Shared);
        PreparedImage prepared = PreparedImage.From(seen, Geometry(seen, spec));
        return (prepared, width, height, Stopwatch.GetElapsedTime(started));
    }

    // The resize keeps the aspect, so a sliver of an image has no token along its short side.
    private static InputGeometry Geometry(RgbImage seen, ResolvedSpec spec)
    {
        int longSide = Math.Max(seen.Width, seen.Height), shortSide = Math.Min(seen.Width, seen.Height);
        if ((long)shortSide * spec.Tokens < longSide)
            throw new FieldException(Shared, $"at most {spec.Tokens} times as long as wide at {spec.Tokens} tokens, {seen.Width} x {seen.Height} given");
        return InputGeometry.ForTokens(seen.Width, seen.Height, spec.Tokens, spec.Model.PatchSize, spec.PatchStride);
    }

    private enum Origin
    {
        Memory,
        Redis,
        Device,
    }

    private readonly record struct Computed(StoredMap Map, Origin From, TimeSpan Decoded, TimeSpan Cache, Extraction Extraction);
}
