using System.Numerics;
using CorrMesh.Rendering.Views;
using CorrMesh.Training.Measuring;
using Xunit;

namespace CorrMesh.Training.Tests.Measuring;

public class ObjectProbeTests
{
    private static readonly EvaluationSettings Small = new() { Size = 96, ViewCount = 6, PointCount = 64, MaxAngle = 100 };

    [Fact]
    public void Render_SameSeed_GivesTheSamePicturesAndPoints()
    {
        ObjectProbe probe = ObjectProbe.Render("box", Placed.Box, Small);
        Assert.Equal(probe.Digest(), ObjectProbe.Render("box", Placed.Box, Small with { Threads = 2 }).Digest());
        Assert.NotEqual(probe.Digest(), ObjectProbe.Render("box", Placed.Box, Small with { Seed = 2 }).Digest());
        Assert.NotEqual(probe.Digest(), ObjectProbe.Render("box", Placed.Box, Small with { PointCount = 63 }).Digest());
        Assert.Equal(6, probe.Pictures.Count);
    }

    // Goal: backgrounds differ from view to view and the object is before them. Method: corners of the pictures, which the object does not reach.
    [Fact]
    public void Render_Backgrounds_DifferFromViewToView()
    {
        ObjectProbe probe = ObjectProbe.Render("box", Placed.Box, Small);
        Assert.Equal(probe.Pictures.Count, probe.Pictures.Select(picture => Convert.ToHexString(picture.Pixels.AsSpan(0, 60))).Distinct().Count());
    }

    // Goal: source and truth are one place of the object. Method: an object whose colour is the place: colours at both ends agree, to the places' change over a pixel
    // and the rounding to 8 bits; and each source lies on the object, whose colour black is not.
    [Fact]
    public void FromViews_PointsAndTruths_ShowTheSamePlace()
    {
        ObjectView[] views = Placed.Views(8, 3);
        ObjectProbe probe = ObjectProbe.FromViews("box", views, Small);
        Assert.NotEmpty(probe.Pairs);
        var distances = new List<float>();
        foreach (ProbePair pair in probe.Pairs)
        {
            for (int i = 0; i < pair.PointCount; i++)
            {
                Vector3 source = Placed.At(views[pair.Source].Image, (int)pair.Points[2 * i], (int)pair.Points[2 * i + 1]);
                Vector3 target = Placed.At(views[pair.Target].Image, (int)Math.Round(pair.Truths[2 * i]), (int)Math.Round(pair.Truths[2 * i + 1]));
                Assert.Equal(0.5f, pair.Points[2 * i] % 1);
                Assert.NotEqual(Vector3.Zero, source);
                distances.Add(Vector3.Distance(source, target));
            }
        }
        Assert.True(distances.Order().ElementAt(distances.Count * 9 / 10) < 8, $"nine of ten within {distances.Order().ElementAt(distances.Count * 9 / 10)} levels");
        Assert.True(distances.Max() < 40, $"all within {distances.Max()} levels");
    }

    [Fact]
    public void FromViews_Pairs_AreThoseWithinTheAngleInBothDirections()
    {
        ObjectView[] views = Placed.Views(8, 3);
        ObjectProbe probe = ObjectProbe.FromViews("box", views, Small with { MaxAngle = 60 });
        (int, int)[] expected =
        [
            .. from source in Enumerable.Range(0, 8)
               from target in Enumerable.Range(0, 8)
               where source != target && views[source].ObjectToCamera.AngleTo(views[target].ObjectToCamera) <= 60
               select (source, target),
        ];
        Assert.NotEmpty(expected);
        Assert.True(expected.Length < 56);
        Assert.Equal(expected, probe.Pairs.Select(pair => (pair.Source, pair.Target)));
    }

    // Goal: few points are a fair draw from all, not those of one corner. Method: their middle against that of all points.
    [Fact]
    public void FromViews_FewPoints_AreDrawnFromAllOverTheObject()
    {
        ObjectView[] views = Placed.Views(4, 5);
        ProbePair all = ObjectProbe.FromViews("box", views, Small with { PointCount = 100_000 }).Pairs[0], few = ObjectProbe.FromViews("box", views, Small).Pairs[0];
        Assert.True(all.PointCount > 500);
        Assert.Equal(64, few.PointCount);
        (double X, double Y) Middle(ProbePair pair) => (pair.Points.Where((_, i) => i % 2 == 0).Average(), pair.Points.Where((_, i) => i % 2 == 1).Average());
        Assert.Equal(Middle(all).X, Middle(few).X, 6.0);
        Assert.Equal(Middle(all).Y, Middle(few).Y, 6.0);
        HashSet<(float, float)> known = [.. Enumerable.Range(0, all.PointCount).Select(i => (all.Points[2 * i], all.Points[2 * i + 1]))];
        Assert.Equal(64, Enumerable.Range(0, 64).Select(i => (few.Points[2 * i], few.Points[2 * i + 1])).Distinct().Count(known.Contains));
    }

    [Fact]
    public void FromViews_NoPairOrNoDepth_SaysSo()
    {
        ObjectView[] views = Placed.Views(3, 5, 64);
        Assert.Contains("max_angle 1", Assert.Throws<InvalidOperationException>(() => ObjectProbe.FromViews("box", views, Small with { MaxAngle = 1 })).Message, StringComparison.Ordinal);
        views[1] = views[1] with { DepthMetres = null };
        Assert.Contains("views[1]: depth needed", Assert.Throws<ArgumentException>(() => ObjectProbe.FromViews("box", views, Small)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Render_Cancelled_Stops() =>
        Assert.Throws<OperationCanceledException>(() => ObjectProbe.Render("box", Placed.Box, Small, cancellation: new CancellationToken(canceled: true)));

    [Fact]
    public void Faults_EveryFieldOutOfRange_NamesAll()
    {
        var none = new EvaluationSettings { ViewCount = 2, MaxAngle = double.NaN, Size = 63, Tokens = 7, PointCount = 15, Seed = -1, Threads = 0 };
        string[] fields = ["view_count", "max_angle", "size", "tokens", "point_count", "seed", "threads"];
        Assert.Equal(fields, none.Faults().Select(fault => fault.Split(':')[0]));
        Assert.Contains("view_count: 3 to 32 needed, 2 given", Assert.Throws<ArgumentException>(none.Validate).Message, StringComparison.Ordinal);
        Assert.Empty(new EvaluationSettings().Faults());
        Assert.Empty(new EvaluationSettings { ViewCount = 32, MaxAngle = 180, Size = 2048, Tokens = 160, PointCount = 262_144, Seed = int.MaxValue, Threads = 256 }.Faults());
    }
}
