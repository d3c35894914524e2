using System.Globalization;
using System.Text;
using CorrMesh.Geometry;

namespace CorrMesh.Evaluation.Pose;

/// <summary>Coloured solids about an axis that look the same after a part of a full turn, as PLY files.</summary>
internal static class SymmetricObjects
{
    private const int Around = 144, Along = 72, Rings = 24, Shapes = 60;

    /// <summary>15 cm high, up along z; its two ends differ.</summary>
    /// <param name="order">Into how many equal parts a turn falls; 0: any turn looks the same.</param>
    public static byte[] Ply(int order)
    {
        var random = new SeededRandom((ulong)order, 0x504C_59);
        Blob[] blobs = [.. Enumerable.Range(0, Shapes).Select(_ => new Blob(random.Range(0, 2 * MathF.PI), random.Range(0, 1), random.Range(0.03f, 0.13f), [Tone(), Tone(), Tone()]))];
        var vertices = new StringBuilder();
        var faces = new StringBuilder();
        int count = 0;
        Sheet(Along, along => (along, 1));
        Sheet(Rings, inwards => (1, 1 - inwards));
        Sheet(Rings, outwards => (0, outwards));
        return Encoding.ASCII.GetBytes(
            $"ply\nformat ascii 1.0\nelement vertex {count}\nproperty float x\nproperty float y\nproperty float z\nproperty uchar red\nproperty uchar green\nproperty uchar blue\n"
            + $"element face {Around * (Along + 2 * Rings)}\nproperty list uchar int vertex_indices\nend_header\n{vertices}{faces}");

        byte Tone() => (byte)random.Range(30, 250);

        // From a height and a share of the radius there; outside is on the right of its way.
        void Sheet(int steps, Func<double, (double Height, double Share)> path)
        {
            for (int j = 0; j <= steps; j++)
                for (int i = 0; i < Around; i++)
                {
                    (double height, double share) = path((double)j / steps);
                    double turn = 2 * Math.PI * i / Around, radius = share * Radius(turn, height);
                    byte[] colour = Colour(turn, height + (height is 0 or 1 ? (height - 0.5) * 2 * (1 - share) : 0));
                    vertices.Append(CultureInfo.InvariantCulture, $"{radius * Math.Cos(turn):F5} {radius * Math.Sin(turn):F5} {0.15 * height:F5} {colour[0]} {colour[1]} {colour[2]}\n");
                    if (j == steps) continue;
                    int at = count + j * Around + i, right = count + j * Around + (i + 1) % Around;
                    faces.Append(CultureInfo.InvariantCulture, $"4 {at} {right} {right + Around} {at + Around}\n");
                }
            count += (steps + 1) * Around;
        }

        double Radius(double turn, double height) => 0.045 * (1 + 0.25 * Math.Sin(5 * height) + (order == 0 ? 0 : 0.22 * Math.Cos(order * turn)));

        byte[] Colour(double turn, double height)
        {
            byte[] colour = [120, 110, 100];
            foreach (Blob blob in blobs)
            {
                // How far around, in the part of the turn that both stand in.
                double around = order == 0 ? 0 : Math.Abs(Math.IEEERemainder(turn - blob.Turn, 2 * Math.PI / order)) * 0.3, up = height - blob.Height;
                if (around * around + up * up < blob.Size * blob.Size * (order == 0 ? 0.03 : 0.5)) colour = blob.Colour;
            }
            return colour;
        }
    }

    private sealed record Blob(double Turn, double Height, double Size, byte[] Colour);
}
