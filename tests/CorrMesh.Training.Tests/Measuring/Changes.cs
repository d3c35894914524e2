using CorrMesh.Metrics;
using CorrMesh.Training.Measuring;

namespace CorrMesh.Training.Tests.Measuring;

/// <summary>Measured changes out of the air, for judging without measuring.</summary>
internal static class Changes
{
    /// <summary>PCDP@0.1 of an object before and after.</summary>
    public static ObjectChange Of(string name, double before, double after, double? error = 0.01) => new(
        name, 3, "sha256:views", 20, 4000, new DenseCorrespondence(0.2, before / 2, before, (1 + before) / 2), new DenseCorrespondence(0.1, after / 2, after, (1 + after) / 2), after - before, error);

    public static GateReport Report(ObjectChange? own, SetChange? others, params string[] reasons) => new()
    {
        IsAccepted = reasons.Length == 0,
        Reasons = reasons,
        BackboneDigest = "sha256:backbone",
        AdapterDigest = "sha256:adapter",
        Settings = new EvaluationSettings { Seed = 8 },
        Own = own,
        Others = others,
        Seconds = 1.5,
        Curve = [new CurvePoint(0, null, 0.4), new CurvePoint(20, 1.25, null), new CurvePoint(20, null, 0.5)],
    };
}
