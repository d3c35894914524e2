using CorrMesh.Geometry;
using CorrMesh.Geometry.Pnp;
using CorrMesh.Pose.Linting;

namespace CorrMesh.Pose.Tests.Linting;

/// <summary>A photo of an object with the truth: what a linter is given when nothing is wrong, and what tests break.</summary>
/// <param name="Input">As a careful user gives it; without the solver's result.</param>
/// <param name="NoisePixels">Of the right matches, each axis.</param>
/// <param name="IsRight">[N] which matches are.</param>
/// <param name="Clean">[2 N] the right matches without noise.</param>
internal sealed record PhotoScene(PhotoInput Input, double NoisePixels, bool[] IsRight, double[] Clean)
{
    private static readonly (int Width, int Height)[] Sizes = [(640, 480), (1280, 720), (1920, 1080), (1280, 960), (1024, 1024), (480, 640), (3024, 4032)];

    private enum Shape { Box, Ball, Flat }

    /// <summary>A random scene: lenses of 60 to 90 degrees and longer ones, a principal point up to 5 % off, 30 to 300 matches with noise of 0.5 to 4 pixels, up to 60 % of them wrong.</summary>
    /// <param name="stretched">Whether pixels are never square (ratio 1.12 to 1.8), or as they come: one camera in five.</param>
    /// <param name="coloured">Whether the object has strong colours, or as it comes: some are grey.</param>
    public static PhotoScene Random(SeededRandom random, bool stretched = false, bool coloured = false, bool withDepth = false)
    {
        while (true)
        {
            PinholeCamera camera = RandomCamera(random, stretched || random.Chance(0.2f));
            double diameter = Math.Exp(random.Range(MathF.Log(0.03f), MathF.Log(2)));
            var shape = (Shape)random.Below(3);
            (double Width, double Height, double Depth) half = (random.Range(0.3f, 1), random.Range(0.3f, 1), shape == Shape.Flat ? 0 : random.Range(0.3f, 1));
            double size = diameter / 2 / (shape == Shape.Ball ? 1 : Math.Sqrt(half.Width * half.Width + half.Height * half.Height + half.Depth * half.Depth));
            double shown = random.Range(0.2f, 0.9f) * Math.Min(camera.Width, camera.Height), z = diameter * Math.Sqrt(camera.FocalX * camera.FocalY) / shown;
            RigidPose pose = Rotation(random);
            (double x, double y, _) = camera.Unproject(camera.Width * random.Range(0.3f, 0.7f), camera.Height * random.Range(0.3f, 0.7f), z);
            pose = pose with { X = x, Y = y, Z = z };
            int count = random.Below(271) + 30;
            if (TryMatches(random, camera, pose, shape, half, size, count, coloured, withDepth || random.Chance(0.5f)) is { } scene)
                return scene with { Input = scene.Input with { DiameterMetres = diameter } };
        }
    }

    /// <summary>What is to be expected of the matches against a wrong camera: how much likelier they are with the right one, natural logarithm, were all right ones known.</summary>
    /// <remarks>The wrong camera's best pose leaves errors e besides the noise σ; a fitted noise takes them up at the price of n log(1 + e² / 2σ²).</remarks>
    public double ExpectedEvidence(PinholeCamera wrong)
    {
        int[] rows = [.. Enumerable.Range(0, IsRight.Length).Where(i => IsRight[i])];
        double[] points = [.. rows.SelectMany(i => Input.ObjectPoints[(3 * i)..(3 * i + 3)])], seen = [.. rows.SelectMany(i => Clean[(2 * i)..(2 * i + 2)])];
        PnpResult result = PnpSolver.Solve(points, seen, wrong, new PnpOptions { MaxErrorPixels = 300, MaxSamples = 100 });
        if (result.Best is not { } best) return double.PositiveInfinity;
        double squared = 0;
        for (int i = 0; i < rows.Length; i++)
        {
            (double x, double y) = wrong.Project(best.ObjectToCamera.Apply((points[3 * i], points[3 * i + 1], points[3 * i + 2])));
            squared += ((x - seen[2 * i]) * (x - seen[2 * i]) + (y - seen[2 * i + 1]) * (y - seen[2 * i + 1])) / rows.Length;
        }
        return rows.Length * Math.Log(1 + squared / (2 * NoisePixels * NoisePixels));
    }

