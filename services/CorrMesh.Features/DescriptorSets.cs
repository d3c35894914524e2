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
public sealed class DescriptorSets(FeatureStore store, MeshLimits limits)
{
    /// <summary>Samples a map and keeps the result.</summary>
    /// <param name="points">Positions on the wire's terms, inside the map's region.</param>
    public StoredDescriptors Sample(StoredMap map, (double X, double Y)[] points, bool normalise, RequestTimer timer)
    {
        string key = FeatureKey.OfDescriptors(map.Key, points, normalise);
        if (store.TryGet(key, out StoredDescriptors? found)) return found;
        long started = Stopwatch.GetTimestamp();
        var flat = new float[2 * points.Length];
        for (int i = 0; i < points.Length; i++) (flat[2 * i], flat[2 * i + 1]) = map.ToMap(points[i]);
        var set = new StoredDescriptors(key, points.Length, map.Map.Channels, KeypointSampler.Sample(map.Map, flat, normalise));
        timer.AddCompute(Stopwatch.GetElapsedTime(started));
        store.Put(set);
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
