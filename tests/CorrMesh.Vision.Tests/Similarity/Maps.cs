using CorrMesh.Vision.Features;
using CorrMesh.Vision.Similarity;

namespace CorrMesh.Vision.Tests.Similarity;

/// <summary>Seeded feature maps of many kinds, and the definition of similarity written out.</summary>
internal static class Maps
{
    public static readonly string[] Kinds = ["noise", "smooth", "ties", "zeros", "constant", "opposed", "allZero"];

    /// <summary>A map of tokensWide x tokensHigh over an image, its axes like the paper's: first and last centres inside the image.</summary>
    public static FeatureMap Make(string kind, int tokensWide, int tokensHigh, int width, int height, int channels, int seed)
    {
        var random = new Random(seed);
        int tokens = tokensWide * tokensHigh;
        var values = Normal(random, tokens * channels);
        for (int token = 0; token < tokens; token++)
        {
            var value = values.AsSpan(token * channels, channels);
            var first = values.AsSpan(0, channels);
            switch (kind)
            {
                case "smooth":
                    for (int c = 0; c < channels; c++)
                    {
                        value[c] = MathF.Sin((0.3f * c) + (token % tokensWide * 0.4f)) + MathF.Cos((0.7f * c) + (token / tokensWide * 0.3f)) + (0.1f * value[c]);
                    }

                    break;
                case "ties" when random.Next(2) == 0:
                case "constant":
                    first.CopyTo(value);
                    break;
                case "zeros" when random.Next(2) == 0:
                case "allZero":
                    value.Clear();
                    break;
                case "opposed" when token % 2 == 1:
                    for (int c = 0; c < channels; c++)
                    {
                        value[c] = -values[((token - 1) * channels) + c];
                    }

                    break;
            }
        }

        return new FeatureMap(width, height, Axis(tokensWide, width), Axis(tokensHigh, height), channels, values);
    }

    public static TokenAxis Axis(int tokens, int size) => new(tokens, (float)tokens / size, -0.5f);

    public static float[] Normal(Random random, int count)
    {
        var values = new float[count];
        for (int i = 0; i < count; i++)
        {
            values[i] = (float)(Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble()));
        }

        return values;
    }

    /// <summary>The definition: interpolate the raw tokens at the pixel's centre, then take the cosine.</summary>
    public static double Score(FeatureMap map, ReadOnlySpan<float> descriptor, int x, int y, bool normaliseTarget = true)
    {
        float columnIndex = map.X.IndexOf(x + 0.5f), rowIndex = map.Y.IndexOf(y + 0.5f);
        int column = (int)columnIndex, row = (int)rowIndex;
        double u = columnIndex - column, v = rowIndex - row, dot = 0, norm = 0, descriptorNorm = 0;
        var t00 = map.Token(row, column);
        var t01 = map.Token(row, Math.Min(column + 1, map.X.Count - 1));
        var t10 = map.Token(Math.Min(row + 1, map.Y.Count - 1), column);
        var t11 = map.Token(Math.Min(row + 1, map.Y.Count - 1), Math.Min(column + 1, map.X.Count - 1));
        for (int c = 0; c < map.Channels; c++)
        {
            double f = ((1 - v) * (((1 - u) * t00[c]) + (u * t01[c]))) + (v * (((1 - u) * t10[c]) + (u * t11[c])));
            dot += descriptor[c] * f;
            norm += f * f;
            descriptorNorm += (double)descriptor[c] * descriptor[c];
        }

        return normaliseTarget
            ? dot / Math.Max(Math.Sqrt(norm) * Math.Sqrt(descriptorNorm), 1e-12)
            : descriptorNorm == 0 ? 0 : dot / Math.Sqrt(descriptorNorm);
    }

    /// <summary>[height, width] scores by the definition.</summary>
    public static double[,] Scores(FeatureMap map, ReadOnlySpan<float> descriptor, bool normaliseTarget = true)
    {
        var scores = new double[map.ImageHeight, map.ImageWidth];
        for (int y = 0; y < map.ImageHeight; y++)
        {
            for (int x = 0; x < map.ImageWidth; x++)
            {
                scores[y, x] = Score(map, descriptor, x, y, normaliseTarget);
            }
        }

        return scores;
    }

    /// <summary>The largest score, the first of equals.</summary>
    public static PixelMatch Best(double[,] scores)
    {
        var best = new PixelMatch(0, 0, float.NegativeInfinity);
        for (int y = 0; y < scores.GetLength(0); y++)
        {
            for (int x = 0; x < scores.GetLength(1); x++)
            {
                if ((float)scores[y, x] > best.Score)
                {
                    best = new PixelMatch(x, y, (float)scores[y, x]);
                }
            }
        }

        return best;
    }
}
