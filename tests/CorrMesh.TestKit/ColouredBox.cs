using System.Globalization;
using System.Text;

namespace CorrMesh.TestKit;

/// <summary>A box with a picture of its own on each side, as a PLY file with coloured vertices: something that features can tell apart.</summary>
public static class ColouredBox
{
    private const int Cells = 48;

    /// <summary>Edges in metres, one corner at the origin.</summary>
    public static byte[] Ply(double width = 0.2, double height = 0.14, double depth = 0.1, int seed = 1)
    {
        var random = new Random(seed);
        var vertices = new StringBuilder();
        var faces = new StringBuilder();
        int count = 0;
        double[] size = [width, height, depth];
        for (int axis = 0; axis < 3; axis++)
            for (int end = 0; end < 2; end++)
            {
                (byte R, byte G, byte B)[] picture = Picture(random);
                for (int j = 0; j <= Cells; j++)
                    for (int i = 0; i <= Cells; i++)
                    {
                        double[] place = new double[3];
                        place[axis] = end * size[axis];
                        place[(axis + 1) % 3] = size[(axis + 1) % 3] * i / Cells;
                        place[(axis + 2) % 3] = size[(axis + 2) % 3] * j / Cells;
                        (byte r, byte g, byte b) = picture[j * (Cells + 1) + i];
                        vertices.AppendLine(CultureInfo.InvariantCulture, $"{place[0]} {place[1]} {place[2]} {r} {g} {b}");
                        if (i == Cells || j == Cells) continue;
                        int at = count + j * (Cells + 1) + i, below = at + Cells + 1;
                        faces.AppendLine(end == 1 ? $"4 {at} {at + 1} {below + 1} {below}" : $"4 {at} {below} {below + 1} {at + 1}");
                    }
                count += (Cells + 1) * (Cells + 1);
            }
        return Encoding.ASCII.GetBytes(
            $"ply\nformat ascii 1.0\nelement vertex {count}\nproperty float x\nproperty float y\nproperty float z\nproperty uchar red\nproperty uchar green\nproperty uchar blue\n"
            + $"element face {6 * Cells * Cells}\nproperty list uchar int vertex_indices\nend_header\n{vertices.ToString().ReplaceLineEndings("\n")}{faces.ToString().ReplaceLineEndings("\n")}");
    }

    // A ground with blobs and bars of other colours on it.
    private static (byte, byte, byte)[] Picture(Random random)
    {
        const int side = Cells + 1;
        var picture = new (byte, byte, byte)[side * side];
        Array.Fill(picture, Colour());
        for (int shape = 0; shape < 22; shape++)
        {
            (byte, byte, byte) colour = Colour();
            double x = random.NextDouble() * side, y = random.NextDouble() * side, radius = 2 + 7 * random.NextDouble(), turn = random.NextDouble() * Math.PI;
            bool isBar = random.Next(2) == 0;
            for (int j = 0; j < side; j++)
                for (int i = 0; i < side; i++)
                {
                    double u = (i - x) * Math.Cos(turn) + (j - y) * Math.Sin(turn), v = (j - y) * Math.Cos(turn) - (i - x) * Math.Sin(turn);
                    if (isBar ? Math.Abs(u) < 2 * radius && Math.Abs(v) < radius / 3 : u * u + v * v < radius * radius) picture[j * side + i] = colour;
                }
        }
        return picture;

        (byte, byte, byte) Colour() => ((byte)random.Next(30, 250), (byte)random.Next(30, 250), (byte)random.Next(30, 250));
    }
}
