using System.Numerics;
using System.Runtime.Intrinsics;
using CorrMesh.Geometry;
using CorrMesh.Rendering.Meshes;
using CorrMesh.Rendering.Views;
using CorrMesh.Vision.Images;

namespace CorrMesh.Rendering.Raster;

/// <summary>Draws meshes on the CPU: first which triangle is seen at each sample, then the light of each triangle in each pixel, once.</summary>
/// <remarks>
/// Depth and mask are those of the pixel's centre, exact to rounding. Colour is filtered over the pixel: triangles by the samples that they cover,
/// textures by mipmaps. The same arguments give the same bytes, whatever the number of threads: tiles do not know of each other.
/// </remarks>
public static class Renderer
{
    /// <summary>A picture with depth and mask.</summary>
    /// <param name="mesh">Its unit is the metre.</param>
    /// <param name="camera">Up to 16,384 pixels a side.</param>
    /// <param name="objectToCamera">x_camera = R x_object + t, metres.</param>
    /// <param name="options">Light, background, antialiasing and threads.</param>
    /// <exception cref="ArgumentException">A camera or an option that is none.</exception>
    public static ObjectView Render(TriangleMesh mesh, PinholeCamera camera, RigidPose objectToCamera, RenderOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(mesh);
        options ??= new RenderOptions();
        camera.Checked();
        if (camera.Width > 16384 || camera.Height > 16384) throw new ArgumentException($"camera size: at most 16384 pixels a side, {camera.Width} x {camera.Height} given", nameof(camera));
        options.Check(camera.Width, camera.Height);
        var picture = new Picture(mesh, camera, objectToCamera, options);
        if (options.Threads == 1)
        {
            var tile = new Tile(options.IsAntialiased);
            for (int i = 0; i < picture.TileCount; i++) picture.Draw(i, tile);
        }
        else
        {
            Parallel.For(
                0, picture.TileCount, new ParallelOptions { MaxDegreeOfParallelism = options.Threads },
                () => new Tile(options.IsAntialiased),
                (i, _, tile) =>
                {
                    picture.Draw(i, tile);
                    return tile;
                },
                _ => { });
        }
        return new ObjectView(new RgbImage(camera.Width, camera.Height, picture.Pixels), picture.Depth, picture.Mask, camera, objectToCamera);
    }

    private sealed class Picture
    {
        private readonly PinholeCamera camera;
        private readonly RenderOptions options;
        private readonly Shader shader;
        private readonly ProjectedTriangle[] triangles;
        private readonly int columns;

        // Triangles of tile i: order[starts[i] .. starts[i + 1]], in the mesh's order.
        private readonly int[] starts, order;

        public Picture(TriangleMesh mesh, PinholeCamera camera, RigidPose objectToCamera, RenderOptions options)
        {
            (this.camera, this.options) = (camera, options);
            shader = new Shader(mesh, options.Lighting, objectToCamera);
            Pixels = new byte[3 * camera.Width * camera.Height];
            Depth = new float[camera.Width * camera.Height];
            Mask = new byte[camera.Width * camera.Height];
            triangles = Project(mesh, objectToCamera);
            columns = (camera.Width + Tile.Size - 1) / Tile.Size;
            TileCount = columns * ((camera.Height + Tile.Size - 1) / Tile.Size);
            (starts, order) = Sort();
        }

        public int TileCount { get; }

        public byte[] Pixels { get; }

        public float[] Depth { get; }

        public byte[] Mask { get; }

