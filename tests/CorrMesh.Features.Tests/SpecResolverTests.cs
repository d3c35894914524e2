using CorrMesh.Features.Tests.Support;
using CorrMesh.Hosting.Errors;
using CorrMesh.Hosting.Options;
using CorrMesh.Protos.Common.V1;
using CorrMesh.Vision.Images;
using Xunit;
using CoreStage = CorrMesh.Vision.Features.FeatureStage;

namespace CorrMesh.Features.Tests;

public sealed class SpecResolverTests : IDisposable
{
    private readonly TestData data = new();
    private readonly SpecResolver resolver;
    private readonly string adapterDigest;

    public SpecResolverTests()
    {
        data.AddModel("tiny", defaultTokens: 16);
        data.AddModel("wide", width: 24, defaultTokens: 20);
        adapterDigest = data.AddAdapter("tuned", "tiny");
        resolver = new SpecResolver(data.Live(), new MeshLimits());
    }

    public void Dispose() => data.Dispose();

    [Fact]
    public void Resolve_NothingOrAnEmptySpec_GivesEveryDefault()
    {
        foreach (FeatureSpec? spec in new[] { null, new FeatureSpec() })
        {
            ResolvedSpec resolved = resolver.Resolve(spec);
            Assert.Equal(("tiny", 16, 14, CoreStage.Normalised), (resolved.Model.Name, resolved.Tokens, resolved.PatchStride, resolved.Stage));
            Assert.Null(resolved.Adapter);
            Assert.Null(resolved.Region);
        }
    }

    [Fact]
    public void Resolve_EverythingGiven_TakesIt()
    {
        ResolvedSpec resolved = resolver.Resolve(new FeatureSpec
        {
            Model = "tiny",
            Adapter = "tuned",
            Tokens = 40,
            PatchStride = 7,
            Stage = FeatureStage.PreNorm,
            Precision = Precision.F32,
            RegionOfInterest = new Rectangle { X = 1, Y = 2, Width = 3, Height = 4 },
        });
        Assert.Equal(("tuned", 40, 7, CoreStage.PreNorm), (resolved.Adapter!.Name, resolved.Tokens, resolved.PatchStride, resolved.Stage));
        Assert.Equal(new PixelRegion(1, 2, 3, 4), resolved.Region);
    }

    [Theory]
    [InlineData(8)]
    [InlineData(160)]
    public void Resolve_TokensAtTheLimits_AreTaken(uint tokens) => Assert.Equal((int)tokens, resolver.Resolve(new FeatureSpec { Tokens = tokens }).Tokens);

    [Theory]
    [InlineData(7u, "8 to 160 allowed, 7 given")]
    [InlineData(161u, "8 to 160 allowed, 161 given")]
    [InlineData(uint.MaxValue, "8 to 160 allowed, 4294967295 given")]
    public void Resolve_TokensPastTheLimits_AreRefused(uint tokens, string description) =>
        Refused(new FeatureSpec { Tokens = tokens }, "spec.tokens", description);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(7)]
    [InlineData(14)]
    public void Resolve_StridesThatDivideThePatch_AreTaken(uint stride) =>
        Assert.Equal((int)stride, resolver.Resolve(new FeatureSpec { Tokens = 8, PatchStride = stride }).PatchStride);

    [Theory]
    [InlineData(3)]
    [InlineData(13)]
    [InlineData(15)]
    [InlineData(28)]
    [InlineData(uint.MaxValue)]
    public void Resolve_OtherStrides_AreRefused(uint stride) =>
        Refused(new FeatureSpec { Tokens = 8, PatchStride = stride }, "spec.patch_stride", $"a divisor of the patch size 14 needed, {stride} given");

    // Goal: a finer stride does not get around the limit of tokens. Method: 80 tokens at stride 7 make 160, 81 make 162.
    [Fact]
    public void Resolve_FineStrideAtAndPastTheTokenLimit_IsTakenAndRefused()
    {
        Assert.Equal(80, resolver.Resolve(new FeatureSpec { Tokens = 80, PatchStride = 7 }).Tokens);
        Refused(new FeatureSpec { Tokens = 81, PatchStride = 7 }, "spec.patch_stride", "at most 160 tokens a side allowed, 81 tokens at stride 7 make 162");
    }

    [Fact]
    public void Resolve_UnknownEnumValues_AreRefused()
    {
        Refused(new FeatureSpec { Stage = (FeatureStage)9 }, "spec.stage", "NORMALISED or PRE_NORM allowed, 9 given");
        Refused(new FeatureSpec { Precision = (Precision)9 }, "spec.precision", "F32 allowed, 9 given");
    }

    [Theory]
    [InlineData(0u, 5u)]
    [InlineData(5u, 0u)]
    [InlineData(uint.MaxValue, 5u)]
    public void Resolve_RegionsThatCannotBe_AreRefused(uint width, uint height) =>
        Assert.Equal(
            "spec.region_of_interest",
            Assert.Throws<FieldException>(() => resolver.Resolve(new FeatureSpec { RegionOfInterest = new Rectangle { Width = width, Height = height } })).Violations[0].Field);

    [Fact]
    public void Resolve_UnknownModelOrAdapter_IsNotFound()
    {
        Assert.Equal(("model", "nothing"), Missing(new FeatureSpec { Model = "nothing" }));
        Assert.Equal(("adapter", "nothing"), Missing(new FeatureSpec { Adapter = "nothing" }));
        Assert.Equal(("adapter", "tuned"), Missing(new FeatureSpec { Model = "wide", Adapter = "tuned" }));   // another model's
        Assert.Equal(("model", "../tiny"), Missing(new FeatureSpec { Model = "../tiny" }));
    }

    [Fact]
    public void Resolve_AdapterWithItsDigest_IsTakenAndWithAnotherNotFound()
    {
        Assert.Equal(adapterDigest, resolver.Resolve(new FeatureSpec { Adapter = $"tuned@sha256:{adapterDigest}" }).Adapter!.Digest);
        foreach (string reference in new[] { $"tuned@sha256:{new string('0', 64)}", $"tuned@{adapterDigest}", "tuned@", $"tuned@sha256:{adapterDigest[..63]}", $"tuned@sha256:{adapterDigest}@" })
            Assert.Equal(("adapter", Shortened(reference)), Missing(new FeatureSpec { Adapter = reference }));
        static string Shortened(string text) => text.Length <= 80 ? text : text[..80] + "...";
    }

    private void Refused(FeatureSpec spec, string field, string description) =>
        Assert.Equal([new FieldViolation(field, description)], Assert.Throws<FieldException>(() => resolver.Resolve(spec)).Violations);

    private (string Field, string Name) Missing(FeatureSpec spec)
    {
        var error = Assert.Throws<NotFoundException>(() => resolver.Resolve(spec));
        return (error.Field, error.Name);
    }
}
