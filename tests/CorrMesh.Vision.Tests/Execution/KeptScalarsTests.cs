using CorrMesh.Vision.Execution;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace CorrMesh.Vision.Tests.Execution;

public class KeptScalarsTests
{
    // Goal: numbers arrive, whatever the garbage collector does meanwhile. Method: sums of whole numbers, exact in float32, while other threads allocate; with TorchSharp's own
    // operators in the place of ours this throws within a second or two.
    [Fact]
    public void Operations_WhileGarbageIsCollected_GiveExactResults()
    {
        using var stop = new CancellationTokenSource();
        Thread[] allocators = [.. Enumerable.Range(0, 3).Select(_ => new Thread(() => Allocate(stop.Token)))];
        foreach (Thread thread in allocators) thread.Start();
        try
        {
            using Tensor start = torch.arange(8, dtype: ScalarType.Float32);
            for (int i = 1; i <= 5000; i++)
            {
                using var scope = torch.NewDisposeScope();
                Tensor value = start.Plus(i).Times(2).Over(4).OneMinus().Within(-2000, 0.25).Scale(4).Increase(3).Accumulate(start, i).Plus(start);
                Assert.Equal([.. Enumerable.Range(0, 8).Select(n => 4 * Math.Clamp(1 - (n + i) / 2f, -2000, 0.25f) + 3 + n * i + n)], value.data<float>().ToArray());
            }
        }
        finally
        {
            stop.Cancel();
            foreach (Thread thread in allocators) thread.Join();
        }
    }

    private static void Allocate(CancellationToken stop)
    {
        var kept = new List<byte[]>();
        while (!stop.IsCancellationRequested)
        {
            kept.Add(new byte[20_000]);
            if (kept.Count > 200) kept.Clear();
        }
    }

    [Fact]
    public void Operations_SmallTensors_EqualTheirDefinitions()
    {
        using var scope = torch.NewDisposeScope();
        Tensor x = torch.tensor(new float[] { -3, 0, 2 }), y = torch.tensor(new float[] { 1, 4, 8 });
        Assert.Equal(-3, x.min().Number());
        Assert.Equal([false, false, true], x.IsAbove(0).data<bool>().ToArray());
        Assert.Equal([-3, 0, 7], x.With(x.IsAbove(0), 7).data<float>().ToArray());
        Assert.Equal([-4.5f, 0, 10], x.clone().AccumulateProduct(x, y, 0.5).data<float>().ToArray());
        Assert.Equal([-9, 0, 2.5f], x.clone().AccumulateQuotient(x, y, 2).data<float>().ToArray());
    }
}
