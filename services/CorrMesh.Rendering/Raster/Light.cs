using System.Numerics;
using CorrMesh.Geometry;

namespace CorrMesh.Rendering.Raster;

/// <summary>A lamp that stands with the camera, as the paper's do: the object turns in its light.</summary>
/// <param name="Place">Camera frame: the direction in which a directional light shines, or where a point light is, metres.</param>
/// <param name="Colour">Linear RGB that a white surface at right angles shows; of a point light, at one metre.</param>
/// <param name="IsPoint">A point light weakens with the square of the distance.</param>
public sealed record Light(Vector3 Place, Vector3 Colour, bool IsPoint)
{
    public static Light Directional(Vector3 direction, Vector3 colour) => new(Vector3.Normalize(direction), colour, false);

    public static Light Point(Vector3 position, Vector3 colour) => new(position, colour, true);
}

/// <summary>The lamps of a picture and the light from everywhere.</summary>
/// <param name="Lights">Any number.</param>
/// <param name="Ambient">Linear RGB, added to each surface's light.</param>
public sealed record Lighting(IReadOnlyList<Light> Lights, Vector3 Ambient)
{
    /// <summary>The places of the paper's three lamps; strengths set for a unit box at 2 m, where its renderer counts in watts.</summary>
    public static Lighting Paper { get; } = new(
        [
            Light.Point(new Vector3(1, -1, 1), new Vector3(1.2f)),
            Light.Point(new Vector3(-1, -1, -1), new Vector3(3.4f)),
            Light.Point(new Vector3(1, 0, 1), new Vector3(0.12f)),
        ],
        new Vector3(0.12f));

    /// <summary>Lamps drawn anew: one main light, up to two fillers, slightly tinted, for an object at a distance.</summary>
    /// <param name="random">Decides.</param>
    /// <param name="distanceMetres">From the camera to the object's middle.</param>
    public static Lighting Draw(SeededRandom random, float distanceMetres = 2)
    {
        ArgumentNullException.ThrowIfNull(random);
        var lights = new List<Light>();
        int count = 1 + random.Below(3);
        for (int i = 0; i < count; i++)
        {
            float strength = i == 0 ? random.Range(0.6f, 1.1f) : random.Range(0.1f, 0.45f);
            var tint = new Vector3(1 + random.Range(-0.12f, 0.12f), 1, 1 + random.Range(-0.12f, 0.12f));
            // From the camera's side of the object, mostly from above: y is down.
            var side = Vector3.Normalize(new Vector3(random.Range(-1, 1), random.Range(-1.2f, i == 0 ? 0.2f : 0.8f), random.Range(-1.2f, -0.15f)));
            if (random.Chance(0.4f)) lights.Add(Light.Directional(-side, strength * tint));
            else
            {
                float reach = random.Range(1, 2.5f);
                lights.Add(Light.Point(new Vector3(0, 0, distanceMetres) + reach * side, strength * reach * reach * tint));
            }
        }
        return new Lighting(lights, new Vector3(random.Range(0.1f, 0.3f)));
    }
}
