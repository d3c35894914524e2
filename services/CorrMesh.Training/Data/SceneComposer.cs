using System.Numerics;
using CorrMesh.Geometry;

namespace CorrMesh.Training.Data;

/// <summary>Composes one random flat scene: a background and a dead-leaves pile of shapes (Lee, Mumford and Huang 2001).</summary>
/// <remarks>
/// Occluding shapes of power-law size have the edge, scale and correlation statistics of photographs; networks trained on
/// such pictures transfer to real ones (Baradad et al., "Learning to See by Looking at Noise", 2021).
/// One composer serves one thread at a time; it keeps its scratch objects between scenes.
/// </remarks>
internal sealed class SceneComposer
{
    private enum Style { Mixed, Built, Natural, Printed, Sparse }

    private readonly TextureBank bank = TextureBank.Shared;
    private readonly Palette palette = new();
    private readonly Shape shape = new();
    private readonly Fill fill = new();
    private Style style;
    private float axis;
    private float light;
    private float shadows;

    /// <summary>Forgets what was painted: what follows is as from a new composer.</summary>
    public void Restart() => fill.Place(0, 0, 0, 0, 0);

    /// <summary>Paints a whole scene over the raster.</summary>
    /// <param name="target">Receives the scene; its size decides the sizes of the shapes.</param>
    /// <param name="random">Decides everything else.</param>
    /// <param name="density">1 for a full scene; less paints fewer shapes.</param>
    public void Compose(Raster target, SeededRandom random, float density)
    {
        palette.Draw(random);
        float pick = random.Unit();
        style = pick < 0.42f ? Style.Mixed : pick < 0.60f ? Style.Built : pick < 0.82f ? Style.Natural : pick < 0.91f ? Style.Printed : Style.Sparse;
        axis = random.Range(-0.2f, 0.2f);
        light = random.Range(0, MathF.Tau);
        shadows = random.Chance(0.6f) ? random.Range(0.15f, 0.6f) : 0;
        PaintBackground(target, random);

        int side = Math.Min(target.Width, target.Height);
        // Shapes are painted until they would have covered the scene this many times over: it bounds the cost, too.
        float budget = density * target.Width * target.Height * (style == Style.Sparse ? random.Range(0.05f, 0.4f) : random.Range(0.9f, 2.1f));
        float smallest = side * random.Range(0.008f, 0.03f), largest = side * random.Range(0.18f, 0.45f), exponent = random.Range(1.6f, 2.6f);
        int most = (int)(density * (style == Style.Sparse ? 12 : 260));
        // Large shapes first, as a rule, so that small ones are seen upon them and not only under them.
        int steps = 6;
        for (int step = 0; step < steps && most > 0; step++)
        {
            float high = largest * MathF.Pow(smallest / largest, step / (float)steps);
            float low = step < 2 ? largest * MathF.Pow(smallest / largest, (step + 1) / (float)steps) : smallest;
            float share = budget / (steps - step);
            while (share > 0 && most-- > 0)
            {
                float radius = random.PowerLaw(low, high, exponent);
                float area = AddMotif(target, random, radius, side);
                share -= area;
                budget -= area;
            }
        }
    }

    /// <summary>Paints one foreground shape that hides what is behind, and clears the mask there.</summary>
    public void Occlude(Raster target, byte[] mask, SeededRandom random, float radius)
    {
        palette.Draw(random);
        style = random.Chance(0.5f) ? Style.Mixed : Style.Natural;
        axis = 0;
        light = random.Range(0, MathF.Tau);
        DrawShape(random, radius, Math.Min(target.Width, target.Height));
        shape.CentreX = random.Range(0, target.Width);
        shape.CentreY = random.Range(0, target.Height);
        DrawFill(random, radius);
        ShapePainter.Paint(target, mask, shape, fill, random.Range(1, 2.5f), 1);
    }

    private void PaintBackground(Raster target, SeededRandom random)
    {
        shape.Kind = ShapeKind.Plane;
        shape.Wobble = 0;
        shape.CentreX = target.Width * 0.5f;
        shape.CentreY = target.Height * 0.5f;
        shape.Turn(axis);
        DrawFill(random, target.Width * 0.5f);
        if (style != Style.Printed && style != Style.Sparse && random.Chance(0.7f))
            UseTile(random, random.Chance(0.75f) ? bank.Noise[random.Below(bank.Noise.Length)] : bank.Detail[random.Below(bank.Detail.Length)], 60);
        fill.Slope = default;
        ShapePainter.Paint(target, null, shape, fill, 1, 1);
    }

