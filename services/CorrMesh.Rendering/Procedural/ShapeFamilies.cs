using System.Numerics;
using CorrMesh.Geometry;

namespace CorrMesh.Rendering.Procedural;

/// <summary>Families of shapes. Each draws one shape into a builder and says whether a rotation maps it onto itself.</summary>
internal static class ShapeFamilies
{
    public static IReadOnlyDictionary<string, Func<SolidBuilder, SeededRandom, bool>> All { get; } = new Dictionary<string, Func<SolidBuilder, SeededRandom, bool>>
    {
        ["lathe"] = Lathe,
        ["fluted"] = Fluted,
        ["superquadric"] = Superquadric,
        ["torus"] = Torus,
        ["pebble"] = (builder, random) => Pebble(builder, random, isGem: false),
        ["gem"] = (builder, random) => Pebble(builder, random, isGem: true),
        ["supershape"] = Supershape,
        ["tube"] = Tube,
        ["horn"] = Horn,
        ["stack"] = Stack,
        ["creature"] = Creature,
        ["vessel"] = Vessel,
        ["extrusion"] = Extrusion,
        ["blobs"] = Blobs,
        ["carved"] = Carved,
    };

    private static bool Lathe(SolidBuilder builder, SeededRandom random)
    {
        Func<float, float> radius = Profile(random);
        float height = random.Range(0.7f, 2.2f);
        builder.AddTube((u, v) => Around(u, radius(v), height * (0.5f - v)), 96, 96);
        return true;
    }

    private static bool Fluted(SolidBuilder builder, SeededRandom random)
    {
        Func<float, float> radius = Profile(random);
        float height = random.Range(0.8f, 2), depth = random.Range(0.04f, 0.15f), twist = random.Range(-3, 3), lean = random.Range(0.1f, 0.25f), phase = random.Range(0, MathF.Tau);
        int flutes = 3 + random.Below(8);
        builder.AddTube(
            (u, v) =>
            {
                float angle = MathF.Tau * u;
                float swell = 1 + depth * MathF.Cos(flutes * angle + twist * v) + lean * MathF.Cos(angle + phase) + 0.5f * lean * MathF.Cos(2 * angle + 3 * v);
                return Around(u, swell * radius(v), height * (0.5f - v));
            },
            160, 96);
        return false;
    }

    // Barr 1981, tapered along z and bent in x.
    private static bool Superquadric(SolidBuilder builder, SeededRandom random)
    {
        float e1 = random.Range(0.25f, 1.6f), e2 = random.Range(0.25f, 1.6f), taper = random.Range(0.15f, 0.5f), bend = random.Range(0.15f, 0.45f);
        var size = new Vector3(random.Range(0.4f, 1), random.Range(0.4f, 1), random.Range(0.5f, 1.2f));
        builder.AddTube(
            (u, v) =>
            {
                (float sine, float cosine) = MathF.SinCos(MathF.PI * v);
                (float y, float x) = MathF.SinCos(MathF.Tau * u);
                Vector3 p = size * new Vector3(Power(sine, e1) * Power(x, e2), Power(sine, e1) * Power(y, e2), Power(cosine, e1));
                float narrow = 1 - taper * p.Z / size.Z;
                return new Vector3(p.X * narrow + bend * p.Z * p.Z, p.Y * narrow, p.Z);
            },
            128, 64);
        return false;
    }

    private static bool Torus(SolidBuilder builder, SeededRandom random)
    {
        float thickness = random.Range(0.12f, 0.35f), change = random.Range(0.2f, 0.5f), wave = random.Range(0.08f, 0.3f), phase = random.Range(0, MathF.Tau), e = random.Range(0.4f, 1.2f);
        builder.AddTube(
            (u, v) =>
            {
                float angle = MathF.Tau * u, around = MathF.Tau * (v < 1 ? v : 0), tube = thickness * (1 + change * MathF.Cos(angle));
                (float sine, float cosine) = MathF.SinCos(around);
                return Around(u, 0.7f + tube * Power(cosine, e), tube * Power(sine, e) + wave * MathF.Sin(2 * angle + phase));
            },
            144, 48);
        return false;
    }

    private static bool Pebble(SolidBuilder builder, SeededRandom random, bool isGem)
    {
        uint seed = (uint)random.NextBits();
        float frequency = random.Range(0.8f, 2.2f), depth = random.Range(0.5f, 1.1f);
        var size = new Vector3(random.Range(0.5f, 1), random.Range(0.5f, 1), random.Range(0.4f, 1));
        int rings = isGem ? 5 + random.Below(4) : 56;
        builder.AddBall(d => size * d * (1 + depth * (SolidNoise.Fractal(frequency * d + new Vector3(9), isGem ? 2 : 4, seed) - 0.5f)), rings, isFlat: isGem);
        return false;
    }

