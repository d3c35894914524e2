using System.Diagnostics;
using System.Globalization;
using CorrMesh.Vision.Adapters;
using CorrMesh.Vision.Backbones;
using CorrMesh.Vision.Features;

namespace CorrMesh.Training.Measuring;

/// <summary>What an adapter must meet to be published.</summary>
/// <param name="GainErrors">The own object's PCDP@0.1 must rise by more than this many of the rise's standard errors: a one-sided 95 % by default.</param>
/// <param name="MeanLoss">PCDP@0.1 that may be lost on the mean of the reference set.</param>
/// <param name="ObjectLoss">PCDP@0.1 that may be lost on any of its objects.</param>
public sealed record GateLimits(double GainErrors, double MeanLoss, double ObjectLoss)
{
    public static GateLimits Default { get; } = new(GainErrors: 1.645, MeanLoss: 0.02, ObjectLoss: 0.05);
}

/// <summary>An adapter that is to be judged, and what it belongs to.</summary>
/// <param name="Backbone">Borrowed, on the calling thread.</param>
/// <param name="BackboneDigest">Of its weights.</param>
/// <param name="Adapter">Fits the backbone.</param>
/// <param name="AdapterDigest">Of its file.</param>
public sealed record GateSubject(VisionTransformer Backbone, string BackboneDigest, Adapter Adapter, string AdapterDigest);

/// <summary>Lets an adapter pass that finds its own object better from sides that it was not trained on, and other objects hardly worse.</summary>
public static class PublishGate
{
    /// <summary>Measures and judges, on the calling thread.</summary>
    /// <param name="subject">What is judged.</param>
    /// <param name="own">The adapter's own object, in views that it was not trained on.</param>
    /// <param name="others">What it was not trained on at all.</param>
    /// <param name="settings">Those of <paramref name="own"/>; the seed of each other object takes the place of theirs.</param>
    /// <param name="report">Receives progress.</param>
    /// <param name="kept">Where figures of the bare backbone on the other objects are kept from one verdict to the next; null for nowhere.</param>
    /// <param name="cancellation">Looked at all along.</param>
    /// <exception cref="ArgumentException">The adapter does not fit the backbone, or the settings have faults.</exception>
    public static GateReport Judge(
        GateSubject subject, ObjectProbe own, ReferenceSet others, EvaluationSettings settings, Action<EvaluationProgress>? report = null, FigureCache? kept = null,
        CancellationToken cancellation = default)
    {
        settings.Validate();
        subject.Adapter.RequireFit(subject.Backbone.Config);
        var clock = Stopwatch.StartNew();
        var verdict = new GateReport
        {
            IsAccepted = false,
            Reasons = [],
            BackboneDigest = subject.BackboneDigest,
            AdapterDigest = subject.AdapterDigest,
            Settings = settings,
        };
        if (Fault(subject.Adapter) is { } fault) return verdict with { Reasons = [fault], Seconds = clock.Elapsed.TotalSeconds };
        using var bare = new FeatureModel(subject.Backbone);
        using var adapted = new FeatureModel(subject.Backbone, subject.Adapter);
        try
        {
            verdict = verdict with { Own = Compare(own, null) };
            var changes = new List<ObjectChange>();
            foreach (ReferenceObject other in others.Objects)
                changes.Add(Compare(ObjectProbe.Render(other.Name, other.Make(), settings with { Seed = other.Seed }, cancellation: cancellation), kept));
            verdict = verdict with { Others = SetChange.Of(others.Name, changes) };
        }
        catch (UnusableFeaturesException unusable)
        {
            return verdict with { Reasons = [unusable.Message], Seconds = clock.Elapsed.TotalSeconds };
        }
        IReadOnlyList<string> reasons = Reasons(verdict.Own!, verdict.Others!, verdict.Limits);
        return verdict with { IsAccepted = reasons.Count == 0, Reasons = reasons, Seconds = clock.Elapsed.TotalSeconds };

        ObjectChange Compare(ObjectProbe probe, FigureCache? cache)
        {
            ObjectFigures? before = cache?.Find(probe);
            if (before is not null)
            {
                report?.Invoke(new EvaluationProgress(probe.Name, 1, 1));
            }
            else
            {
                before = ModelEvaluator.Evaluate(bare, probe, settings, report, cancellation);
                cache?.Keep(probe, before);
            }
            return ObjectChange.Between(probe, before, ModelEvaluator.Evaluate(adapted, probe, settings, report, cancellation));
        }
    }

    /// <summary>What is wrong with an adapter's numbers before anything is measured, or null.</summary>
    public static string? Fault(Adapter adapter)
    {
        bool isZero = true;
        foreach ((string name, float[] values) in Arrays(adapter))
        {
            int at = Array.FindIndex(values, value => !float.IsFinite(value));
            if (at >= 0) return $"adapter {name}[{at}]: finite values needed, {values[at]} given";
            isZero &= Array.TrueForAll(values, value => value == 0);
        }
        return isZero ? "adapter: values other than 0 needed, all are 0" : null;
    }

    /// <summary>Why measured changes do not suffice; empty when they do.</summary>
    public static IReadOnlyList<string> Reasons(ObjectChange own, SetChange others, GateLimits limits)
    {
        var reasons = new List<string>();
        if (own.Pcdp10ChangeError is not { } error) reasons.Add($"own object '{own.Name}': pairs among at least 3 views needed to know the noise of its figures, fewer given");
        else if (!(own.Pcdp10Change > limits.GainErrors * error))
            reasons.Add($"own object '{own.Name}': PCDP@0.1 must rise by more than its noise of {Points(limits.GainErrors * error)} points on unseen views, {FromTo(own.Before.Pcdp10, own.After.Pcdp10)} given");
        if (!(others.Pcdp10Change >= -limits.MeanLoss))
            reasons.Add($"reference set {others.Set}: PCDP@0.1 may fall by {Points(limits.MeanLoss)} points on the mean, {FromTo(others.Before.Pcdp10, others.After.Pcdp10)} given");
        foreach (ObjectChange other in others.Objects)
            if (!(other.Pcdp10Change >= -limits.ObjectLoss))
                reasons.Add($"reference object '{other.Name}': PCDP@0.1 may fall by {Points(limits.ObjectLoss)} points on any, {FromTo(other.Before.Pcdp10, other.After.Pcdp10)} given");
        return reasons;
    }

    private static IEnumerable<(string Name, float[] Values)> Arrays(Adapter adapter)
    {
        for (int i = 0; i < adapter.Blocks.Count; i++)
        {
            yield return ($"lora.{i}.q.a", adapter.Blocks[i].QueryA);
            yield return ($"lora.{i}.q.b", adapter.Blocks[i].QueryB);
            yield return ($"lora.{i}.v.a", adapter.Blocks[i].ValueA);
            yield return ($"lora.{i}.v.b", adapter.Blocks[i].ValueB);
        }
        for (int i = 0; i < adapter.Refine.Count; i++)
        {
            yield return ($"refine.{i}.weight", adapter.Refine[i].Weight);
            yield return ($"refine.{i}.bias", adapter.Refine[i].Bias);
        }
    }

    private static string FromTo(double before, double after) => $"{Points(before)} to {Points(after)}";

    private static string Points(double share) => (100 * share).ToString("F2", CultureInfo.InvariantCulture);
}
