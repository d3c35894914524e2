using CorrMesh.Features.Store;
using CorrMesh.Features.Tests.Support;
using Xunit;

namespace CorrMesh.Features.Tests.Store;

public sealed class FeatureStoreTests
{
    [Fact]
    public void TryGet_WhatWasPut_IsTheSameValue()
    {
        var store = new FeatureStore(1000);
        var value = new Value("a", 10);
        store.Put(value);
        Assert.True(store.TryGet("a", out Value? found));
        Assert.Same(value, found);
        Assert.False(store.TryGet<Value>("b", out _));
        Assert.Equal((1, 10), (store.Count, store.SizeBytes));
    }

    // Goal: what goes first is what was used longest ago, not what came first. Method: use the oldest, then overflow by one.
    [Fact]
    public void Put_PastTheBound_RemovesTheLeastRecentlyUsed()
    {
        var store = new FeatureStore(30);
        foreach (string key in new[] { "a", "b", "c" }) store.Put(new Value(key, 10));
        Assert.True(store.TryGet<Value>("a", out _));
        store.Put(new Value("d", 10));
        Assert.False(store.TryGet<Value>("b", out _));
        foreach (string key in new[] { "a", "c", "d" }) Assert.True(store.TryGet<Value>(key, out _), key);
        Assert.Equal(30, store.SizeBytes);
    }

    [Fact]
    public void Put_ExactlyTheBoundAndOneByteMore_KeepsAndDoesNotKeep()
    {
        var store = new FeatureStore(30);
        store.Put(new Value("a", 30));
        Assert.Equal(30, store.SizeBytes);
        store.Put(new Value("b", 31));
        Assert.True(store.TryGet<Value>("a", out _));
        Assert.False(store.TryGet<Value>("b", out _));
    }

    [Fact]
    public void Put_LargeValue_MakesRoomByRemovingSeveral()
    {
        var store = new FeatureStore(30);
        foreach (string key in new[] { "a", "b", "c" }) store.Put(new Value(key, 10));
        store.Put(new Value("d", 25));
        Assert.Equal((1, 25), (store.Count, store.SizeBytes));
    }

    [Fact]
    public void Put_SameKeyTwice_CountsOnce()
    {
        var store = new FeatureStore(30);
        store.Put(new Value("a", 10));
        store.Put(new Value("a", 12));
        Assert.Equal((1, 12), (store.Count, store.SizeBytes));
    }

    // Goal: a value found under a key that is not its own, or of another type, is no hit.
    [Fact]
    public void TryGet_ValueWithAnotherKeyOrType_IsNoHit()
    {
        var store = new FeatureStore(100);
        var value = new Value("a", 10);
        store.Put(value);
        Assert.False(store.TryGet<StoredMap>("a", out _));
        value.Key = "z";
        Assert.False(store.TryGet<Value>("a", out _));
    }

    // Goal: the bound and the sums hold whatever the order. Method: random operations from many threads, then recount.
    [Fact]
    public void Put_FromManyThreads_KeepsTheBound()
    {
        var store = new FeatureStore(500);
        Parallel.For(0, 8, thread =>
        {
            var random = new Random(thread);
            for (int i = 0; i < 2000; i++)
            {
                string key = random.Next(60).ToString();
                if (random.Next(2) == 0) store.Put(new Value(key, 10 + int.Parse(key)));
                else if (store.TryGet(key, out Value? found)) Assert.Equal(key, found.Key);
            }
        });
        long held = Enumerable.Range(0, 60).Sum(key => store.TryGet(key.ToString(), out Value? found) ? found.SizeBytes : 0);
        Assert.Equal(held, store.SizeBytes);
        Assert.InRange(held, 1, 500);
    }

    // Goal: the bound in bytes is one on real memory. Method: the search structures of maps of several shapes against what the map says of itself.
    [Theory]
    [InlineData(96, 64)]
    [InlineData(1, 1)]
    [InlineData(700, 50)]
    [InlineData(8, 8)]
    public void SizeBytes_WithSearchStructures_IsNotLessThanTheyTake(int width, int height)
    {
        StoredMap map = Make.Map(width, height);
        Assert.True(map.SizeBytes >= 4L * map.Map.Values.Length + map.Gram.SizeBytes, $"{map.SizeBytes} < {map.Gram.SizeBytes} + values");
    }

    [Fact]
    public void Canonical_Values_AreThoseOfHalfPrecision()
    {
        var map = Make.Map().Map with { Values = [.. Enumerable.Range(0, Make.Map().Map.Values.Length).Select(i => MathF.Sin(i) * 3)] };
        float[] rounded = StoredMap.Canonical(map).Values;
        Assert.Equal(map.Values.Select(v => (float)(Half)v), rounded);
        Assert.Equal(rounded, StoredMap.Canonical(map with { Values = rounded }).Values);
    }

    private sealed class Value(string key, long sizeBytes) : IStoredValue
    {
        public string Key { get; set; } = key;

        public long SizeBytes => sizeBytes;
    }
}