    /// <summary>The input with the solver's answer for it, as the service hands it over.</summary>
    public static PhotoInput Solved(PhotoInput input) =>
        !CameraNumbers.IsUsable(input.Camera) ? input
            : input with { Result = PnpSolver.Solve(input.ObjectPoints, input.Lens?.Undistort(input.ImagePoints, input.Camera) ?? input.ImagePoints, input.Camera, scores: input.Scores) };

    /// <summary>The scene with something unusual that is no mistake, or that no one can help.</summary>
    public static PhotoInput Unusual(SeededRandom random, Oddity oddity)
    {
        PhotoScene scene = Random(random);
        PhotoInput input = scene.Input;
        PinholeCamera camera = input.Camera;
        double[] seen = [.. input.ImagePoints];
        switch (oddity)
        {
            case Oddity.Cut:
                // To the matches' half of the picture, with the principal point moved rightly.
                double left = camera.Width * random.Range(0, 0.4f), top = camera.Height * random.Range(0, 0.4f);
                int width = (int)(camera.Width * random.Range(0.5f, 0.6f)), height = (int)(camera.Height * random.Range(0.5f, 0.6f));
                for (int i = 0; i < seen.Length; i += 2) (seen[i], seen[i + 1]) = (seen[i] - left, seen[i + 1] - top);
                return input with { ImagePoints = seen, Camera = camera with { Width = width, Height = height, CentreX = camera.CentreX - left, CentreY = camera.CentreY - top } };
            case Oddity.Lens:
                var lens = LensDistortion.Plain([random.Range(-0.25f, 0.1f), random.Range(-0.02f, 0.02f), 0.001, -0.001]);
                for (int i = 0; i < seen.Length; i += 2)
                {
                    (double x, double y) = lens.Distort((seen[i] - camera.CentreX) / camera.FocalX, (seen[i + 1] - camera.CentreY) / camera.FocalY);
                    (seen[i], seen[i + 1]) = (camera.FocalX * x + camera.CentreX, camera.FocalY * y + camera.CentreY);
                }
                return input with { ImagePoints = seen, Lens = lens };
            case Oddity.Grid:
                // Matches at the middles of a feature map's patches.
                for (int i = 0; i < seen.Length; i++) seen[i] = (Math.Floor(seen[i] / 8) + 0.5) * 8;
                return input with { ImagePoints = seen };
            case Oddity.Smooth:
                // Errors that neighbours share.
                double amplitude = random.Range(0.5f, 2.5f), length = input.DiameterMetres * random.Range(0.15f, 0.5f), phase = random.Range(0, 6);
                for (int i = 0; i < seen.Length / 2; i++)
                {
                    (double x, double y, double z) = (input.ObjectPoints[3 * i] / length, input.ObjectPoints[3 * i + 1] / length, input.ObjectPoints[3 * i + 2] / length);
                    seen[2 * i] += amplitude * Math.Sin(x + y - z + phase);
                    seen[2 * i + 1] += amplitude * Math.Sin(x - y + z + 2 * phase);
                }
                return input with { ImagePoints = seen };
            default:
                // A model that is 3 % too long along one axis.
                double[] points = [.. input.ObjectPoints];
                int axis = random.Below(3);
                for (int i = axis; i < points.Length; i += 3) points[i] *= 1.03;
                return input with { ObjectPoints = points };
        }
    }

