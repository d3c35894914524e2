using System.Net;
using CorrMesh.Protos.Common.V1;
using Xunit;

namespace CorrMesh.Gateway.Tests.Http;

public sealed class MatchRoutesTests
{
    [Fact]
    public async Task PostMatch_Points_GivesMatchesInTheDocumentedShape()
    {
        var matching = new FakeMatching();
        await using var mesh = await FakeMesh.StartAsync(matching: matching);

        var answer = await mesh.PostAsync("/v1/match", ("source", new byte[] { 1 }), ("target", new byte[] { 2 }), ("points", "1.5,2; -0.5 , 1e2;"));

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal(
            """{"matches":[{"source":{"x":1.5,"y":2},"target":{"x":3,"y":-0.25},"similarity":0.75,"cycle_error_px":12.5,"visible":true}],"source_size":{"width":640,"height":480},"target_size":{"width":640,"height":480},"source_features_key":"k1","target_features_key":"k2","identity":{"model":"compact","model_digest":"ab","adapter":"paper","adapter_digest":"cd"},"timings":{"decode_ms":0,"queue_ms":0,"compute_ms":0,"cache_ms":0,"total_ms":1.5}}""",
            await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        Assert.Equal([new Point { X = 1.5, Y = 2 }, new Point { X = -0.5, Y = 100 }], matching.Last!.Selection.Points.Points);
        Assert.Equal((1, 2), (matching.Last.Source.Image.Encoded[0], matching.Last.Target.Image.Encoded[0]));
        Assert.Equal(new FeatureSpec(), matching.Last.Spec);
    }

    // curl's -F ends a value at its first semicolon, so a space does as well.
    [Theory]
    [InlineData("1.5,2 -0.5,1e2")]
    [InlineData(" 1.5 , 2  -0.5,\t1e2 ")]
    [InlineData("1.5,2\n-0.5,1e2;")]
    public async Task PostMatch_PointsSeparatedByWhiteSpace_AreTheSamePoints(string points)
    {
        var matching = new FakeMatching();
        await using var mesh = await FakeMesh.StartAsync(matching: matching);

        var answer = await mesh.PostAsync("/v1/match", ("source", new byte[] { 1 }), ("target", new byte[] { 2 }), ("points", points));

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal([new Point { X = 1.5, Y = 2 }, new Point { X = -0.5, Y = 100 }], matching.Last!.Selection.Points.Points);
    }

    [Theory]
    [InlineData("1")]
    [InlineData("128")]
    public async Task PostMatch_Grid_AsksForTheGrid(string grid)
    {
        var matching = new FakeMatching();
        await using var mesh = await FakeMesh.StartAsync(matching: matching);

        var answer = await mesh.PostAsync("/v1/match", ("source", Sample.Picture), ("target", Sample.Picture), ("grid", grid));

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal((uint.Parse(grid), uint.Parse(grid)), (matching.Last!.Selection.Grid.Columns, matching.Last.Selection.Grid.Rows));
    }

    // Goal: whatever is wrong with the form is a 400 that names the field. Method: a right request with one thing changed.
    [Theory]
    [InlineData("points", "", "points")]
    [InlineData("points", " ", "points")]
    [InlineData("points", ";", "points[0]")]
    [InlineData("points", "1", "points[0]")]
    [InlineData("points", "1,2,3", "points[0]")]
    [InlineData("points", "1,2;3,four", "points[1].y")]
    [InlineData("points", "NaN,2", "points[0].x")]
    [InlineData("points", "1,Infinity", "points[0].y")]
    [InlineData("points", "1,1e999", "points[0].y")]
    [InlineData("points", "1,2;;3,4", "points[1]")]
    [InlineData("grid", "0", "grid")]
    [InlineData("grid", "129", "grid")]
    [InlineData("grid", "-1", "grid")]
    [InlineData("grid", "2.5", "grid")]
    [InlineData("grid", "", "grid")]
    [InlineData("grid", "99999999999999999999", "grid")]
    public async Task PostMatch_SelectionWrong_IsRefusedNamingTheField(string name, string value, string field)
    {
        var matching = new FakeMatching();
        await using var mesh = await FakeMesh.StartAsync(matching: matching);

        var (detail, fields) = await (await mesh.PostAsync("/v1/match", ("source", Sample.Picture), ("target", Sample.Picture), (name, value))).ProblemAsync(400);

        Assert.Equal([field], fields);
        Assert.StartsWith(field + ": ", detail, StringComparison.Ordinal);
        Assert.Null(matching.Last);
    }

    [Theory]
    [InlineData("7")]
    [InlineData("161")]
    [InlineData("forty")]
    public async Task PostMatch_TokensOutOfBounds_IsRefused(string tokens)
    {
        await using var mesh = await FakeMesh.StartAsync();

        var (detail, fields) = await (await mesh.PostAsync(
            "/v1/match", ("source", Sample.Picture), ("target", Sample.Picture), ("grid", "4"), ("tokens", tokens))).ProblemAsync(400);

        Assert.Equal(["tokens"], fields);
        Assert.Equal($"tokens: a whole number from 8 to 160 needed, '{tokens}' given", detail);
    }

    [Fact]
    public async Task PostMatch_NeitherPointsNorGrid_IsRefused()
    {
        await using var mesh = await FakeMesh.StartAsync();

        var (_, fields) = await (await mesh.PostAsync("/v1/match", ("source", Sample.Picture), ("target", Sample.Picture))).ProblemAsync(400);

        Assert.Equal(["points"], fields);
    }

    [Fact]
    public async Task PostMatch_BothPointsAndGrid_IsRefused()
    {
        await using var mesh = await FakeMesh.StartAsync();

        var (_, fields) = await (await mesh.PostAsync(
            "/v1/match", ("source", Sample.Picture), ("target", Sample.Picture), ("points", "1,1"), ("grid", "2"))).ProblemAsync(400);

        Assert.Equal(["points"], fields);
    }

    [Theory]
    [InlineData(9, 200)]
    [InlineData(10, 400)]
    public async Task PostMatch_PointsAtTheLimitAndOnePast_FirstServedSecondRefused(int count, int status)
    {
        await using var mesh = await FakeMesh.StartAsync(settings: ("CorrMesh:Limits:Points", "9"));

        var answer = await mesh.PostAsync(
            "/v1/match", ("source", Sample.Picture), ("target", Sample.Picture), ("points", string.Join(';', Enumerable.Repeat("1,1", count))));

        Assert.Equal(status, (int)answer.StatusCode);
        if (status == 400) Assert.Equal("points: at most 9 allowed, more given", (await answer.ProblemAsync(400)).Detail);
    }

    [Fact]
    public async Task PostMatch_PointsOfTheLargestForm_AreServed()
    {
        var matching = new FakeMatching();
        await using var mesh = await FakeMesh.StartAsync(matching: matching);
        string points = string.Join(';', Enumerable.Repeat("1234.5678901234567,2345.6789012345678", 16_384));

        var answer = await mesh.PostAsync("/v1/match", ("source", Sample.Picture), ("target", Sample.Picture), ("points", points));

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal(16_384, matching.Last!.Selection.Points.Points.Count);
    }
}