    /// <summary>Paints a shape, or the same shape several times over in a row or a grid; returns the area painted.</summary>
    private float AddMotif(Raster target, SeededRandom random, float radius, int side)
    {
        DrawShape(random, radius, side);
        DrawFill(random, radius);
        float softness = random.Chance(0.15f) ? random.Range(1.5f, 6) : 1;
        float opacity = random.Chance(0.12f) ? random.Range(0.3f, 0.9f) : 1;
        bool shadow = shadows > 0 && random.Chance(0.5f);
        float height = Math.Min(random.Range(0.05f, 0.3f) * radius, 0.05f * side);
        float area = Math.Min(4 * (shape.HalfWidth + 2) * (shape.HalfHeight + 2), target.Width * target.Height);
        int columns = 1, rows = 1;
        float repeat = style == Style.Built ? 0.12f : style == Style.Natural ? 0.01f : 0.025f;
        if (radius < 0.12f * side && random.Chance(repeat))
        {
            columns = 1 + random.Below(6);
            rows = 1 + random.Below(5);
        }
        float stepX = 2 * shape.HalfWidth * random.Range(1.1f, 1.8f), stepY = 2 * Math.Max(shape.HalfHeight, 2) * random.Range(1.1f, 2);
        float turn = columns * rows > 1 ? axis : 0;
        if (columns * rows > 1) shape.Turn(axis);
        (float sine, float cosine) = MathF.SinCos(turn);
        float scatter = random.Chance(0.4f) ? random.Range(0, 0.25f) : 0;
        float originX = random.Range(-0.05f, 1.05f) * target.Width, originY = random.Range(-0.05f, 1.05f) * target.Height;
        for (int row = 0; row < rows; row++)
            for (int column = 0; column < columns; column++)
            {
                float dx = (column - 0.5f * (columns - 1) + scatter * random.Normal()) * stepX;
                float dy = (row - 0.5f * (rows - 1) + scatter * random.Normal()) * stepY;
                shape.CentreX = originX + cosine * dx - sine * dy;
                shape.CentreY = originY + sine * dx + cosine * dy;
                if (shadow) ShapePainter.Shade(target, shape, height * MathF.Cos(light), height * MathF.Sin(light), 2 + height, shadows);
                ShapePainter.Paint(target, null, shape, fill, softness, opacity);
            }
        return area * columns * rows;
    }

    private void DrawShape(SeededRandom random, float radius, int side)
    {
        float pick = random.Unit();
        shape.Kind = style switch
        {
            Style.Built or Style.Printed => pick < 0.62f ? ShapeKind.Rectangle : pick < 0.8f ? ShapeKind.Stroke : pick < 0.88f ? ShapeKind.Polygon
                : pick < 0.94f ? ShapeKind.Ellipse : ShapeKind.Ring,
            Style.Natural => pick < 0.55f ? ShapeKind.Ellipse : pick < 0.8f ? ShapeKind.Stroke : pick < 0.95f ? ShapeKind.Polygon : ShapeKind.Ring,
            _ => pick < 0.3f ? ShapeKind.Ellipse : pick < 0.55f ? ShapeKind.Rectangle : pick < 0.75f ? ShapeKind.Polygon : pick < 0.93f ? ShapeKind.Stroke
                : ShapeKind.Ring,
        };
        bool aligned = style is Style.Built or Style.Printed ? random.Chance(0.85f) : random.Chance(0.15f);
        shape.Turn(aligned ? axis : random.Range(0, MathF.Tau));
        float aspect = random.Chance(0.35f) ? 1 : MathF.Exp(0.5f * random.Normal());
        shape.HalfWidth = radius * Math.Clamp(MathF.Sqrt(aspect), 0.4f, 2.5f);
        shape.HalfHeight = radius * radius / shape.HalfWidth;
        shape.Parameter = 0;
        switch (shape.Kind)
        {
            case ShapeKind.Rectangle:
                shape.Parameter = random.Chance(0.3f) ? random.Range(0, 0.6f) * Math.Min(shape.HalfWidth, shape.HalfHeight) : 0;
                break;
            case ShapeKind.Ring:
                shape.Parameter = Math.Max(random.Range(0.05f, 0.3f) * Math.Min(shape.HalfWidth, shape.HalfHeight), 0.8f);
                break;
            case ShapeKind.Polygon:
                shape.HalfWidth = shape.HalfHeight = radius;
                shape.MakePolygon(random, 3 + random.Below(5), random.Range(0.05f, 0.4f));
                break;
            case ShapeKind.Stroke:
                shape.HalfWidth = Math.Min(radius * random.Range(1.5f, 6), side * 0.8f);
                shape.HalfHeight = Math.Max(random.PowerLaw(0.5f, Math.Max(0.35f * radius, 0.8f), 1.6f), 0.6f);
                shape.Parameter = random.Chance(style == Style.Built ? 0.1f : 0.6f) ? random.Range(-0.6f, 0.6f) / shape.HalfWidth : 0;
                break;
        }
        bool organic = style == Style.Natural ? random.Chance(0.75f) : style == Style.Mixed && random.Chance(0.25f);
        shape.Wobble = organic ? radius * random.Range(0.1f, shape.Kind == ShapeKind.Stroke ? 0.3f : 1.1f) : 0;
        shape.WobbleTile = bank.Noise[3 + random.Below(bank.Noise.Length - 3)];
        shape.WobbleScale = random.Range(15, 70) / Math.Max(radius, 4);
        shape.WobbleScale = Math.Min(shape.WobbleScale, 1.2f);
        shape.WobbleU = random.Range(0, 256);
        shape.WobbleV = random.Range(0, 256);
    }