    private static PinholeCamera RandomCamera(SeededRandom random, bool stretched)
    {
        (int width, int height) = Sizes[random.Below(Sizes.Length)];
        double degrees = random.Chance(0.7f) ? random.Range(60, 90) : random.Range(10, 40), fx = Math.Max(width, height) / 2.0 / Math.Tan(degrees * Math.PI / 360), fy = fx * random.Range(0.995f, 1.005f);
        if (stretched)
        {
            double ratio = random.Range(1.12f, 1.8f);
            fy = random.Chance(0.5f) ? fx * ratio : fx / ratio;
        }
        // Of a renderer, as some are.
        if (!stretched && random.Chance(0.15f)) return new PinholeCamera(width, height, fx, fx, (width - 1) / 2.0, (height - 1) / 2.0);
        return new PinholeCamera(width, height, fx, fy, (width - 1) / 2.0 + width * random.Range(-0.05f, 0.05f), (height - 1) / 2.0 + height * random.Range(-0.05f, 0.05f));
    }

    private static PhotoScene? TryMatches(
        SeededRandom random, PinholeCamera camera, RigidPose pose, Shape shape, (double Width, double Height, double Depth) half, double size, int count, bool coloured, bool withDepth)
    {
        double noise = random.Range(0.5f, 4), wrong = random.Range(0, 0.6f);
        var look = new Appearance(random, coloured);
        double[] points = new double[3 * count], seen = new double[2 * count], clean = new double[2 * count], scores = new double[count], depth = new double[withDepth ? count : 0];
        byte[] picture = new byte[3 * count], stored = new byte[3 * count];
        bool[] right = new bool[count];
        int tries = 0;
        for (int i = 0; i < count; i++)
        {
            ((double X, double Y, double Z) point, (double X, double Y, double Z) normal) = OnSurface(random, shape, half, size);
            var at = pose.Apply(point);
            var facing = pose.Rotate(normal);
            (double x, double y) = camera.Project(at);
            if (at.Z < 0.05 * size || !camera.Contains(x, y) || facing.X * at.X + facing.Y * at.Y + facing.Z * at.Z > 0)
            {
                if (++tries > 40 * count) return null;
                i--;
                continue;
            }
            right[i] = !random.Chance((float)wrong);
            (points[3 * i], points[3 * i + 1], points[3 * i + 2]) = point;
            (clean[2 * i], clean[2 * i + 1]) = (x, y);
            scores[i] = right[i] ? random.Range(0.5f, 1) : random.Range(0.2f, 0.8f);
            look.Stored(random, point, size, stored.AsSpan(3 * i, 3));
            if (right[i]) look.Seen(random, stored.AsSpan(3 * i, 3), picture.AsSpan(3 * i, 3));
            else look.Elsewhere(random, picture.AsSpan(3 * i, 3));
            if (withDepth) depth[i] = random.Chance(0.2f) ? 0 : at.Z * (1 + 0.01 * random.Normal()) * (right[i] ? 1 : random.Range(0.7f, 3));
        }
        (double left, double rightmost) = (Extreme(clean, 0, -1), Extreme(clean, 0, 1));
        (double top, double bottom) = (Extreme(clean, 1, -1), Extreme(clean, 1, 1));
        for (int i = 0; i < count; i++)
        {
            bool near = random.Chance(0.7f);   // wrong matches are mostly elsewhere on the object
            (seen[2 * i], seen[2 * i + 1]) = right[i] ? (clean[2 * i] + noise * random.Normal(), clean[2 * i + 1] + noise * random.Normal())
                : near ? (random.Range((float)left, (float)rightmost), random.Range((float)top, (float)bottom)) : (random.Range(0, camera.Width), random.Range(0, camera.Height));
        }
        var input = new PhotoInput { Camera = camera, ObjectPoints = points, ImagePoints = seen, Scores = scores, DepthMetres = depth, PictureColours = picture, ObjectColours = stored };
        return new PhotoScene(input, noise, right, clean);

        static double Extreme(double[] values, int offset, int sign) => sign * Enumerable.Range(0, values.Length / 2).Max(i => sign * values[2 * i + offset]);
    }