    // Gielis 2003: the product of two superformulas.
    private static bool Supershape(SolidBuilder builder, SeededRandom random)
    {
        int m = 3 + random.Below(6), n = 2 * random.Below(3);
        float a1 = random.Range(2, 8), a2 = random.Range(3, 9), b1 = random.Range(2, 8), b2 = random.Range(3, 9);
        builder.AddTube(
            (u, v) =>
            {
                float longitude = MathF.Tau * u - MathF.PI, latitude = MathF.PI * (0.5f - v);
                float r1 = Formula(longitude, m, a1, a2), r2 = Formula(latitude, n, b1, b2);
                (float sine, float cosine) = MathF.SinCos(latitude);
                return new Vector3(r1 * MathF.Cos(longitude) * r2 * cosine, r1 * MathF.Sin(longitude) * r2 * cosine, r2 * sine);
            },
            160, 80);
        return true;

        static float Formula(float angle, int m, float n1, float n2) =>
            MathF.Pow(MathF.Pow(MathF.Abs(MathF.Cos(m * angle / 4)), n2) + MathF.Pow(MathF.Abs(MathF.Sin(m * angle / 4)), n2), -1 / n1);
    }

    private static bool Tube(SolidBuilder builder, SeededRandom random)
    {
        Vector3[] knots = new Vector3[5];
        for (int i = 0; i < knots.Length; i++) knots[i] = new Vector3(random.Range(-0.6f, 0.6f), random.Range(-0.6f, 0.6f), i * 0.45f + random.Range(-0.15f, 0.15f));
        float thin = random.Range(0.1f, 0.16f), thick = random.Range(0.17f, 0.3f), flat = random.Range(0.5f, 1);
        Sweep(builder, t => Spline(knots, t), t => thin + (thick - thin) * (0.5f + 0.5f * MathF.Sin(5 * t + 1)), flat, 120, 0);
        return false;
    }

    private static bool Horn(SolidBuilder builder, SeededRandom random)
    {
        float turns = random.Range(1.2f, 2.6f), growth = random.Range(0.6f, 1.1f), climb = random.Range(0.2f, 0.9f), width = random.Range(0.3f, 0.5f);
        Sweep(
            builder,
            t =>
            {
                float angle = MathF.Tau * turns * t, radius = MathF.Exp(growth * turns * (t - 1));
                return new Vector3(radius * MathF.Cos(angle), radius * MathF.Sin(angle), -climb * radius);
            },
            t => width * MathF.Exp(growth * turns * (t - 1)), random.Range(0.7f, 1), 180, 0);
        return false;
    }

    private static bool Stack(SolidBuilder builder, SeededRandom random)
    {
        float z = 0;
        int blocks = 3 + random.Below(4);
        for (int i = 0; i < blocks; i++)
        {
            float height = random.Range(0.15f, 0.45f), turn = random.Range(0, MathF.Tau), taper = random.Range(0.6f, 1);
            var half = new Vector2(random.Range(0.2f, 0.55f), random.Range(0.2f, 0.55f));
            var offset = new Vector3(random.Range(-0.2f, 0.2f), random.Range(-0.2f, 0.2f), z);
            int slot = i & 1;
            if (random.Chance(0.5f)) Box(builder, half, height, taper, turn, offset, slot);
            else
            {
                builder.AddTube((u, v) => offset + new Vector3(half.X * Around(u, Cap(v) * (1 - (1 - taper) * Along(v)), 0).X, half.Y * Around(u, Cap(v) * (1 - (1 - taper) * Along(v)), 0).Y, height * Along(v)), 64, 36, slot);
            }
            z += height * 0.98f;
        }
        return false;

        // A drum with flat ends: out over the first quarter, up, and back in.
        static float Cap(float v) => Math.Clamp(MathF.Min(v, 1 - v) * 6, 0, 1);
        static float Along(float v) => Math.Clamp((v - 0.1667f) * 1.5f, 0, 1);
    }

