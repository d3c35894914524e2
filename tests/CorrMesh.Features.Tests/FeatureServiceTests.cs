using CorrMesh.Features.Tests.Support;
using CorrMesh.Hosting;
using CorrMesh.Protos.Common.V1;
using CorrMesh.Protos.Features.V1;
using CorrMesh.Protos.Status.V1;
using CorrMesh.Vision.Features;
using CorrMesh.Vision.Images;
using Grpc.Core;
using Xunit;
using CoreStage = CorrMesh.Vision.Features.FeatureStage;
using WireStage = CorrMesh.Protos.Common.V1.FeatureStage;

namespace CorrMesh.Features.Tests;

/// <summary>Every call that can be answered, over gRPC on the loopback.</summary>
public sealed class FeatureServiceTests
{
    private static CancellationToken Test => TestContext.Current.CancellationToken;

    [Fact]
    public async Task ListModels_NamesWhatRequestsMayName()
    {
        await using FeatureHost host = await FeatureHost.StartAsync();
        ListModelsResponse response = await host.Client.ListModelsAsync(new ListModelsRequest(), cancellationToken: Test);
        Assert.Equal(("tiny", 8u, 160u), (response.DefaultModel, response.MinTokens, response.MaxTokens));
        Assert.Equal(response.Models.Select(m => m.Name).Order(StringComparer.Ordinal), response.Models.Select(m => m.Name));
        Model tiny = response.Models.Single(model => model.Name == "tiny");
        Assert.Equal((14u, 12u, 2u, 16u), (tiny.PatchSize, tiny.Width, tiny.Depth, tiny.DefaultTokens));
        Assert.Equal("tuned", Assert.Single(tiny.Adapters).Name);
        Assert.Matches("^[0-9a-f]{64}$", tiny.Digest);
        Assert.Empty(response.Models.Single(model => model.Name == "wide").Adapters);
    }

    // Goal: what comes back is the network's map, rounded to fp16, with the geometry of the contract. Method: the fake network's map of the same picture.
    [Fact]
    public async Task ExtractFeatures_AnImage_GivesTheRoundedMapAndItsGeometry()
    {
        await using FeatureHost host = await FeatureHost.StartAsync();
        ExtractFeaturesResponse response = await host.Client.ExtractFeaturesAsync(
            new ExtractFeaturesRequest { Source = Make.Source(96, 64, 3), ReturnValues = DataType.F32 }, cancellationToken: Test);

        FeatureMap expected = Make.Map(96, 64, 3).Map;
        FeatureMapReference reference = response.Reference;
        Assert.Equal([(uint)expected.Y.Count, (uint)expected.X.Count, 12u], response.Values.Shape);
        Assert.Equal(expected.Values, Floats(response.Values));
        Assert.Equal((16u, 10u, 12u), (reference.Grid.Columns, reference.Grid.Rows, reference.Channels));
        Assert.Equal((96u, 64u), (reference.ImageSize.Width, reference.ImageSize.Height));
        // 96 px over 16 tokens and 64 px over 10: the centre of the first cell, less the half pixel of the wire's origin.
        Assert.Equal(6, reference.Grid.StepXPx, 1e-5);
        Assert.Equal(6.4, reference.Grid.StepYPx, 1e-5);
        Assert.Equal(2.5, reference.Grid.FirstCentre.X, 1e-5);
        Assert.Equal(2.7, reference.Grid.FirstCentre.Y, 1e-5);
        Assert.Equal(("tiny", "", ""), (reference.Identity.Model, reference.Identity.Adapter, reference.Identity.AdapterDigest));
        Assert.True(FeatureKey.IsWellFormed(reference.FeaturesKey));
        Assert.True(response.Timings.DecodeNs > 0 && response.Timings.TotalNs >= response.Timings.DecodeNs);
    }