    private static ((double X, double Y, double Z) Point, (double X, double Y, double Z) Normal) OnSurface(SeededRandom random, Shape shape, (double Width, double Height, double Depth) half, double size)
    {
        double a = random.Range(-1, 1), b = random.Range(-1, 1);
        int side = random.Chance(0.5f) ? 1 : -1;
        if (shape == Shape.Ball)
        {
            double x = random.Normal(), y = random.Normal(), z = random.Normal(), length = Math.Sqrt(x * x + y * y + z * z);
            return ((size * x / length, size * y / length, size * z / length), (x / length, y / length, z / length));
        }
        // Flat things show either face.
        (double w, double h, double d) = (size * half.Width, size * half.Height, size * half.Depth);
        return (shape == Shape.Flat ? 2 : random.Below(3)) switch
        {
            0 => ((side * w, a * h, b * d), (side, 0, 0)),
            1 => ((a * w, side * h, b * d), (0, side, 0)),
            _ => ((a * w, b * h, side * d), (0, 0, side)),
        };
    }

    private static RigidPose Rotation(SeededRandom random)
    {
        double x = random.Normal(), y = random.Normal(), z = random.Normal(), w = random.Normal(), length = Math.Sqrt(x * x + y * y + z * z + w * w);
        return RigidPose.FromQuaternion(x / length, y / length, z / length, w / length);
    }
}

/// <summary>What may be unusual without a mistake of the user's.</summary>
internal enum Oddity { Cut, Lens, Grid, Smooth, Model }

/// <summary>Colours of an object in patches, and of its picture in other light.</summary>
internal sealed class Appearance
{
    private readonly (float R, float G, float B)[] patches;
    private readonly (float R, float G, float B) light;
    private readonly float scale;

    public Appearance(SeededRandom random, bool coloured)
    {
        float strength = coloured ? random.Range(0.35f, 1) : random.Chance(0.3f) ? 0.02f : random.Range(0.05f, 1);
        patches = [.. Enumerable.Range(0, random.Below(5) + 1).Select(_ => Patch(random, strength))];
        // At least one patch is between red and blue: exchanging the two does not change green.
        if (coloured) patches[0] = random.Chance(0.5f) ? (220, 90 + 60 * random.Unit(), 40) : (40, 90 + 60 * random.Unit(), 220);
        float gain = random.Range(0.5f, 1.2f);
        light = (gain * random.Range(0.85f, 1.15f), gain, gain * random.Range(0.85f, 1.15f));
        scale = random.Range(2, 6);
    }

    public void Stored(SeededRandom random, (double X, double Y, double Z) point, double size, Span<byte> colour)
    {
        double wave = Math.Sin(scale * point.X / size) + Math.Sin(scale * point.Y / size + 1) + Math.Sin(scale * point.Z / size + 2);
        Write(random, patches[Math.Min(patches.Length - 1, (int)((wave + 3) / 6 * patches.Length))], (1, 1, 1), 6, colour);
    }

    public void Seen(SeededRandom random, ReadOnlySpan<byte> stored, Span<byte> colour)
    {
        // A few pixels aside there may be another patch.
        (float R, float G, float B) source = random.Chance(0.15f) ? patches[random.Below(patches.Length)] : (stored[0], stored[1], stored[2]);
        float shade = random.Range(0.7f, 1);
        Write(random, source, (shade * light.R, shade * light.G, shade * light.B), 8, colour);
    }

    public void Elsewhere(SeededRandom random, Span<byte> colour)
    {
        if (random.Chance(0.7f)) Write(random, patches[random.Below(patches.Length)], light, 8, colour);
        else Write(random, Patch(random, 0.5f), light, 8, colour);
    }

    private static (float R, float G, float B) Patch(SeededRandom random, float strength)
    {
        float grey = random.Range(60, 200);
        float Mixed() => grey + strength * (random.Range(20, 240) - grey);
        return (Mixed(), Mixed(), Mixed());
    }

    private static void Write(SeededRandom random, (float R, float G, float B) source, (float R, float G, float B) gain, float noise, Span<byte> colour)
    {
        colour[0] = (byte)Math.Clamp(source.R * gain.R + noise * random.Normal(), 0, 255);
        colour[1] = (byte)Math.Clamp(source.G * gain.G + noise * random.Normal(), 0, 255);
        colour[2] = (byte)Math.Clamp(source.B * gain.B + noise * random.Normal(), 0, 255);
    }
}
