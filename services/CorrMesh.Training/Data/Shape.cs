using CorrMesh.Geometry;

namespace CorrMesh.Training.Data;

internal enum ShapeKind { Ellipse, Rectangle, Polygon, Ring, Stroke, Plane }

/// <summary>An outline by its approximate signed distance (pixels, negative inside), in a turned frame about its centre.</summary>
internal sealed class Shape
{
    private const float CornerReach = 1.3f;
    private readonly float[] normalX = new float[8];
    private readonly float[] normalY = new float[8];
    private readonly float[] offset = new float[8];
    private int sides;
    private float cosine = 1;
    private float sine;

    public ShapeKind Kind { get; set; }

    public float CentreX { get; set; }

    public float CentreY { get; set; }

    /// <summary>Half extents along the shape's own axes; of a stroke: half length and half width.</summary>
    public float HalfWidth { get; set; }

    public float HalfHeight { get; set; }

    /// <summary>Corner radius of a rectangle, band half-width of a ring, bend of a stroke (1 / pixels).</summary>
    public float Parameter { get; set; }

    /// <summary>How far noise moves the outline in or out, pixels.</summary>
    public float Wobble { get; set; }

    public float WobbleScale { get; set; }

    public float WobbleU { get; set; }

    public float WobbleV { get; set; }

    public float[] WobbleTile { get; set; } = [];

    public void Turn(float radians) => (sine, cosine) = MathF.SinCos(radians);

    /// <summary>Makes the polygon's sides: jittered directions about the circle, all touching within the half width.</summary>
    public void MakePolygon(SeededRandom random, int count, float jitter)
    {
        sides = count;
        for (int i = 0; i < count; i++)
        {
            (normalY[i], normalX[i]) = MathF.SinCos((i + random.Range(-jitter, jitter)) * MathF.Tau / count);
            offset[i] = HalfWidth * random.Range(0.5f, 0.85f);
        }
    }

    public (float X, float Y) ToLocal(float dx, float dy) => (cosine * dx + sine * dy, cosine * dy - sine * dx);

    public float Distance(float x, float y)
    {
        float distance;
        switch (Kind)
        {
            case ShapeKind.Ellipse:
                float ex = x / HalfWidth, ey = y / HalfHeight;
                distance = (MathF.Sqrt(ex * ex + ey * ey) - 1) * Math.Min(HalfWidth, HalfHeight);
                break;
            case ShapeKind.Ring:
                float rx = x / HalfWidth, ry = y / HalfHeight;
                distance = Math.Abs(MathF.Sqrt(rx * rx + ry * ry) - 1) * Math.Min(HalfWidth, HalfHeight) - Parameter;
                break;
            case ShapeKind.Rectangle:
                float qx = Math.Abs(x) - HalfWidth + Parameter, qy = Math.Abs(y) - HalfHeight + Parameter;
                float ox = Math.Max(qx, 0), oy = Math.Max(qy, 0);
                distance = MathF.Sqrt(ox * ox + oy * oy) + Math.Min(Math.Max(qx, qy), 0) - Parameter;
                break;
            case ShapeKind.Polygon:
                // Sharp corners are cut by a circle, so that none reaches far and makes its whole box be searched.
                distance = MathF.Sqrt(x * x + y * y) - CornerReach * HalfWidth;
                for (int i = 0; i < sides; i++) distance = Math.Max(distance, normalX[i] * x + normalY[i] * y - offset[i]);
                break;
            case ShapeKind.Stroke:
                float along = Math.Max(Math.Abs(x) - HalfWidth, 0), across = y - Parameter * x * x;
                distance = MathF.Sqrt(along * along + across * across) - HalfHeight;
                break;
            default:
                return -1e6f;
        }
        // Deep inside or far outside, no wobble can bring the outline here.
        if (Wobble > 0 && Math.Abs(distance) < 0.5f * Wobble + 8)
            distance += Wobble * (TextureBank.Sample(WobbleTile, x * WobbleScale + WobbleU, y * WobbleScale + WobbleV) - 0.5f);
        return distance;
    }

    /// <summary>Half the height of the upright box about the shape, with a margin on every side.</summary>
    public float Reach(float margin)
    {
        (float w, float h) = Extents(margin);
        return Math.Abs(sine) * w + Math.Abs(cosine) * h;
    }

    /// <summary>The columns, relative to the centre, that one row can touch; empty when the first exceeds the second.</summary>
    public (float First, float Last) RowSpan(float dy, float margin)
    {
        (float w, float h) = Extents(margin);
        (float First, float Last) span = (-1e9f, 1e9f);
        Narrow(ref span, cosine, sine * dy, w);
        Narrow(ref span, -sine, cosine * dy, h);
        return span;
    }

    private (float W, float H) Extents(float margin)
    {
        margin += 0.5f * Wobble;
        return Kind switch
        {
            ShapeKind.Plane => (1e6f, 1e6f),
            ShapeKind.Stroke => (HalfWidth + HalfHeight + margin, HalfHeight + Math.Abs(Parameter) * HalfWidth * HalfWidth + margin),
            ShapeKind.Ring => (HalfWidth + Parameter * HalfWidth / Math.Min(HalfWidth, HalfHeight) + margin,
                HalfHeight + Parameter * HalfHeight / Math.Min(HalfWidth, HalfHeight) + margin),
            ShapeKind.Polygon => (CornerReach * HalfWidth + margin, CornerReach * HalfWidth + margin),
            // The ellipse's distance is scaled by its short side, so a margin reaches further along the long one.
            ShapeKind.Ellipse => (HalfWidth + margin * HalfWidth / Math.Min(HalfWidth, HalfHeight),
                HalfHeight + margin * HalfHeight / Math.Min(HalfWidth, HalfHeight)),
            _ => (HalfWidth + margin, HalfHeight + margin),
        };
    }

    private static void Narrow(ref (float First, float Last) span, float slope, float constant, float limit)
    {
        if (Math.Abs(slope) < 1e-5f)
        {
            if (Math.Abs(constant) > limit) span = (1, -1);
            return;
        }
        float p = (-limit - constant) / slope, q = (limit - constant) / slope;
        span = (Math.Max(span.First, Math.Min(p, q)), Math.Min(span.Last, Math.Max(p, q)));
    }
}
