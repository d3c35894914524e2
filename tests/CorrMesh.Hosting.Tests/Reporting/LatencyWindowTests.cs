using CorrMesh.Hosting.Reporting;
using CorrMesh.Protos.Common.V1;
using Xunit;

namespace CorrMesh.Hosting.Tests.Reporting;

public sealed class LatencyWindowTests
{
    private readonly Clock clock = new();

    [Fact]
    public void Read_NoCall_HasNoParts()
    {
        var latency = new LatencyWindow(clock).Read();

        Assert.Equal((0u, 60_000_000_000, null), (latency.Count, latency.WindowNs, latency.Total));
    }

    // Goal: mean and ranks are those of the definition in the contract. Method: 1 to 200 in a shuffled order, whose nearest ranks are
    // 100 and 198; a part that happened in a quarter of the calls counts as 0 in the others.
    [Fact]
    public void Read_KnownTimes_GivesMeanAndNearestRanks()
    {
        var window = new LatencyWindow(clock);
        foreach (int i in Enumerable.Range(0, 200).Select(i => i * 77 % 200 + 1)) window.Add(new Timings { TotalNs = i, QueueNs = i > 150 ? 1000 : 0 });

        var latency = window.Read();

        Assert.Equal(200u, latency.Count);
        Assert.Equal((100, 100, 198), (latency.Total.MeanNs, latency.Total.P50Ns, latency.Total.P99Ns));
        Assert.Equal((250, 0, 1000), (latency.Queue.MeanNs, latency.Queue.P50Ns, latency.Queue.P99Ns));
        Assert.Equal((0, 0, 0), (latency.Decode.MeanNs, latency.Decode.P50Ns, latency.Decode.P99Ns));
    }

    [Fact]
    public void Read_TimePasses_OnlyTheLastMinuteCounts()
    {
        var window = new LatencyWindow(clock);
        window.Add(new Timings { TotalNs = 1 });
        clock.Now += TimeSpan.FromSeconds(40);
        window.Add(new Timings { TotalNs = 5 });

        clock.Now += TimeSpan.FromSeconds(20);
        Assert.Equal(2u, window.Read().Count);
        clock.Now += TimeSpan.FromTicks(1);
        Assert.Equal((1u, 5), (window.Read().Count, window.Read().Total.MeanNs));
        clock.Now += TimeSpan.FromSeconds(60);
        Assert.Equal(0u, window.Read().Count);
    }

    [Fact]
    public void Read_MoreCallsThanAreHeld_TheLatestCount()
    {
        var window = new LatencyWindow(clock);
        for (int i = 0; i < LatencyWindow.Capacity; i++) window.Add(new Timings { TotalNs = 1 });
        for (int i = 0; i < LatencyWindow.Capacity / 2; i++) window.Add(new Timings { TotalNs = 3 });

        var latency = window.Read();

        Assert.Equal(((uint)LatencyWindow.Capacity, 2, 3), (latency.Count, latency.Total.MeanNs, latency.Total.P99Ns));
    }

    [Fact]
    public void Add_FromManyThreads_LosesNothing()
    {
        var window = new LatencyWindow(clock);

        Parallel.For(0, 4000, i => window.Add(new Timings { TotalNs = 7 }));

        Assert.Equal((4000u, 7, 7), (window.Read().Count, window.Read().Total.MeanNs, window.Read().Total.P99Ns));
    }

    private sealed class Clock : TimeProvider
    {
        public TimeSpan Now { get; set; } = TimeSpan.FromHours(1);

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => Now.Ticks;
    }
}