    [Fact]
    public async Task ExtractFeatures_SameImageAgainByKeyOrRaw_ComputesOnlyWhatIsNew()
    {
        await using FeatureHost host = await FeatureHost.StartAsync();
        var request = new ExtractFeaturesRequest { Source = Make.Source(seed: 4), ReturnValues = DataType.F32 };
        ExtractFeaturesResponse first = await host.Client.ExtractFeaturesAsync(request, cancellationToken: Test);
        ExtractFeaturesResponse again = await host.Client.ExtractFeaturesAsync(request, cancellationToken: Test);
        ExtractFeaturesResponse byKey = await host.Client.ExtractFeaturesAsync(
            new ExtractFeaturesRequest { Source = Make.Key(first.Reference.FeaturesKey), ReturnValues = DataType.F32 }, cancellationToken: Test);
        Assert.Equal(1, host.Engine.ImageCount);
        Assert.Equal((first.Values, first.Reference), (again.Values, again.Reference));
        Assert.Equal((first.Values, first.Reference), (byKey.Values, byKey.Reference));
        Assert.Equal((0, 0, 0), (again.Timings.DecodeNs, again.Timings.QueueNs, again.Timings.ComputeNs));

        request.Source = new FeatureSource { Image = Make.Raw(Make.Picture(96, 64, 4)) };
        ExtractFeaturesResponse raw = await host.Client.ExtractFeaturesAsync(request, cancellationToken: Test);
        Assert.Equal(2, host.Engine.ImageCount);
        Assert.Equal(first.Values, raw.Values);
        Assert.NotEqual(first.Reference.FeaturesKey, raw.Reference.FeaturesKey);
    }

    [Fact]
    public async Task ExtractFeatures_ManyAtOnce_ComputeOnce()
    {
        await using FeatureHost host = await FeatureHost.StartAsync();
        host.Engine.Hold();
        Task<ExtractFeaturesResponse>[] calls =
            [.. Enumerable.Range(0, 20).Select(_ => host.Client.ExtractFeaturesAsync(new ExtractFeaturesRequest { Source = Make.Source() }, cancellationToken: Test).ResponseAsync)];
        await host.Engine.LaunchedAsync();
        host.Engine.Release();
        Assert.Single((await Task.WhenAll(calls)).Select(response => response.Reference.FeaturesKey).Distinct());
        Assert.Equal(1, host.Engine.ImageCount);
    }

    [Fact]
    public async Task ExtractFeatures_SpecOfEveryKind_ReachesTheNetwork()
    {
        await using FeatureHost host = await FeatureHost.StartAsync();
        async Task<FeatureMapReference> Of(FeatureSpec spec) =>
            (await host.Client.ExtractFeaturesAsync(new ExtractFeaturesRequest { Source = Make.Source(), Spec = spec }, cancellationToken: Test)).Reference;

        FeatureMapReference[] references =
        [
            await Of(new FeatureSpec()), await Of(new FeatureSpec { Model = "wide" }), await Of(new FeatureSpec { Adapter = "tuned" }), await Of(new FeatureSpec { Tokens = 24 }),
            await Of(new FeatureSpec { PatchStride = 7 }), await Of(new FeatureSpec { Stage = WireStage.PreNorm }),
        ];

        Assert.Equal(references.Length, references.Select(reference => reference.FeaturesKey).Distinct().Count());
        Assert.Equal(24u, references[1].Channels);
        Assert.Equal(("tuned", 64), (references[2].Identity.Adapter, references[2].Identity.AdapterDigest.Length));
        Assert.Equal((24u, 16u), (references[3].Grid.Columns, references[3].Grid.Rows));
        // 16 patches of 14 px at stride 7: one token every half patch, less the border.
        Assert.Equal((31u, 3), (references[4].Grid.Columns, Math.Round(references[4].Grid.StepXPx, 5)));
        Assert.Contains(host.Engine.Batches, batch => batch[0].Spec.Stage == CoreStage.PreNorm);
        Assert.Equal(references[0], await Of(new FeatureSpec { Model = "tiny", Tokens = 16, PatchStride = 14, Stage = WireStage.Normalised, Precision = Precision.F32 }));
    }

    [Fact]
    public async Task ExtractFeatures_NormaliseAndF16_GiveUnitTokens()
    {
        await using FeatureHost host = await FeatureHost.StartAsync();
        ExtractFeaturesResponse response = await host.Client.ExtractFeaturesAsync(
            new ExtractFeaturesRequest { Source = Make.Source(), ReturnValues = DataType.F16, Normalise = true }, cancellationToken: Test);
        float[] values = [.. response.Values.Data.Chunk(2).Select(pair => (float)BitConverter.ToHalf(pair))];
        Assert.All(values.Chunk(12), token => Assert.Equal(1, token.Sum(v => v * v), 3e-3));
    }