    private void DrawFill(SeededRandom random, float radius)
    {
        fill.First = palette.Pick(random);
        fill.Second = palette.Pick(random);
        fill.Third = palette.Pick(random);
        if (random.Chance(0.4f)) fill.Second = 0.5f * (fill.First + fill.Third);
        fill.Contrast = 1;
        fill.Duty = random.Range(0.15f, 0.85f);
        fill.Seed = (uint)random.NextBits();
        float pick = random.Unit();
        float flat = style switch { Style.Natural => 0.08f, Style.Mixed => 0.15f, Style.Sparse => 0.5f, _ => 0.28f };
        float angle = random.Range(0, MathF.Tau);
        if (pick < flat || radius < 3) fill.Kind = FillKind.Flat;   // its grain begins where the last placed pattern did
        else if (pick < flat + 0.14f)
        {
            fill.Kind = random.Chance(0.6f) ? FillKind.Linear : FillKind.Radial;
            float frequency = random.Range(0.3f, 0.8f) / radius;
            fill.Place(angle, frequency, frequency, fill.Kind == FillKind.Linear ? 0.5f : random.Range(-0.4f, 0.4f), random.Range(-0.4f, 0.4f));
        }
        else if (pick < flat + 0.14f + PatternShare()) DrawPattern(random, radius, angle);
        else if (random.Chance(0.55f)) UseTile(random, bank.Noise[random.Below(bank.Noise.Length)], radius);
        else UseTile(random, bank.Detail[random.Below(bank.Detail.Length)], radius);

        fill.Grain = random.Chance(0.6f) ? random.PowerLaw(0.03f, 0.8f, 1) : 0;
        fill.GrainTile = random.Chance(0.7f) ? bank.Noise[random.Below(4)] : bank.Detail[random.Below(bank.Detail.Length)];
        fill.GrainScale = random.Range(0.4f, 1.1f);
        float slope = random.Chance(0.4f) ? random.Range(0.1f, 0.5f) / radius : 0;
        fill.Slope = new Vector2(slope * MathF.Cos(light), slope * MathF.Sin(light));
        fill.Rim = random.Chance(0.25f) ? random.Range(-0.6f, 0.4f) : 0;
        fill.RimWidth = random.Chance(0.5f) ? random.Range(1, 3) : Math.Max(random.Range(0.1f, 0.8f) * radius, 1);
    }

    private float PatternShare() => style switch { Style.Built => 0.3f, Style.Printed => 0.45f, Style.Natural => 0.05f, Style.Sparse => 0.08f, _ => 0.2f };

    private void DrawPattern(SeededRandom random, float radius, float angle)
    {
        float pick = random.Unit();
        fill.Kind = style == Style.Printed && pick < 0.6f ? FillKind.Text
            : pick < 0.22f ? FillKind.Stripes : pick < 0.4f ? FillKind.Checks : pick < 0.58f ? FillKind.Dots : pick < 0.78f ? FillKind.Bricks : FillKind.Text;
        float period = Math.Max(random.PowerLaw(0.08f, 0.9f, 1.2f) * radius, 4);
        float frequency = 1 / period, aspect = fill.Kind == FillKind.Bricks ? random.Range(0.35f, 0.8f) : fill.Kind == FillKind.Text ? 1 : random.Range(0.6f, 1.5f);
        if (fill.Kind == FillKind.Text)
        {
            frequency = 1 / Math.Max(period * 0.7f, 8);
            fill.Second = 0.5f * (fill.First + fill.Third);
        }
        fill.Place(random.Chance(0.7f) ? 0 : angle, frequency * aspect, frequency, random.Range(-100, 100), random.Range(-100, 100));
        // Two tones of one pattern must differ, or the pattern is lost.
        if (Vector4.Distance(fill.First, fill.Third) < 0.25f) fill.Third = Vector4.Clamp(fill.First + new Vector4(fill.First.X > 0.5f ? -0.4f : 0.4f), Vector4.Zero, Vector4.One);
        fill.Tile = bank.Noise[0];
    }

    private void UseTile(SeededRandom random, float[] tile, float radius)
    {
        fill.Kind = random.Chance(0.12f) ? FillKind.Marble : FillKind.Tile;
        fill.Tile = tile;
        fill.Contrast = random.Chance(0.7f) ? random.Range(0.6f, 1.8f) : random.Range(1.8f, 5);
        // Texels per pixel: large shapes may show the tile enlarged, small ones a piece of it.
        float frequency = random.PowerLaw(0.15f, 1.1f, 0.8f) * Math.Clamp(60 / radius, 0.7f, 1);
        float stretch = random.Chance(0.25f) ? random.Range(0.15f, 0.6f) : 1;
        fill.Place(random.Range(0, MathF.Tau), frequency, frequency * stretch, random.Range(0, 256), random.Range(0, 256));
    }
}
