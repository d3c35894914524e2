using System.Buffers.Binary;
using CorrMesh.Hosting.Errors;
using CorrMesh.Protos.Common.V1;
using CorrMesh.Rendering.Views;

namespace CorrMesh.Pose;

/// <summary>Depth as the contract sends it.</summary>
internal static class DepthMap
{
    private const double Millimetre = 0.001;

    /// <summary>Metres of every pixel, 0 where nothing is known.</summary>
    /// <returns>[height * width].</returns>
    /// <exception cref="FieldException">It is of another size, damaged, or in a unit that cannot be.</exception>
    public static float[] Read(DepthImage depth, int width, int height, string field)
    {
        double unit = depth.UnitM == 0 ? Millimetre : depth.UnitM;
        if (!(unit > 0 && unit <= 1)) throw new FieldException($"{field}.unit_m", $"above 0 and at most 1 allowed, {depth.UnitM} given");
        switch (depth.ContentCase)
        {
            case DepthImage.ContentOneofCase.Png:
                try
                {
                    return Array.ConvertAll(GreyPng.Decode(depth.Png.Span, "depth", width, height), value => (float)(value * unit));
                }
                catch (InvalidDataException exception)
                {
                    throw new FieldException($"{field}.png", exception.Message, exception);
                }
            case DepthImage.ContentOneofCase.Uint16:
                ReadOnlySpan<byte> bytes = depth.Uint16.Span;
                if (bytes.Length != 2L * width * height) throw new FieldException($"{field}.uint16", $"{2L * width * height} bytes for {width} x {height} pixels needed, {bytes.Length} given");
                var metres = new float[width * height];
                for (int i = 0; i < metres.Length; i++) metres[i] = (float)(unit * BinaryPrimitives.ReadUInt16LittleEndian(bytes[(2 * i)..]));
                return metres;
            default:
                throw new FieldException(field, "png or uint16 needed, none given");
        }
    }
}