    // Goal: with a region of interest coordinates stay those of the whole image. Method: the same pixels sent cut out; grids and samples must agree up to the offset.
    [Fact]
    public async Task SampleDescriptors_RegionOfInterest_SpeaksOfTheWholeImage()
    {
        await using FeatureHost host = await FeatureHost.StartAsync();
        RgbImage whole = Make.Picture(96, 64, 5);
        var region = new PixelRegion(20, 10, 48, 32);
        Task<SampleDescriptorsResponse> Sample(Image image, FeatureSpec? spec, double dx, double dy) => host.Client.SampleDescriptorsAsync(
            new SampleDescriptorsRequest { Source = new FeatureSource { Image = image }, Spec = spec, Selection = Make.Points((dx, dy), (dx + 20.25, dy + 9.5)), ReturnValues = DataType.F32 },
            cancellationToken: Test).ResponseAsync;
        SampleDescriptorsResponse cut = await Sample(Make.Raw(region.CropFrom(whole)), null, 0, 0);
        SampleDescriptorsResponse part = await Sample(
            Make.Raw(whole), new FeatureSpec { RegionOfInterest = new Rectangle { X = 20, Y = 10, Width = 48, Height = 32 } }, 20, 10);

        Assert.Equal(cut.Values, part.Values);
        Assert.Equal((96u, 64u), (part.Reference.ImageSize.Width, part.Reference.ImageSize.Height));
        Assert.Equal((cut.Reference.Grid.FirstCentre.X + 20, cut.Reference.Grid.FirstCentre.Y + 10), (part.Reference.Grid.FirstCentre.X, part.Reference.Grid.FirstCentre.Y));
        SampleDescriptorsResponse grid = await host.Client.SampleDescriptorsAsync(
            new SampleDescriptorsRequest { Source = Make.Key(part.Reference.FeaturesKey), Selection = Make.Grid(2, 1) }, cancellationToken: Test);
        Assert.Equal([(31.5, 25.5), (55.5, 25.5)], grid.Points.Select(p => (p.X, p.Y)));
        await host.Client.SampleDescriptorsAsync(new SampleDescriptorsRequest { Source = Make.Key(part.Reference.FeaturesKey), Selection = Make.Points((19, 20)) }, cancellationToken: Test)
            .FailsAsync(StatusCode.InvalidArgument, "selection.points.points[0].x");
    }

    [Fact]
    public async Task SampleDescriptors_PointsAndGrid_AreTheCoreSamplersAnswer()
    {
        await using FeatureHost host = await FeatureHost.StartAsync();
        FeatureMap map = Make.Map(96, 64, 6).Map;
        foreach (bool normalise in new[] { false, true })
        {
            SampleDescriptorsResponse response = await host.Client.SampleDescriptorsAsync(
                new SampleDescriptorsRequest { Source = Make.Source(96, 64, 6), Selection = Make.Points((-0.5, -0.5), (10.25, 40), (95.4, 63.4)), Normalise = normalise, ReturnValues = DataType.F32 },
                cancellationToken: Test);
            Assert.Equal([3u, 12u], response.Values.Shape);
            Assert.Equal(KeypointSampler.Sample(map, [0, 0, 10.75f, 40.5f, 95.9f, 63.9f], normalise), Floats(response.Values));
            Assert.Equal([(-0.5, -0.5), (10.25, 40), (95.4, 63.4)], response.Points.Select(p => (p.X, p.Y)));
        }

        SampleDescriptorsResponse unasked = await host.Client.SampleDescriptorsAsync(
            new SampleDescriptorsRequest { Source = Make.Source(96, 64, 6), Selection = Make.Grid(128, 128) }, cancellationToken: Test);
        Assert.Null(unasked.Values);
        Assert.Equal(16_384, unasked.Points.Count);
        Assert.True(FeatureKey.IsWellFormed(unasked.DescriptorSetKey));
        Assert.Equal(1, host.Engine.ImageCount);
    }