    // A body, a head and limbs in mirrored pairs.
    private static bool Creature(SolidBuilder builder, SeededRandom random)
    {
        var body = new Vector3(random.Range(0.5f, 0.9f), random.Range(0.25f, 0.45f), random.Range(0.25f, 0.5f));
        builder.AddBall(d => body * d);
        float headSize = random.Range(0.2f, 0.38f);
        Vector3 head = new(body.X * random.Range(0.85f, 1.15f), 0, body.Z * random.Range(0.3f, 1.3f));
        builder.AddBall(d => head + headSize * new Vector3(1.15f, 0.9f, 0.95f) * d, 24, random.Below(2));
        for (int side = -1; side <= 1; side += 2)
        {
            Vector3 eye = head + headSize * new Vector3(0.75f, side * 0.45f, 0.45f);
            builder.AddBall(d => eye + 0.2f * headSize * d, 12, 1);
        }
        int pairs = 1 + random.Below(3);
        for (int pair = 0; pair < pairs; pair++)
        {
            float x = body.X * (pairs == 1 ? 0 : 1.2f * pair / (pairs - 1) - 0.6f), thickness = random.Range(0.06f, 0.13f), bow = random.Range(-0.2f, 0.3f);
            Vector3 foot = new(x + random.Range(-0.15f, 0.25f), body.Y + random.Range(0, 0.35f), -body.Z - random.Range(0.2f, 0.6f));
            for (int side = -1; side <= 1; side += 2)
            {
                Vector3 from = new(x, side * body.Y * 0.6f, 0), to = foot with { Y = side * foot.Y };
                Vector3 knee = (from + to) / 2 + new Vector3(bow, side * 0.1f, 0);
                Sweep(builder, t => Vector3.Lerp(Vector3.Lerp(from, knee, t), Vector3.Lerp(knee, to, t), t), t => thickness * (1.3f - 0.5f * t), 1, 24, 1);
            }
        }
        if (random.Chance(0.6f))
        {
            Vector3 root = new(-0.9f * body.X, 0, 0), tip = new(-body.X - random.Range(0.3f, 0.8f), 0, random.Range(-0.3f, 0.7f));
            Sweep(builder, t => Vector3.Lerp(root, tip, t) + new Vector3(0, 0, 0.3f * t * (1 - t)), t => 0.1f * (1.05f - t), 1, 24, 0);
        }
        return false;
    }

    // A hollow body of revolution with a handle.
    private static bool Vessel(SolidBuilder builder, SeededRandom random)
    {
        float height = random.Range(0.8f, 1.6f), wall = random.Range(0.04f, 0.08f), foot = random.Range(0.3f, 0.5f), belly = random.Range(0.4f, 0.65f), mouth = random.Range(0.25f, 0.6f);
        Vector2[] outer = [new(0, 0), new(foot, 0), new(belly, 0.45f * height), new(mouth, height)];
        builder.AddTube(
            (u, v) =>
            {
                // Up the outside, over the rim, down the inside.
                bool isOutside = v <= 0.5f;
                float t = isOutside ? 2 * v : 2 - 2 * v;
                Vector2 p = t < 0.15f ? Vector2.Lerp(outer[0], outer[1], t / 0.15f) : Bezier(outer[1], new Vector2(belly * 1.2f, 0.4f * height), outer[3], (t - 0.15f) / 0.85f);
                return isOutside ? Around(u, p.X, p.Y) : Around(u, MathF.Max(p.X - wall, 0), t < 0.15f ? wall : MathF.Max(p.Y, wall));
            },
            96, 96);
        float thickness = random.Range(0.05f, 0.09f), reach = random.Range(0.25f, 0.45f), low = height * random.Range(0.15f, 0.35f), high = height * random.Range(0.65f, 0.9f);
        Vector3 a = new(Radius(low), 0, low), b = new(Radius(high), 0, high), away = new(belly + 2 * reach, 0, (low + high) / 2);
        Sweep(builder, t => Vector3.Lerp(Vector3.Lerp(a, away, t), Vector3.Lerp(away, b, t), t), _ => thickness, 0.7f, 40, 1);
        return false;

        // On the curve of the outside, by height.
        float Radius(float z)
        {
            float best = 0, nearest = float.MaxValue;
            for (int i = 0; i <= 64; i++)
            {
                Vector2 p = Bezier(outer[1], new Vector2(belly * 1.2f, 0.4f * height), outer[3], i / 64f);
                if (MathF.Abs(p.Y - z) >= nearest) continue;
                (nearest, best) = (MathF.Abs(p.Y - z), p.X);
            }
            return best - wall / 2;
        }
    }