        public void Draw(int index, Tile tile)
        {
            int left = index % columns * Tile.Size, top = index / columns * Tile.Size;
            int right = Math.Min(left + Tile.Size, camera.Width), bottom = Math.Min(top + Tile.Size, camera.Height);
            ReadOnlySpan<int> own = order.AsSpan(starts[index]..starts[index + 1]);
            if (!own.IsEmpty)
            {
                tile.Clear(left, top);
                foreach (int number in own) tile.Draw(triangles[number], number);
            }
            for (int y = top; y < bottom; y++)
                for (int x = left; x < right; x++)
                {
                    int at = y * camera.Width + x;
                    Vector256<int> seen = own.IsEmpty ? Vector256.Create(-1) : tile.At(x, y);
                    int centre = seen[0];
                    if (centre >= 0)
                    {
                        Mask[at] = 255;
                        Depth[at] = (float)triangles[centre].DepthAt(x, y);
                    }
                    Vector3 colour = seen == Vector256.Create(centre) ? Sample(centre, x, y, x, y) : Mean(seen, tile, x, y);
                    (Pixels[3 * at], Pixels[3 * at + 1], Pixels[3 * at + 2]) = (Srgb.FromLinear(colour.X), Srgb.FromLinear(colour.Y), Srgb.FromLinear(colour.Z));
                }
        }

        // Each triangle is lit once, in the middle of the samples that it covers.
        private Vector3 Mean(Vector256<int> seen, Tile tile, int x, int y)
        {
            Vector3 sum = Vector3.Zero;
            int done = 0;
            for (int lane = 0; lane < Tile.Samples; lane++)
            {
                if ((done >> lane & 1) != 0) continue;
                int number = seen[lane], count = 0;
                float offsetX = 0, offsetY = 0;
                for (int other = lane; other < Tile.Samples; other++)
                {
                    if (seen[other] != number) continue;
                    done |= 1 << other;
                    count++;
                    offsetX += tile.OffsetsX[other];
                    offsetY += tile.OffsetsY[other];
                }
                sum += count * Sample(number, x, y, x + (double)(offsetX / count), y + (double)(offsetY / count));
            }
            return sum / Tile.Samples;
        }

        private Vector3 Sample(int number, int x, int y, double atX, double atY)
        {
            if (number >= 0) return Vector3.Clamp(shader.Shade(triangles[number], atX, atY), Vector3.Zero, Vector3.One);
            if (options.BackgroundImage is not { } image) return options.Background;
            int at = 3 * (y * camera.Width + x);
            return Srgb.Colour(image.Pixels[at], image.Pixels[at + 1], image.Pixels[at + 2]);
        }

        private ProjectedTriangle[] Project(TriangleMesh mesh, RigidPose objectToCamera)
        {
            var points = new double[3 * mesh.Positions.Length];
            for (int i = 0; i < mesh.Positions.Length; i++)
            {
                Vector3 p = mesh.Positions[i];
                (points[3 * i], points[3 * i + 1], points[3 * i + 2]) = objectToCamera.Apply((p.X, p.Y, p.Z));
            }
            var made = new ProjectedTriangle[mesh.FaceCount];
            int count = 0;
            Span<double> corners = stackalloc double[9];
            for (int face = 0; face < mesh.FaceCount; face++)
            {
                for (int i = 0; i < 3; i++) points.AsSpan(3 * mesh.Indices[3 * face + i], 3).CopyTo(corners[(3 * i)..]);
                if (ProjectedTriangle.TryProject(corners, camera, options.NearMetres, face, out made[count])) count++;
            }
            return made.AsSpan(0, count).Length == made.Length ? made : made[..count];
        }

        // Counting sort of the triangles into the tiles that their boxes touch.
        private (int[] Starts, int[] Order) Sort()
        {
            var ends = new int[TileCount + 1];
            foreach (ref readonly ProjectedTriangle t in triangles.AsSpan())
                for (int row = t.Top / Tile.Size; row <= t.Bottom / Tile.Size; row++)
                    for (int column = t.Left / Tile.Size; column <= t.Right / Tile.Size; column++)
                        ends[row * columns + column + 1]++;
            for (int i = 0; i < TileCount; i++) ends[i + 1] += ends[i];
            var first = (int[])ends.Clone();
            var sorted = new int[ends[TileCount]];
            for (int number = 0; number < triangles.Length; number++)
            {
                ref readonly ProjectedTriangle t = ref triangles[number];
                for (int row = t.Top / Tile.Size; row <= t.Bottom / Tile.Size; row++)
                    for (int column = t.Left / Tile.Size; column <= t.Right / Tile.Size; column++)
                        sorted[first[row * columns + column]++] = number;
            }
            return (ends, sorted);
        }
    }
}