    // Goal: a picture's own descriptors lead back to where they come from, by key and by value alike, at token centres and between them.
    [Fact]
    public async Task CorrelateDescriptors_OfTheSameImage_FindTheirPixels()
    {
        await using FeatureHost host = await FeatureHost.StartAsync();
        (double X, double Y)[] points = [(0, 0), (50, 20), (33, 47), (95, 63)];
        SampleDescriptorsResponse sampled = await host.Client.SampleDescriptorsAsync(
            new SampleDescriptorsRequest { Source = Make.Source(), Selection = Make.Points(points), ReturnValues = DataType.F32 }, cancellationToken: Test);
        foreach (DescriptorSet set in new[] { new DescriptorSet { DescriptorSetKey = sampled.DescriptorSetKey }, new DescriptorSet { Values = sampled.Values } })
        {
            CorrelateDescriptorsResponse found = await host.Client.CorrelateDescriptorsAsync(
                new CorrelateDescriptorsRequest { Descriptors = set, Target = Make.Source() }, cancellationToken: Test);
            Assert.All(found.Correlations, correlation => Assert.InRange(Assert.Single(correlation.Candidates).Similarity, 1 - 1e-5, 1));
            Assert.All(found.Correlations, correlation => Assert.Empty(correlation.HeatmapPng));
            // Beyond the outermost token centres the map is constant, so the corners are found at their first equal pixel.
            Assert.Equal((50, 20), (found.Correlations[1].Candidates[0].Position.X, found.Correlations[1].Candidates[0].Position.Y));
            Assert.Equal((33, 47), (found.Correlations[2].Candidates[0].Position.X, found.Correlations[2].Candidates[0].Position.Y));
            Assert.Equal((0, 0), (found.Correlations[0].Candidates[0].Position.X, found.Correlations[0].Candidates[0].Position.Y));
        }
    }

    [Fact]
    public async Task CorrelateDescriptors_TopK_AreApartAndBestFirst()
    {
        await using FeatureHost host = await FeatureHost.StartAsync();
        SampleDescriptorsResponse sampled = await host.Client.SampleDescriptorsAsync(
            new SampleDescriptorsRequest { Source = Make.Source(), Selection = Make.Points((50, 20), (10, 50)) }, cancellationToken: Test);
        foreach ((uint count, double separation) in new[] { (5u, 0.0), (64u, 2), (8u, 30), (4u, 1e300) })
        {
            CorrelateDescriptorsResponse found = await host.Client.CorrelateDescriptorsAsync(
                new CorrelateDescriptorsRequest
                {
                    Descriptors = new DescriptorSet { DescriptorSetKey = sampled.DescriptorSetKey },
                    Target = Make.Source(),
                    TopK = count,
                    MinSeparationPx = separation,
                    ArgMax = new ArgMax(),
                }, cancellationToken: Test);
            double apart = separation == 0 ? Math.Max(found.Target.Grid.StepXPx, found.Target.Grid.StepYPx) : separation;
            Assert.Equal(2, found.Correlations.Count);
            foreach (DescriptorCorrelation correlation in found.Correlations)
            {
                Candidate[] candidates = [.. correlation.Candidates];
                Assert.InRange(candidates.Length, 1, (int)count);
                Assert.Equal(candidates.OrderByDescending(c => c.Similarity), candidates);
                foreach (Candidate one in candidates)
                    Assert.All(candidates.Where(other => other != one), other => Assert.True(Distance(one.Position, other.Position) > apart));
            }

            Assert.Equal(separation == 1e300 ? 1 : separation == 2 ? 64 : found.Correlations[0].Candidates.Count, found.Correlations[0].Candidates.Count);
        }
    }

    // Goal: many descriptors are answered in blocks and in order. Method: 700 descriptors against single calls for some of them.
    [Fact]
    public async Task CorrelateDescriptors_ManyDescriptors_AreAnsweredAsSingleOnes()
    {
        await using FeatureHost host = await FeatureHost.StartAsync();
        SampleDescriptorsResponse sampled = await host.Client.SampleDescriptorsAsync(
            new SampleDescriptorsRequest { Source = Make.Source(seed: 8), Selection = Make.Grid(35, 20), ReturnValues = DataType.F32 }, cancellationToken: Test);
        CorrelateDescriptorsResponse all = await host.Client.CorrelateDescriptorsAsync(
            new CorrelateDescriptorsRequest { Descriptors = new DescriptorSet { Values = sampled.Values }, Target = Make.Source(seed: 9) }, cancellationToken: Test);
        Assert.Equal(700, all.Correlations.Count);
        float[] values = Floats(sampled.Values);
        foreach (int i in new[] { 0, 255, 256, 511, 512, 699 })
        {
            CorrelateDescriptorsResponse one = await host.Client.CorrelateDescriptorsAsync(
                new CorrelateDescriptorsRequest
                {
                    Descriptors = new DescriptorSet { Values = WireTensors.Encode(values.AsSpan(i * 12, 12), DataType.F32, 1, 12) },
                    Target = Make.Source(seed: 9),
                }, cancellationToken: Test);
            Assert.Equal(one.Correlations[0], all.Correlations[i]);
        }
    }

