using CorrMesh.Geometry;
using CorrMesh.Rendering.Procedural;
using CorrMesh.TestKit;
using CorrMesh.Training.Finetuning;
using CorrMesh.Training.Measuring;
using CorrMesh.Training.Tests.Finetuning;
using CorrMesh.Vision.Adapters;
using CorrMesh.Vision.Backbones;
using CorrMesh.Vision.Weights;
using TorchSharp;
using Xunit;

namespace CorrMesh.Training.Tests.Measuring;

// The shipped model on a few small views, so that every kind of adapter is really measured.
[Collection(TrainingRuns.Collection)]
public sealed class PublishGateTests : IDisposable
{
    private static readonly EvaluationSettings Small = new() { ViewCount = 6, Size = 224, Tokens = 20, PointCount = 150, MaxAngle = 90 };

    private static readonly ReferenceSet Others = new("small-1", [.. ReferenceSet.Procedural.Objects.Take(2)]);

    private readonly VisionTransformer backbone = BackboneFile.Load(Path.Combine(Checkout.Root, "services/CorrMesh.Features/models/compact/compact.safetensors"));

    public void Dispose() => backbone.Dispose();

    // Goal: an adapter that helps passes, by measurement. Method: a backbone with so much added to one feature that all directions look alike, and the adapter that
    // takes it away again.
    [Fact]
    public void Judge_AdapterThatHelps_IsAccepted()
    {
        const int channel = 7;
        const float drown = 1e5f;
        using (torch.no_grad())
        using (torch.Tensor one = backbone.named_parameters().Single(p => p.name == "norm.bias").parameter[channel])
            one.add_(drown);
        GateReport report = Judge(Map(Smoothing(0), (name, values) =>
        {
            if (name == "refine.0.bias") values[channel] = -drown;
            return values;
        }));
        Assert.True(report.IsAccepted, string.Join("; ", report.Reasons));
        Assert.Empty(report.Reasons);
        Assert.Equal("small-1", report.Others!.Set);
        Assert.Equal(2, report.Others.Objects.Count);
        Assert.True(report.Own!.Pcdp10Change > 0.1, $"{report.Own}");
        Assert.Equal(report.Own.After.Pcdp10 - report.Own.Before.Pcdp10, report.Own.Pcdp10Change, 1e-12);
    }

    [Fact]
    public void Judge_SameAdapterTwice_GivesTheSameReport()
    {
        GateReport first = Judge(Smoothing(0.05f)), second = Judge(Smoothing(0.05f));
        Assert.Equal((first with { Seconds = 0 }).ToJson(), (second with { Seconds = 0 }).ToJson());
    }

    // Goal: kept figures change nothing but the time. Method: the same verdict without a cache, filling one, from it, and from one whose files are damaged.
    [Fact]
    public void Judge_KeptFigures_GiveTheSameReport()
    {
        string folder = Directory.CreateTempSubdirectory("corrmesh-figures-").FullName;
        try
        {
            string bare = Timeless(Judge(Smoothing(0.05f))), filling = Kept(), kept = Kept();
            Assert.Equal(2, Directory.GetFiles(folder).Length);
            foreach (string file in Directory.GetFiles(folder)) File.WriteAllText(file, "{");
            Assert.All([filling, kept, Kept()], report => Assert.Equal(bare, report));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }

        string Kept() => Timeless(Judge(Smoothing(0.05f), new FigureCache(folder, "compact", Small)));

        static string Timeless(GateReport report) => (report with { Seconds = 0 }).ToJson();
    }

    // The adapter that changes nothing cannot have improved anything.
    [Fact]
    public void Judge_AdapterThatChangesNothing_IsRefused()
    {
        GateReport report = Judge(Smoothing(0));
        Assert.False(report.IsAccepted);
        Assert.Contains("own object 'own': PCDP@0.1 must rise by more than its noise of 0.00 points", Assert.Single(report.Reasons), StringComparison.Ordinal);
        Assert.Equal(report.Own!.Before, report.Own.After);
    }

