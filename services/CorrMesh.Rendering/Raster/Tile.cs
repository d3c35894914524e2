using System.Runtime.Intrinsics;

namespace CorrMesh.Rendering.Raster;

/// <summary>A square of pixels, eight samples each: which triangle is nearest at every sample.</summary>
/// <remarks>The lanes of a vector are the samples of one pixel, lane 0 its centre; so small triangles cost as few instructions as wide ones.</remarks>
internal sealed class Tile
{
    /// <summary>Pixels a side.</summary>
    public const int Size = 32;

    /// <summary>Samples a pixel.</summary>
    public const int Samples = 8;

    // The centre and seven places around it, at rising angles and no two in one row or column.
    private static readonly float[] Angles = [.. Enumerable.Range(0, Samples).Select(i => (float)(2 * Math.PI * (i + 0.3) / (Samples - 1)))];
    private readonly Vector256<float>[] inverseDepths = new Vector256<float>[Size * Size];
    private readonly Vector256<int>[] triangles = new Vector256<int>[Size * Size];
    private readonly Vector256<float> offsetsX, offsetsY;
    private int left, top;

    /// <param name="isAntialiased">Without, all samples lie in the pixel's centre.</param>
    public Tile(bool isAntialiased)
    {
        float radius = isAntialiased ? 0.4f : 0;
        OffsetsX = [0, .. Angles[1..].Select(angle => radius * MathF.Cos(angle))];
        OffsetsY = [0, .. Angles[1..].Select(angle => radius * MathF.Sin(angle))];
        (offsetsX, offsetsY) = (Vector256.Create(OffsetsX), Vector256.Create(OffsetsY));
    }

    /// <summary>[8] of each sample from the pixel's centre, pixels.</summary>
    public float[] OffsetsX { get; }

    /// <summary>[8] of each sample from the pixel's centre, pixels.</summary>
    public float[] OffsetsY { get; }

    /// <summary>Empties the tile and puts its corner at a pixel.</summary>
    public void Clear(int x, int y)
    {
        (left, top) = (x, y);
        Array.Clear(inverseDepths);
        Array.Fill(triangles, Vector256.Create(-1));
    }

    /// <summary>The triangle at each sample of a pixel, -1 for none.</summary>
    public Vector256<int> At(int x, int y) => triangles[(y - top) * Size + x - left];

    /// <summary>Draws a triangle where it is nearer than what is there; at the same depth the earlier one stays.</summary>
    public void Draw(in ProjectedTriangle triangle, int number)
    {
        // From the tile's corner, where single precision is enough. Each step treats w and -w alike, so edges stay exact.
        var edge0 = new Edge(triangle.A0, triangle.B0, triangle.C0, left, top, offsetsX, offsetsY);
        var edge1 = new Edge(triangle.A1, triangle.B1, triangle.C1, left, top, offsetsX, offsetsY);
        var edge2 = new Edge(triangle.A2, triangle.B2, triangle.C2, left, top, offsetsX, offsetsY);
        (double a, double b, double c) = triangle.Sum;
        double scale = 1 / triangle.Volume;
        var depth = new Edge(a * scale, b * scale, c * scale, left, top, offsetsX, offsetsY);
        var least = Vector256.Create((float)triangle.LeastInverse);
        var greatest = Vector256.Create((float)triangle.GreatestInverse);
        var cut = Vector256.Create((float)triangle.CutInverse);
        var id = Vector256.Create(number);
        int x0 = Math.Max(triangle.Left - left, 0), x1 = Math.Min(triangle.Right - left, Size - 1);
        int y0 = Math.Max(triangle.Top - top, 0), y1 = Math.Min(triangle.Bottom - top, Size - 1);
        if (edge0.IsOutside(x0, x1, y0, y1) || edge1.IsOutside(x0, x1, y0, y1) || edge2.IsOutside(x0, x1, y0, y1)) return;
        for (int y = y0; y <= y1; y++)
        {
            int at = y * Size + x0;
            for (int x = x0; x <= x1; x++, at++)
            {
                Vector256<float> covered = edge0.Covers(x, y) & edge1.Covers(x, y) & edge2.Covers(x, y);
                if (covered == Vector256<float>.Zero) continue;
                Vector256<float> plane = depth.At(x, y), inverse = Vector256.Min(Vector256.Max(plane, least), greatest);
                Vector256<float> wins = covered & Vector256.GreaterThan(inverse, inverseDepths[at]) & Vector256.LessThanOrEqual(plane, cut);
                inverseDepths[at] = Vector256.ConditionalSelect(wins, inverse, inverseDepths[at]);
                triangles[at] = Vector256.ConditionalSelect(wins.AsInt32(), id, triangles[at]);
            }
        }
    }

    /// <summary>A linear function of the position in the tile, for eight samples at a time.</summary>
    private readonly struct Edge
    {
        private readonly float a, b, c;
        private readonly Vector256<float> offsets, onLine;

        public Edge(double a, double b, double c, int left, int top, Vector256<float> offsetsX, Vector256<float> offsetsY)
        {
            (this.a, this.b, this.c) = ((float)a, (float)b, (float)(c + a * left + b * top));
            offsets = this.a * offsetsX + this.b * offsetsY;
            // A sample on the line belongs to the side towards which the function rises to the right (or downwards): one of the two.
            onLine = this.a > 0 || (this.a == 0 && this.b > 0) ? Vector256<float>.AllBitsSet : Vector256<float>.Zero;
        }

        public Vector256<float> At(int x, int y) => Vector256.Create(a * x + b * y + c) + offsets;

        public Vector256<float> Covers(int x, int y)
        {
            Vector256<float> value = At(x, y);
            return Vector256.GreaterThan(value, Vector256<float>.Zero) | (Vector256.Equals(value, Vector256<float>.Zero) & onLine);
        }

        // The corner of the box where the function is greatest, half a pixel out.
        public bool IsOutside(int x0, int x1, int y0, int y1) =>
            a * (a > 0 ? x1 + 0.5f : x0 - 0.5f) + b * (b > 0 ? y1 + 0.5f : y0 - 0.5f) + c < -1e-5f * (Math.Abs(a) * Size + Math.Abs(b) * Size + Math.Abs(c));
    }
}