    [Fact]
    public async Task CorrelateDescriptors_ZeroDescriptor_IsFoundAtTheFirstPixelWithSimilarityZero()
    {
        await using FeatureHost host = await FeatureHost.StartAsync();
        CorrelateDescriptorsResponse found = await host.Client.CorrelateDescriptorsAsync(
            new CorrelateDescriptorsRequest { Descriptors = new DescriptorSet { Values = WireTensors.Encode(new float[12], DataType.F32, 1, 12) }, Target = Make.Source() }, cancellationToken: Test);
        Candidate candidate = Assert.Single(found.Correlations[0].Candidates);
        Assert.Equal((0, 0, 0), (candidate.Position.X, candidate.Position.Y, candidate.Similarity));
    }

    // Goal: the weighted mean of the contract, written out. Method: brute force over the returned map; default radius of five token steps, and one given.
    [Fact]
    public async Task CorrelateDescriptors_SoftArgMax_IsTheContractsWeightedMean()
    {
        await using FeatureHost host = await FeatureHost.StartAsync();
        FeatureMap map = Make.Map(96, 64, 7).Map;
        float[] descriptor = KeypointSampler.Sample(map, [60.3f, 30.9f], normalise: false);
        foreach (double given in new[] { 0.0, 13 })
        {
            CorrelateDescriptorsResponse found = await host.Client.CorrelateDescriptorsAsync(
                new CorrelateDescriptorsRequest
                {
                    Descriptors = new DescriptorSet { Values = WireTensors.Encode(descriptor, DataType.F32, 1, 12) },
                    Target = Make.Source(96, 64, 7),
                    SoftArgMax = new SoftArgMax { RadiusPx = given },
                }, cancellationToken: Test);
            TokenGrid grid = found.Target.Grid;
            double radius = (given == 0 ? 5 * Math.Max(grid.StepXPx, grid.StepYPx) : given) * (1 + 1e-5);
            (double X, double Y, double Weight, double Cosine)[] tokens =
            [
                .. Enumerable.Range(0, map.TokenCount).Select(i =>
                {
                    double cosine = Cosine(descriptor, map.Values.AsSpan(i * 12, 12));
                    return (grid.FirstCentre.X + i % map.X.Count * grid.StepXPx, grid.FirstCentre.Y + i / map.X.Count * grid.StepYPx, Math.Exp(Math.Max(cosine, 0)), cosine);
                }),
            ];
            var best = tokens.MaxBy(token => token.Cosine);
            var near = tokens.Where(token => Math.Sqrt(Math.Pow(token.X - best.X, 2) + Math.Pow(token.Y - best.Y, 2)) <= radius).ToArray();
            Candidate candidate = Assert.Single(found.Correlations[0].Candidates);
            Assert.Equal(near.Sum(t => t.Weight * t.X) / near.Sum(t => t.Weight), candidate.Position.X, 1e-3);
            Assert.Equal(near.Sum(t => t.Weight * t.Y) / near.Sum(t => t.Weight), candidate.Position.Y, 1e-3);
            Assert.Equal(best.Cosine, candidate.Similarity, 1e-5);
        }
    }

    [Fact]
    public async Task CorrelateDescriptors_Heatmaps_HaveTheTargetsAspectAndABoundedSize()
    {
        await using FeatureHost host = await FeatureHost.StartAsync();
        Tensor values = WireTensors.Encode([.. Enumerable.Range(0, 192).Select(i => MathF.Sin(i))], DataType.F32, 16, 12)!;
        foreach ((int width, int height, int shownWidth, int shownHeight) in new[] { (96, 64, 96, 64), (2048, 512, 1024, 256) })
        {
            CorrelateDescriptorsResponse found = await host.Client.CorrelateDescriptorsAsync(
                new CorrelateDescriptorsRequest { Descriptors = new DescriptorSet { Values = values }, Target = Make.Source(width, height), ReturnHeatmaps = true }, cancellationToken: Test);
            Assert.Equal(16, found.Correlations.Count);
            foreach (DescriptorCorrelation correlation in found.Correlations)
            {
                RgbImage picture = ImageDecoder.Decode(correlation.HeatmapPng.Span);
                Assert.Equal((shownWidth, shownHeight), (picture.Width, picture.Height));
                Assert.True(picture.Pixels.Distinct().Count() > 10);
            }
        }
    }

