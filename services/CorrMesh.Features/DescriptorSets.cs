using System.Diagnostics;
using System.Security.Cryptography;
using CorrMesh.Features.Store;
using CorrMesh.Hosting;
using CorrMesh.Hosting.Errors;
using CorrMesh.Hosting.Options;
using CorrMesh.Protos.Features.V1;
using CorrMesh.Vision.Features;

namespace CorrMesh.Features;

/// <summary>Descriptors at positions: sampled from maps, kept under their keys, or sent by the caller.</summary>
public sealed class DescriptorSets(FeatureStore store, ComputeGate gate, MeshLimits limits)
{
    /// <summary>Samples a map and keeps the result.</summary>
    /// <param name="points">Positions on the wire's terms, inside the map's region.</param>
    /// <exception cref="QueueFullException">Too much is waiting already.</exception>
    public async Task<StoredDescriptors> SampleAsync(
        StoredMap map, (double X, double Y)[] points, bool normalise, RequestTimer timer, CancellationToken cancellation)
    {
        long started = Stopwatch.GetTimestamp();
        string key = FeatureKey.OfDescriptors(map.Key, points, normalise);
        bool isKept = store.TryGet(key, out StoredDescriptors? found);
        timer.AddCache(Stopwatch.GetElapsedTime(started));
        if (isKept) return found!;
        float[] values = await gate.RunAsync(() => KeypointSampler.Sample(map.Map, map.ToMap(points), normalise), timer, cancellation).ConfigureAwait(false);
        var set = new StoredDescriptors(key, points.Length, map.Map.Channels, values);
        started = Stopwatch.GetTimestamp();
        store.Put(set);
        timer.AddCache(Stopwatch.GetElapsedTime(started));
        return set;
    }

    /// <summary>The set that a request means.</summary>
    /// <exception cref="FieldException">None is given, or its values are refused.</exception>
    /// <exception cref="FeaturesExpiredException">The key's set is gone.</exception>
    public StoredDescriptors Get(DescriptorSet? set, string field)
    {
        switch (set?.SetCase)
        {
            case DescriptorSet.SetOneofCase.DescriptorSetKey:
                string key = set.DescriptorSetKey;
                if (!FeatureKey.IsWellFormed(key)) throw new FieldException($"{field}.descriptor_set_key", "64 lower-case hex digits needed");
                return store.TryGet(key, out StoredDescriptors? found) ? found : throw new FeaturesExpiredException($"{field}.descriptor_set_key", key);
            case DescriptorSet.SetOneofCase.Values:
                (int rows, int columns, float[] values) = WireTensors.DecodeMatrix(set.Values, limits.Points, $"{field}.values");
                return new StoredDescriptors(Convert.ToHexStringLower(SHA256.HashData(set.Values.Data.Span)), rows, columns, values);
            default:
                throw new FieldException(field, "values or a descriptor_set_key needed, none given");
        }
    }

    /// <exception cref="FieldException">The descriptors are not as wide as the map's.</exception>
    public static void CheckFits(StoredDescriptors set, StoredMap target, string field)
    {
        if (set.Channels != target.Map.Channels)
            throw new FieldException(field, $"descriptors of the target's {target.Map.Channels} channels needed, {set.Channels} given; are both from one model?");
    }
}
