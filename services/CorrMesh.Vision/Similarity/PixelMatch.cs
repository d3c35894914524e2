namespace CorrMesh.Vision.Similarity;

/// <summary>A position in the target image.</summary>
/// <param name="X">Pixel column: the position is the centre of this pixel.</param>
/// <param name="Y">Pixel row.</param>
/// <param name="Score">Cosine there, -1 to 1 to within rounding; the bare product with the unit descriptor when the target is not normalised.</param>
public readonly record struct PixelMatch(int X, int Y, float Score)
{
    /// <summary>Distance between a point and where matching there and back brings it, pixels.</summary>
    public static float CycleErrorPx(float x, float y, float returnedX, float returnedY) => MathF.Sqrt(((x - returnedX) * (x - returnedX)) + ((y - returnedY) * (y - returnedY)));
}