    // Goal: nearest neighbours both ways as the contract says. Method: brute force over all pairs.
    [Fact]
    public async Task MatchDescriptorSets_TokensAndGrid_AreBruteForce()
    {
        await using FeatureHost host = await FeatureHost.StartAsync();
        FeatureMap target = Make.Map(96, 64, 12).Map;
        SampleDescriptorsResponse sampled = await host.Client.SampleDescriptorsAsync(
            new SampleDescriptorsRequest { Source = Make.Source(seed: 11), Selection = Make.Grid(9, 7), ReturnValues = DataType.F32 }, cancellationToken: Test);
        float[] sources = Floats(sampled.Values);
        foreach (Grid? grid in new[] { null, new Grid { Columns = 8, Rows = 5 } })
        {
            float[] others = grid is null
                ? target.Values
                : KeypointSampler.Sample(target, [.. Enumerable.Range(0, 40).SelectMany(i => new[] { (i % 8 + 0.5f) * 12, (i / 8 + 0.5f) * 12.8f })], normalise: false);
            var request = new MatchDescriptorSetsRequest { Descriptors = new DescriptorSet { Values = sampled.Values }, Target = Make.Source(seed: 12), TargetGrid = grid, IncludeOneWay = true };
            MatchDescriptorSetsResponse all = await host.Client.MatchDescriptorSetsAsync(request, cancellationToken: Test);
            request.IncludeOneWay = false;
            MatchDescriptorSetsResponse mutual = await host.Client.MatchDescriptorSetsAsync(request, cancellationToken: Test);

            int n = sources.Length / 12, m = others.Length / 12;
            int[] there = [.. Enumerable.Range(0, n).Select(i => Nearest(i, sources, others, m))], back = [.. Enumerable.Range(0, m).Select(j => Nearest(j, others, sources, n))];
            Assert.Equal(Enumerable.Range(0, n), all.Matches.Select(match => (int)match.SetIndex));
            foreach (SetMatch match in all.Matches)
            {
                int i = (int)match.SetIndex, j = there[i];
                Assert.Equal(back[j] == i, match.Mutual);
                Assert.Equal(Cosine(sources.AsSpan(i * 12, 12), others.AsSpan(j * 12, 12)), match.Similarity, 1e-5);
                TokenGrid tokens = all.Target.Grid;
                (double x, double y) = grid is null
                    ? (tokens.FirstCentre.X + j % target.X.Count * tokens.StepXPx, tokens.FirstCentre.Y + j / target.X.Count * tokens.StepYPx)
                    : ((j % 8 + 0.5) * 12 - 0.5, (j / 8 + 0.5) * 12.8 - 0.5);
                Assert.Equal(x, match.Position.X, 1e-3);
                Assert.Equal(y, match.Position.Y, 1e-3);
            }

            Assert.Equal(all.Matches.Where(match => match.Mutual), mutual.Matches);
            Assert.NotEmpty(mutual.Matches);
        }
    }

    [Fact]
    public async Task RenderFeatures_ImagesAndKeys_AreDrawnInTheirAspect()
    {
        await using FeatureHost host = await FeatureHost.StartAsync();
        ExtractFeaturesResponse known = await host.Client.ExtractFeaturesAsync(new ExtractFeaturesRequest { Source = Make.Source(96, 64, 1) }, cancellationToken: Test);
        RenderFeaturesResponse response = await host.Client.RenderFeaturesAsync(
            new RenderFeaturesRequest { Sources = { Make.Key(known.Reference.FeaturesKey), Make.Source(40, 80, 2) }, LongSidePx = 300, Spec = new FeatureSpec { Tokens = 16 } }, cancellationToken: Test);
        RgbImage[] pictures = [.. response.Images.Select(image => ImageDecoder.Decode(image.Png.Span))];
        Assert.Equal([(300, 200), (150, 300)], pictures.Select(picture => (picture.Width, picture.Height)));
        Assert.Equal(known.Reference, response.Images[0].Reference);

        RenderFeaturesResponse one = await host.Client.RenderFeaturesAsync(new RenderFeaturesRequest { Sources = { Make.Source(96, 64, 1) } }, cancellationToken: Test);
        Assert.Equal(640, ImageDecoder.Decode(one.Images[0].Png.Span).Width);
    }