    [Fact]
    public void Judge_Zeroed_IsRefusedUnmeasured()
    {
        GateReport report = Judge(Map(Smoothing(0.11f), (_, values) => new float[values.Length]));
        Assert.False(report.IsAccepted);
        Assert.Equal(["adapter: values other than 0 needed, all are 0"], report.Reasons);
        Assert.Null(report.Own);
    }

    // Zeroed in part: no feature is left to tell places apart.
    [Fact]
    public void Judge_ConvolutionZeroed_IsRefusedByItsFigures()
    {
        GateReport report = Judge(Map(Trained(), (name, values) => name.StartsWith("refine", StringComparison.Ordinal) ? new float[values.Length] : values));
        Assert.False(report.IsAccepted);
        Assert.Contains(report.Reasons, reason => reason.StartsWith("own object 'own'", StringComparison.Ordinal));
        Assert.Contains(report.Reasons, reason => reason.StartsWith("reference set small-1", StringComparison.Ordinal));
        Assert.True(report.Own!.After.Pcdp10 < 0.1);
    }

    [Fact]
    public void Judge_Shuffled_IsRefusedByItsFigures()
    {
        var random = new SeededRandom(31, 0);
        GateReport report = Judge(Map(Smoothing(0.11f), (_, values) =>
        {
            float[] shuffled = (float[])values.Clone();
            for (int i = shuffled.Length - 1; i > 0; i--)
            {
                int other = (int)(random.NextBits() % (ulong)(i + 1));
                (shuffled[i], shuffled[other]) = (shuffled[other], shuffled[i]);
            }
            return shuffled;
        }));
        Assert.False(report.IsAccepted);
        Assert.Contains(report.Reasons, reason => reason.StartsWith("own object 'own': PCDP@0.1 must rise", StringComparison.Ordinal));
    }