    private static bool Extrusion(SolidBuilder builder, SeededRandom random)
    {
        int corners = 5 + random.Below(7);
        var outline = new Vector2[corners];
        for (int i = 0; i < corners; i++)
        {
            (float sine, float cosine) = MathF.SinCos(MathF.Tau * (i + random.Range(-0.3f, 0.3f)) / corners);
            outline[i] = random.Range(0.35f, 0.8f) * new Vector2(cosine, sine);
        }
        float height = random.Range(0.3f, 1.3f), taper = random.Range(0.5f, 1), twist = random.Chance(0.5f) ? random.Range(-0.8f, 0.8f) : 0;
        const int steps = 12;
        var points = new List<Vector3>();
        var triangles = new List<int>();
        for (int step = 0; step <= steps; step++)
            for (int i = 0; i < corners; i++)
            {
                float t = (float)step / steps, scale = 1 - (1 - taper) * t;
                (float sine, float cosine) = MathF.SinCos(twist * t);
                points.Add(new Vector3(scale * (cosine * outline[i].X - sine * outline[i].Y), scale * (sine * outline[i].X + cosine * outline[i].Y), height * t));
                if (step == steps) continue;
                int a = step * corners + i, b = step * corners + (i + 1) % corners;
                triangles.AddRange([a, b, a + corners, b, b + corners, a + corners]);
            }
        // Ends: the outline is seen whole from its middle.
        for (int end = 0; end < 2; end++)
        {
            int first = end * steps * corners, middle = points.Count;
            points.Add(new Vector3(0, 0, end * height));
            for (int i = 0; i < corners; i++) triangles.AddRange([middle, first + i, first + (i + 1) % corners]);
        }
        builder.AddTriangles(points, triangles, isFlat: true);
        return false;
    }

    private static bool Blobs(SolidBuilder builder, SeededRandom random)
    {
        int count = 4 + random.Below(5);
        var balls = new (Vector3 From, Vector3 To, float Radius)[count];
        for (int i = 0; i < count; i++)
        {
            Vector3 from = i == 0 ? Vector3.Zero : balls[random.Below(i)].To;
            balls[i] = (from, from + random.Range(0.25f, 0.6f) * SolidBuilder.Direction(random.Unit(), random.Range(0.1f, 0.9f)), random.Range(0.12f, 0.3f));
        }
        float softness = random.Range(0.06f, 0.2f);
        SurfaceNets.Add(builder, p =>
        {
            // Smooth union of capsules: a soft minimum of their distances (Quilez).
            float distance = float.MaxValue;
            foreach ((Vector3 from, Vector3 to, float radius) in balls)
            {
                Vector3 along = to - from;
                float t = Math.Clamp(Vector3.Dot(p - from, along) / along.LengthSquared(), 0, 1), d = Vector3.Distance(p, from + t * along) - radius;
                float h = MathF.Max(softness - MathF.Abs(distance - d), 0) / softness;
                distance = MathF.Min(distance, d) - (distance < 1e6f ? h * h * softness / 4 : 0);
            }
            return distance;
        });
        return false;
    }

    private static bool Carved(SolidBuilder builder, SeededRandom random)
    {
        var half = new Vector3(random.Range(0.5f, 0.8f), random.Range(0.4f, 0.8f), random.Range(0.35f, 0.8f));
        float rounding = random.Range(0.03f, 0.2f);
        int cuts = 3 + random.Below(4);
        var holes = new (Vector3 At, Vector3 Axis, float Radius, bool IsDrill)[cuts];
        for (int i = 0; i < cuts; i++)
        {
            Vector3 direction = SolidBuilder.Direction(random.Unit(), MathF.Acos(random.Range(-1, 1)) / MathF.PI);
            holes[i] = (half * direction * random.Range(0.8f, 1.3f), SolidBuilder.Direction(random.Unit(), random.Unit()), random.Range(0.15f, 0.4f), random.Chance(0.4f));
        }
        SurfaceNets.Add(builder, p =>
        {
            Vector3 q = Vector3.Abs(p) - half + new Vector3(rounding);
            float distance = Vector3.Max(q, Vector3.Zero).Length() + MathF.Min(MathF.Max(q.X, MathF.Max(q.Y, q.Z)), 0) - rounding;
            foreach ((Vector3 at, Vector3 axis, float radius, bool isDrill) in holes)
            {
                Vector3 away = p - at;
                float hole = isDrill ? (away - Vector3.Dot(away, axis) * axis).Length() - 0.5f * radius : away.Length() - radius;
                distance = MathF.Max(distance, -hole);
            }
            return distance;
        });
        return false;
    }

