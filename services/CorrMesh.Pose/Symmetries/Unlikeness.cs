namespace CorrMesh.Pose.Symmetries;

/// <summary>How unlike itself a surface looks once it is moved: means, and shares of points that are clearly off.</summary>
/// <param name="Distance">Diameters.</param>
/// <param name="Angle">Degrees.</param>
/// <param name="Colour">sRGB, the largest of three channels, 0 to 1.</param>
internal readonly record struct Unlikeness(float Distance, float Angle, float Colour, float Far, float Turned, float Other)
{
    // Clearly off.
    public const float FarDistance = 0.01f, TurnedAngle = 30, OtherColour = 0.1f;

    public static readonly Unlikeness Allowed = new(0.0035f, 8, 0.015f, 0.02f, 0.05f, 0.01f);

    public Unlikeness Plus(in Unlikeness more) => new(Distance + more.Distance, Angle + more.Angle, Colour + more.Colour, Far + more.Far, Turned + more.Turned, Other + more.Other);

    public Unlikeness Times(float factor) => new(factor * Distance, factor * Angle, factor * Colour, factor * Far, factor * Turned, factor * Other);

    // Grain alone may not let everything pass.
    public Unlikeness AtMost(in Unlikeness most) => new(
        MathF.Min(Distance, most.Distance), MathF.Min(Angle, most.Angle), MathF.Min(Colour, most.Colour), MathF.Min(Far, most.Far), MathF.Min(Turned, most.Turned), MathF.Min(Other, most.Other));

    /// <summary>At most 1 where it is allowed.</summary>
    public float Over(in Unlikeness allowed) => MathF.Max(
        MathF.Max(Distance / allowed.Distance, MathF.Max(Angle / allowed.Angle, Colour / allowed.Colour)),
        MathF.Max(Far / allowed.Far, MathF.Max(Turned / allowed.Turned, Other / allowed.Other)));
}
