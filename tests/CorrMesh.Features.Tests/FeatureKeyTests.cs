using CorrMesh.Features.Tests.Support;
using CorrMesh.Hosting.Routing;
using CorrMesh.Models;
using CorrMesh.Protos.Common.V1;
using CorrMesh.Vision.Images;
using Google.Protobuf;
using Xunit;
using FeatureStage = CorrMesh.Vision.Features.FeatureStage;

namespace CorrMesh.Features.Tests;

public sealed class FeatureKeyTests
{
    private static readonly ImageIdentity Image = new("file of some bytes", 0x0badcafe);

    // Goal: stored maps outlive the process one day, so a key must not change by accident. Origin: printf '...' | sha256sum of the text that the remarks describe.
    [Fact]
    public void OfMap_AGivenSpec_IsTheGoldenKey() =>
        Assert.Equal("0badcafec51344a8939b97b901d6b73e124077518bf691c15148a86aa540ceb1", FeatureKey.OfMap(Make.Spec(), Image));

    // Goal: everything that decides a map's values decides its key. Method: change one part at a time; all keys must differ.
    [Fact]
    public void OfMap_EveryPartChanged_GivesAnotherKey()
    {
        ResolvedSpec spec = Make.Spec();
        var adapter = new AdapterEntry("tuned", new string('b', 64), "/nowhere");
        ResolvedSpec[] variants =
        [
            spec,
            spec with { Model = spec.Model with { Digest = new string('c', 64) } },
            spec with { Model = spec.Model with { Heads = 3 } },
            spec with { Adapter = adapter },
            spec with { Adapter = adapter with { Digest = new string('d', 64) } },
            spec with { Tokens = 17 },
            spec with { PatchStride = 7 },
            spec with { Stage = FeatureStage.PreNorm },
            spec with { Region = new PixelRegion(0, 0, 10, 20) },
            spec with { Region = new PixelRegion(1, 0, 10, 20) },
            spec with { Region = new PixelRegion(0, 1, 10, 20) },
            spec with { Region = new PixelRegion(0, 0, 11, 20) },
            spec with { Region = new PixelRegion(0, 0, 10, 21) },
        ];
        string[] keys = [.. variants.Select(variant => FeatureKey.OfMap(variant, Image)), FeatureKey.OfMap(spec, Image with { Content = "file of other bytes" }), FeatureKey.OfMap(spec, Image with { Affinity = 1 })];
        Assert.Equal(keys.Length, keys.Distinct().Count());
        Assert.All(keys, key => Assert.True(FeatureKey.IsWellFormed(key)));
    }

    [Fact]
    public void OfMap_OtherNamesForTheSameContents_GiveTheSameKey()
    {
        ResolvedSpec spec = Make.Spec(adapter: new AdapterEntry("tuned", new string('b', 64), "/nowhere"));
        ResolvedSpec renamed = spec with { Model = spec.Model with { Name = "x", Path = "/y", DefaultTokens = 9 }, Adapter = spec.Adapter! with { Name = "z", Path = "/w" } };
        Assert.Equal(FeatureKey.OfMap(spec, Image), FeatureKey.OfMap(renamed, Image));
    }

    [Fact]
    public void OfImage_LayoutOrBytesChanged_GivesAnotherIdentity()
    {
        var raw = new RawImage { Format = PixelFormat.Rgb8, Width = 2, Height = 3, RowStride = 6, Data = ByteString.CopyFrom(new byte[18]) };
        RawImage Changed(Action<RawImage> change)
        {
            RawImage other = raw.Clone();
            change(other);
            return other;
        }

        RawImage[] variants =
        [
            raw, Changed(r => r.Format = PixelFormat.Bgr8), Changed(r => (r.Width, r.Height) = (3, 2)), Changed(r => r.RowStride = 7),
            Changed(r => r.Data = ByteString.CopyFrom([1, .. new byte[17]])),
        ];
        string[] identities = [.. variants.Select(r => FeatureKey.OfImage(new Image { Raw = r }).Content), FeatureKey.OfImage(new Image { Encoded = raw.Data }).Content];
        Assert.Equal(identities.Length, identities.Distinct().Count());
    }

    // Goal: whoever has a key finds the replica that has the map, and its descriptors beside it.
    [Fact]
    public void Keys_OfAnImage_BeginWithItsAffinity()
    {
        var image = new Image { Encoded = ByteString.CopyFrom([1, 2, 3]) };
        string map = FeatureKey.OfMap(Make.Spec(), FeatureKey.OfImage(image));
        Assert.Equal(ImageAffinity.Of(image), ImageAffinity.OfKey(map));
        Assert.Equal(ImageAffinity.Of(image), ImageAffinity.OfKey(FeatureKey.OfDescriptors(map, [(1, 2)], true)));
    }

    [Fact]
    public void OfDescriptors_MapPointsOrScaleChanged_GivesAnotherKey()
    {
        string map = new('1', 64), other = new('2', 64);
        (double X, double Y)[] points = [(1, 2), (3, 4)];
        string[] keys =
        [
            FeatureKey.OfDescriptors(map, points, false), FeatureKey.OfDescriptors(map, points, true), FeatureKey.OfDescriptors(other, points, false),
            FeatureKey.OfDescriptors(map, [(3, 4), (1, 2)], false), FeatureKey.OfDescriptors(map, [(1, 2)], false), FeatureKey.OfDescriptors(map, [(1, 2), (3, 4.000000001)], false),
        ];
        Assert.Equal(keys.Length, keys.Distinct().Count());
        Assert.Equal(keys[0], FeatureKey.OfDescriptors(map, [(1, 2), (3, 4)], false));
    }

    [Theory]
    [InlineData("", false)]
    [InlineData("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", true)]
    [InlineData("0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef", false)]
    [InlineData("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde", false)]
    [InlineData("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0", false)]
    [InlineData("../../../../../../etc/passwd0123456789abcdef0123456789abcdef01234", false)]
    public void IsWellFormed_Strings_AreToldApart(string key, bool expected) => Assert.Equal(expected, FeatureKey.IsWellFormed(key));
}