    // A closed profile: radius over the way from top to bottom; ends on the axis.
    private static Func<float, float> Profile(SeededRandom random)
    {
        var radii = new float[6 + random.Below(4)];
        for (int i = 0; i < radii.Length; i++) radii[i] = random.Range(0.15f, 0.6f);
        return v =>
        {
            float at = v * (radii.Length - 1);
            int i = Math.Min((int)at, radii.Length - 2);
            float t = at - i;
            float p0 = radii[Math.Max(i - 1, 0)], p1 = radii[i], p2 = radii[i + 1], p3 = radii[Math.Min(i + 2, radii.Length - 1)];
            // Catmull and Rom, kept off the axis; a quarter circle closes each end.
            float radius = MathF.Max(0.5f * (2 * p1 + t * (p2 - p0 + t * (2 * p0 - 5 * p1 + 4 * p2 - p3 + t * (3 * (p1 - p2) + p3 - p0)))), 0.06f);
            float end = MathF.Min(MathF.Min(v, 1 - v) / 0.06f, 1);
            return radius * MathF.Sqrt(MathF.Max(1 - (1 - end) * (1 - end), 0));
        };
    }

    private static Vector3 Around(float u, float radius, float z)
    {
        (float sine, float cosine) = MathF.SinCos(MathF.Tau * u);
        return new Vector3(radius * cosine, radius * sine, z);
    }

    private static float Power(float value, float exponent) => MathF.Sign(value) * MathF.Pow(MathF.Abs(value), exponent);

    private static Vector2 Bezier(Vector2 a, Vector2 b, Vector2 c, float t) => Vector2.Lerp(Vector2.Lerp(a, b, t), Vector2.Lerp(b, c, t), t);

    private static Vector3 Spline(Vector3[] knots, float t)
    {
        float at = t * (knots.Length - 1);
        int i = Math.Clamp((int)at, 0, knots.Length - 2);
        t = at - i;
        Vector3 p0 = knots[Math.Max(i - 1, 0)], p1 = knots[i], p2 = knots[i + 1], p3 = knots[Math.Min(i + 2, knots.Length - 1)];
        return 0.5f * (2 * p1 + t * (p2 - p0 + t * (2 * p0 - 5 * p1 + 4 * p2 - p3 + t * (3 * (p1 - p2) + p3 - p0))));
    }

    // An ellipse carried along a curve, its frame turned as little as possible; the ends are rounded off.
    private static void Sweep(SolidBuilder builder, Func<float, Vector3> curve, Func<float, float> radius, float flat, int rows, int slot)
    {
        var sides = new Vector3[rows + 1];
        Vector3 side = Vector3.Zero;
        for (int row = 0; row <= rows; row++)
        {
            Vector3 along = Tangent((float)row / rows);
            if (row == 0) side = Vector3.Cross(along, MathF.Abs(along.Z) < 0.9f ? Vector3.UnitZ : Vector3.UnitX);
            side = Vector3.Normalize(side - Vector3.Dot(side, along) * along);
            sides[row] = side;
        }
        builder.AddTube(
            (u, v) =>
            {
                Vector3 along = Tangent(v), x = sides[(int)MathF.Round(v * rows)], y = Vector3.Cross(along, x);
                float end = MathF.Min(MathF.Min(v, 1 - v) * rows / 5, 1), r = radius(v) * MathF.Sqrt(MathF.Max(1 - (1 - end) * (1 - end), 0));
                (float sine, float cosine) = MathF.SinCos(MathF.Tau * u);
                return curve(v) + r * (cosine * x + flat * sine * y);
            },
            40, rows, slot);

        Vector3 Tangent(float t) => Vector3.Normalize(curve(MathF.Min(t + 1e-3f, 1)) - curve(MathF.Max(t - 1e-3f, 0)));
    }

    private static void Box(SolidBuilder builder, Vector2 half, float height, float taper, float turn, Vector3 offset, int slot)
    {
        (float sine, float cosine) = MathF.SinCos(turn);
        var points = new Vector3[8];
        for (int i = 0; i < 8; i++)
        {
            float scale = (i & 4) == 0 ? 1 : taper, x = scale * ((i & 1) == 0 ? -half.X : half.X), y = scale * ((i & 2) == 0 ? -half.Y : half.Y);
            points[i] = offset + new Vector3(cosine * x - sine * y, sine * x + cosine * y, (i & 4) == 0 ? 0 : height);
        }
        builder.AddTriangles(points, [0, 2, 1, 1, 2, 3, 4, 5, 6, 5, 7, 6, 0, 1, 4, 1, 5, 4, 2, 6, 3, 3, 6, 7, 0, 4, 2, 2, 4, 6, 1, 3, 5, 3, 7, 5], slot, isFlat: true);
    }
}
