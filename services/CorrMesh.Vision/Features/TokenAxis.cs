namespace CorrMesh.Vision.Features;

/// <summary>Where tokens lie along one image axis: token index = clamp(coordinate * Scale + Offset, 0, Count - 1).</summary>
/// <remarks>
/// The coordinate is in pixels of the original image with the origin at the outer corner of the first pixel (the API's
/// pixel-centre coordinate plus 0.5). For the paper's sampler on a ViT with patch P, stride s and a network input of n
/// pixels for an image of N: Scale = n / (N * s), Offset = -(P / 2) / s.
/// </remarks>
/// <param name="Count">Tokens along the axis, at least 1.</param>
/// <param name="Scale">Tokens per original pixel.</param>
/// <param name="Offset">Index of the token coordinate at pixel coordinate 0 (negative: the first centre lies inside).</param>
public readonly record struct TokenAxis(int Count, float Scale, float Offset)
{
    /// <summary>Fractional token index of a corner-origin pixel coordinate, clamped to the grid.</summary>
    public float IndexOf(float coordinate) => Math.Clamp(coordinate * Scale + Offset, 0f, Count - 1);

    /// <summary>Corner-origin pixel coordinate of a token's centre.</summary>
    public float CentreOf(float index) => (index - Offset) / Scale;
}