    [Fact]
    public void Judge_Random_IsRefusedByItsFigures()
    {
        var random = new SeededRandom(32, 0);
        GateReport report = Judge(Map(Trained(), (_, values) => Array.ConvertAll(values, _ => 0.5f * random.Normal())));
        Assert.False(report.IsAccepted);
        Assert.Contains(report.Reasons, reason => reason.StartsWith("own object 'own': PCDP@0.1 must rise", StringComparison.Ordinal));
        Assert.Contains(report.Reasons, reason => reason.StartsWith("reference set small-1: PCDP@0.1 may fall by 2.00 points", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("lora.1.v.b", float.NaN)]
    [InlineData("refine.0.weight", float.PositiveInfinity)]
    public void Judge_NotFinite_IsRefusedUnmeasured(string array, float value)
    {
        GateReport report = Judge(Map(Trained(), (name, values) =>
        {
            float[] changed = (float[])values.Clone();
            if (name == array) changed[5] = value;
            return changed;
        }));
        Assert.False(report.IsAccepted);
        Assert.Equal([$"adapter {array}[5]: finite values needed, {value} given"], report.Reasons);
        Assert.Null(report.Own);
    }

    // Finite weights, features beyond all measure.
    [Fact]
    public void Judge_FeaturesOverflow_IsRefusedWithTheView()
    {
        GateReport report = Judge(Map(Smoothing(0.11f), (_, values) => Array.ConvertAll(values, value => 1e30f * value)));
        Assert.False(report.IsAccepted);
        Assert.Contains("object 'own', view 0: finite features", Assert.Single(report.Reasons), StringComparison.Ordinal);
    }

    [Fact]
    public void Judge_AdapterOfAnotherWidth_Throws() =>
        Assert.Throws<ArgumentException>(() => Judge(new Adapter(8, 0, [], [new RefineLayer(new float[9 * 64], new float[8])])));

    [Fact]
    public void Reasons_RiseAtItsNoise_IsNotEnough()
    {
        SetChange fine = SetChange.Of("s", [Changes.Of("a", 0.5, 0.5)]);
        GateLimits limits = GateLimits.Default;
        Assert.Empty(PublishGate.Reasons(Changes.Of("o", 0, 0.03, 0.018), fine, limits));
        Assert.Single(PublishGate.Reasons(Changes.Of("o", 0, limits.GainErrors * 0.02, 0.02), fine, limits));
        Assert.Single(PublishGate.Reasons(Changes.Of("o", 0.5, 0.5, 0), fine, limits));
        Assert.Contains("at least 3 views", Assert.Single(PublishGate.Reasons(Changes.Of("o", 0.2, 0.9, null), fine, limits)), StringComparison.Ordinal);
    }

    // Goal: the limits hold to the last bit, and each is named on its own. Method: losses at a limit and one step past it, in numbers that a float holds exactly.
    [Fact]
    public void Reasons_LossAtALimit_IsAllowedAndPastItNot()
    {
        ObjectChange own = Changes.Of("o", 0.2, 0.9);
        var limits = new GateLimits(1.645, MeanLoss: 0.015625, ObjectLoss: 0.0625);
        double past = Math.BitIncrement(0.0625);
        Assert.Empty(Reasons(0.0625, -0.03125));
        Assert.Contains("'a': PCDP@0.1 may fall by 6.25 points on any", Assert.Single(Reasons(past, -past)), StringComparison.Ordinal);
        Assert.Empty(Reasons(0.015625, 0.015625));
        Assert.Contains("set s: PCDP@0.1 may fall by 1.56 points on the mean", Assert.Single(Reasons(0.03125, 0.0078125)), StringComparison.Ordinal);
        Assert.Equal(3, Reasons(0.25, 0.25).Count);

        IReadOnlyList<string> Reasons(double lossA, double lossB) =>
            PublishGate.Reasons(own, SetChange.Of("s", [Loss("a", lossA), Loss("b", lossB)]), limits);

        static ObjectChange Loss(string name, double loss) => Changes.Of(name, 0.5, 0.5) with { Pcdp10Change = -loss };
    }

    [Fact]
    public void Of_Set_AveragesObjectsAndTheirErrors()
    {
        SetChange set = SetChange.Of("s", [Changes.Of("a", 0.25, 0.5, 0.03), Changes.Of("b", 0.75, 0.5, 0.04)]);
        Assert.Equal((0.5, 0.5, 0), (set.Before.Pcdp10, set.After.Pcdp10, set.Pcdp10Change));
        Assert.Equal(0.025, set.Pcdp10ChangeError!.Value, 1e-12);
        Assert.Null(SetChange.Of("s", [Changes.Of("a", 0.25, 0.5, null), Changes.Of("b", 0.75, 0.5, 0.04)]).Pcdp10ChangeError);
    }

    private GateReport Judge(Adapter adapter, FigureCache? kept = null)
    {
        ObjectProbe own = ObjectProbe.Render("own", ProceduralObjects.Make(77, ["creature"], ["mosaic"]).Mesh, Small);
        return PublishGate.Judge(new GateSubject(backbone, "sha256:compact", adapter, "sha256:adapter"), own, Others, Small, kept: kept);
    }

    // The identity with a share of each of the eight neighbours.
    private Adapter Smoothing(float share)
    {
        int width = backbone.Config.Width;
        var weight = new float[9 * width * width];
        for (int channel = 0; channel < width; channel++)
            for (int place = 0; place < 9; place++)
                weight[(channel * width + channel) * 9 + place] = place == 4 ? 1 - 8 * share : share;
        return new Adapter(width, 0, [], [new RefineLayer(weight, new float[width])]);
    }

    // The shape of the paper's adapter, B no longer zero.
    private Adapter Trained() => Map(AdapterInitialisation.Create(new FinetuneRecipe(), backbone.Config.Width), (name, values) =>
        name.EndsWith(".b", StringComparison.Ordinal) ? Array.ConvertAll(values, _ => 0.01f) : values);

    private static Adapter Map(Adapter adapter, Func<string, float[], float[]> change) => new(
        adapter.Width, adapter.Rank,
        [.. adapter.Blocks.Select((b, i) => new LoraBlock(change($"lora.{i}.q.a", b.QueryA), change($"lora.{i}.q.b", b.QueryB), change($"lora.{i}.v.a", b.ValueA), change($"lora.{i}.v.b", b.ValueB)))],
        [.. adapter.Refine.Select((r, i) => new RefineLayer(change($"refine.{i}.weight", r.Weight), change($"refine.{i}.bias", r.Bias)))]);
}
