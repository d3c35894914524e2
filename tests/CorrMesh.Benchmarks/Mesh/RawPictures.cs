using CorrMesh.Protos.Common.V1;
using CorrMesh.Protos.Features.V1;
using Google.Protobuf;

namespace CorrMesh.Benchmarks.Mesh;

/// <summary>Small pictures of noise, any number, each from its number: for measurements in which pixels do not matter.</summary>
internal static class RawPictures
{
    private const int Width = 64, Height = 48;

    public static ExtractFeaturesRequest Request(int number)
    {
        byte[] pixels = new byte[Width * Height * 3];
        new Random(number).NextBytes(pixels);
        var raw = new RawImage { Format = PixelFormat.Rgb8, Width = Width, Height = Height, Data = UnsafeByteOperations.UnsafeWrap(pixels) };
        return new ExtractFeaturesRequest { Source = new FeatureSource { Image = new Image { Raw = raw } }, Spec = new FeatureSpec { Tokens = 16 } };
    }
}