    // Goal: one picture of all is the single pictures side by side, and nothing else. Method: both are asked for; every pixel is compared,
    // white where the shorter one has none.
    [Fact]
    public async Task RenderFeatures_SideBySide_IsThePicturesInOrder()
    {
        await using FeatureHost host = await FeatureHost.StartAsync();
        var request = new RenderFeaturesRequest { Sources = { Make.Source(96, 64, 1), Make.Source(40, 80, 2) }, LongSidePx = 60, Spec = new FeatureSpec { Tokens = 16 } };
        RenderFeaturesResponse each = await host.Client.RenderFeaturesAsync(request, cancellationToken: Test);
        request.SideBySide = true;

        RenderFeaturesResponse together = await host.Client.RenderFeaturesAsync(request, cancellationToken: Test);

        Assert.Empty(each.SideBySidePng);
        Assert.All(together.Images, image => Assert.Empty(image.Png));
        Assert.Equal(each.Images.Select(image => image.Reference), together.Images.Select(image => image.Reference));
        RgbImage left = ImageDecoder.Decode(each.Images[0].Png.Span), right = ImageDecoder.Decode(each.Images[1].Png.Span), all = ImageDecoder.Decode(together.SideBySidePng.Span);
        Assert.Equal((60, 40, 30, 60, 90, 60), (left.Width, left.Height, right.Width, right.Height, all.Width, all.Height));
        for (int y = 0; y < all.Height; y++)
        {
            for (int x = 0; x < all.Width; x++)
            {
                byte[] expected = x >= 60 ? Pixel(right, x - 60, y) : y < 40 ? Pixel(left, x, y) : [255, 255, 255];
                Assert.Equal(expected, Pixel(all, x, y));
            }
        }

        static byte[] Pixel(RgbImage image, int x, int y) => image.Pixels[(3 * (y * image.Width + x))..(3 * (y * image.Width + x) + 3)];
    }

    // Goal: an operator sees device, queue, store and its hits. Method: the same image twice: one miss, one hit.
    [Fact]
    public async Task GetStatus_AfterOneMissAndOneHit_TellsDeviceQueueAndStore()
    {
        await using FeatureHost host = await FeatureHost.StartAsync(("CorrMesh:Limits:QueueLength", "9"));
        for (int i = 0; i < 2; i++) await host.Client.ExtractFeaturesAsync(new ExtractFeaturesRequest { Source = Make.Source(96, 64, 1) }, cancellationToken: Test);

        GetStatusResponse status = await new StatusService.StatusServiceClient(host.Channel(MeshTopology.Features)).GetStatusAsync(new GetStatusRequest(), cancellationToken: Test);

        Assert.Equal(("cpu", "tiny"), (status.Facts["device"], status.Facts["default_model"]));
        Assert.Equal((0, 9, 1, 1, 1), (status.Numbers["queue.length"], status.Numbers["queue.capacity"], status.Numbers["store.hits"], status.Numbers["store.misses"], status.Numbers["store.count"]));
        Assert.InRange(status.Numbers["store.size"], 1, status.Numbers["store.capacity"]);
        Assert.Equal((2u, 2), (status.Latency.Count, status.Numbers["requests"]));
        Assert.True(status.Latency.Compute.P99Ns > 0 && status.Latency.Total.P99Ns >= status.Latency.Total.P50Ns);
    }

    private static float[] Floats(Tensor tensor) => WireTensors.DecodeMatrix(
        new Tensor { DataType = tensor.DataType, Data = tensor.Data, Shape = { tensor.Shape.Take(tensor.Shape.Count - 1).Aggregate(1u, (a, b) => a * b), tensor.Shape[^1] } }, 1 << 20, "t").Values;

    private static double Distance(Point a, Point b) => Math.Sqrt(Math.Pow(a.X - b.X, 2) + Math.Pow(a.Y - b.Y, 2));

    private static int Nearest(int from, float[] of, float[] among, int count) =>
        Enumerable.Range(0, count).MaxBy(j => Cosine(of.AsSpan(from * 12, 12), among.AsSpan(j * 12, 12)));

    private static double Cosine(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        double dot = 0, aa = 0, bb = 0;
        for (int i = 0; i < a.Length; i++) (dot, aa, bb) = (dot + (double)a[i] * b[i], aa + (double)a[i] * a[i], bb + (double)b[i] * b[i]);
        return dot / Math.Sqrt(aa * bb);
    }
}
