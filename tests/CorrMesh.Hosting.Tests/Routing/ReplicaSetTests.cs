using CorrMesh.Hosting.Routing;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace CorrMesh.Hosting.Tests.Routing;

public sealed class ReplicaSetTests
{
    private const int SpillLength = 4;
    private readonly FakeTimeProvider time = new();

    // Goal: images spread evenly, each always to the same replica, whoever asks. Method: 30,000 affinities over three; a second set lists them in another order.
    [Fact]
    public void Pick_ManyImages_SpreadsThemAlikeForEveryCaller()
    {
        ReplicaSet set = Set(3), other = new("features", [.. Set(3).Replicas.Reverse()], SpillLength);
        Uri[] picks = [.. Affinities(30_000).Select(affinity => set.Pick(affinity).Address)];

        Assert.Equal(picks, Affinities(30_000).Select(affinity => other.Pick(affinity).Address));
        Assert.All(picks.GroupBy(address => address), share => Assert.InRange(share.Count(), 9_500, 10_500));
    }

    // Goal: a replica that goes takes only its own images along, and gets them back. Method: one stops serving.
    [Fact]
    public void Pick_OneDown_MovesOnlyItsImages()
    {
        ReplicaSet set = Set(3);
        Replica gone = set.Replicas[1];
        Uri[] before = [.. Affinities(3_000).Select(affinity => set.Pick(affinity).Address)];
        gone.Heard(isServing: false);
        Uri[] during = [.. Affinities(3_000).Select(affinity => set.Pick(affinity).Address)];
        gone.Heard(isServing: true);

        Assert.DoesNotContain(gone.Address, during);
        for (int i = 0; i < before.Length; i++)
            if (before[i] != gone.Address) Assert.Equal(before[i], during[i]);
        Assert.Equal(2, before.Zip(during).Where(pair => pair.First == gone.Address).Select(pair => pair.Second).Distinct().Count());
        Assert.Equal(before, Affinities(3_000).Select(affinity => set.Pick(affinity).Address));
    }

    [Fact]
    public void Pick_BrokenConnection_IsAvoidedForASecond()
    {
        ReplicaSet set = Set(2);
        Replica first = set.Pick(5);
        first.Avoid();
        Assert.NotSame(first, set.Pick(5));
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.Same(first, set.Pick(5));
    }

    // Goal: all in doubt is no reason to ask none.
    [Fact]
    public void Pick_NoneAvailable_IsTheImagesOwn()
    {
        ReplicaSet set = Set(3);
        Replica own = set.Pick(5);
        foreach (Replica replica in set.Replicas) replica.Heard(isServing: false);
        Assert.False(set.AnyAvailable);
        Assert.Same(own, set.Pick(5));
    }

    // Goal: a busy replica keeps its images until another is at most half as busy; the report of how busy it is counts for a second. Method: reports at the bound and beyond.
    [Theory]
    [InlineData(SpillLength - 1, 0, false)]
    [InlineData(SpillLength, 0, true)]
    [InlineData(SpillLength, SpillLength / 2, true)]
    [InlineData(SpillLength, SpillLength / 2 + 1, false)]
    [InlineData(10 * SpillLength, 5 * SpillLength, true)]
    public void Pick_LongQueue_SpillsToOneHalfAsBusy(int own, int others, bool spills)
    {
        ReplicaSet set = Set(3);
        Replica home = set.Pick(5);
        foreach (Replica replica in set.Replicas) replica.Reported(replica == home ? own : others);
        Replica picked = set.Pick(5);
        Assert.Equal(spills, picked != home);
        Assert.Same(picked, set.Pick(5));
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.Same(home, set.Pick(5));
    }

    [Fact]
    public void Pick_CallsWithoutAnImage_GoToTheLeastBusyInTurn()
    {
        ReplicaSet set = Set(3);
        Assert.Equal(3, Enumerable.Range(0, 3).Select(_ => set.Pick(null)).Distinct().Count());
        set.Replicas[0].Sent();
        set.Replicas[2].Sent();
        Assert.All(Enumerable.Range(0, 6), _ => Assert.Same(set.Replicas[1], set.Pick(null)));
        set.Replicas[0].Answered();
        Assert.Equal(2, Enumerable.Range(0, 6).Select(_ => set.Pick(null)).Distinct().Count());
    }

    private static IEnumerable<uint?> Affinities(int count)
    {
        var random = new Random(3);
        for (int i = 0; i < count; i++) yield return (uint)random.NextInt64(uint.MaxValue);
    }

    private ReplicaSet Set(int count) => new("features", [.. Enumerable.Range(0, count).Select(i => new Replica(new Uri($"http://127.0.0.1:{5101 + 10 * i}"), time))], SpillLength);
}
