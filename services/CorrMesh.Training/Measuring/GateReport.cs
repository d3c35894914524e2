using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using CorrMesh.Metrics;

namespace CorrMesh.Training.Measuring;

/// <summary>One object without and with the adapter.</summary>
/// <param name="Seed">Of its views.</param>
/// <param name="ViewsDigest">Of pictures and correspondences.</param>
/// <param name="PairCount">Directed pairs of views.</param>
/// <param name="PointCount">Points of all pairs.</param>
/// <param name="Before">Of the bare backbone.</param>
/// <param name="After">With the adapter.</param>
/// <param name="Pcdp10Change">After less before, -1 to 1.</param>
/// <param name="Pcdp10ChangeError">Its standard error under other views, by <see cref="PairMean"/>; null when too few views make pairs.</param>
public sealed record ObjectChange(
    string Name, int Seed, string ViewsDigest, int PairCount, int PointCount, DenseCorrespondence Before, DenseCorrespondence After, double Pcdp10Change, double? Pcdp10ChangeError)
{
    /// <summary>Compares two measurements on one object.</summary>
    public static ObjectChange Between(ObjectProbe probe, ObjectFigures before, ObjectFigures after)
    {
        PairMean change = PairMean.Of([.. before.Pairs.Zip(after.Pairs, (b, a) => new PairValue(b.Source, b.Target, a.Figures.Pcdp10 - b.Figures.Pcdp10))]);
        return new ObjectChange(
            probe.Name, probe.Seed, probe.Digest(), before.Pairs.Count, before.Pairs.Sum(pair => pair.PointCount), before.Mean, after.Mean,
            change.Mean, double.IsFinite(change.StandardError) ? change.StandardError : null);
    }
}

/// <summary>The reference set without and with the adapter.</summary>
/// <param name="Before">Mean of the objects.</param>
/// <param name="After">Mean of the objects.</param>
/// <param name="Pcdp10Change">After less before.</param>
/// <param name="Pcdp10ChangeError">Its standard error under other views of the same objects.</param>
public sealed record SetChange(string Set, DenseCorrespondence Before, DenseCorrespondence After, double Pcdp10Change, double? Pcdp10ChangeError, IReadOnlyList<ObjectChange> Objects)
{
    /// <summary>Means over objects.</summary>
    public static SetChange Of(string set, IReadOnlyList<ObjectChange> objects)
    {
        double squares = objects.Sum(o => o.Pcdp10ChangeError * o.Pcdp10ChangeError ?? double.PositiveInfinity);
        return new SetChange(
            set, DenseCorrespondence.Mean([.. objects.Select(o => o.Before)]), DenseCorrespondence.Mean([.. objects.Select(o => o.After)]), objects.Average(o => o.Pcdp10Change),
            double.IsFinite(squares) ? Math.Sqrt(squares) / objects.Count : null, objects);
    }
}

/// <summary>A point of a run's curves.</summary>
/// <param name="Step">Updates done.</param>
/// <param name="Loss">Mean loss since the last point; null where there is none.</param>
/// <param name="Pcdp10">Of the own object's unseen views; null where it was not measured.</param>
public sealed record CurvePoint(int Step, double? Loss, double? Pcdp10);

/// <summary>The gate's verdict and everything that it rests on.</summary>
public sealed record GateReport
{
    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        WriteIndented = true,
        NewLine = "\n",
        DefaultIgnoreCondition = JsonIgnoreCondition.Never,
    };

    /// <summary>Of the JSON; goes up when a field changes its meaning.</summary>
    public int SchemaVersion { get; init; } = 1;

    public required bool IsAccepted { get; init; }

    /// <summary>Why the adapter is refused; empty when it is accepted.</summary>
    public required IReadOnlyList<string> Reasons { get; init; }

    /// <summary>Of the weights that the adapter belongs to.</summary>
    public required string BackboneDigest { get; init; }

    /// <summary>Of the adapter's file.</summary>
    public required string AdapterDigest { get; init; }

    /// <summary>How the own object was measured; the reference set the same way, but for the seeds of its objects.</summary>
    public required EvaluationSettings Settings { get; init; }

    /// <summary>What had to be met.</summary>
    public GateLimits Limits { get; init; } = GateLimits.Default;

    /// <summary>The own object; null when the adapter was refused unmeasured.</summary>
    public ObjectChange? Own { get; init; }

    /// <summary>The reference set; null when the adapter was refused before it.</summary>
    public SetChange? Others { get; init; }

    /// <summary>How long the verdict took.</summary>
    public double Seconds { get; init; }

    /// <summary>How the adapter was made, as the recipe's own JSON; null when that is not known.</summary>
    public JsonNode? Recipe { get; init; }

    /// <summary>Of the run that made the adapter; empty when they are not known.</summary>
    public IReadOnlyList<CurvePoint> Curve { get; init; } = [];

    /// <summary>snake_case names; figures are fractions, not per cent.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, Json) + "\n";

    /// <exception cref="JsonException">Not such a report.</exception>
    public static GateReport FromJson(string json) => JsonSerializer.Deserialize<GateReport>(json, Json) ?? throw new JsonException("a report needed, null given");
}
