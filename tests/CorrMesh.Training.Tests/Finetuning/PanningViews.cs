using CorrMesh.Geometry;
using CorrMesh.Training.Finetuning;
using CorrMesh.Vision.Images;

namespace CorrMesh.Training.Tests.Finetuning;

/// <summary>Textured unit squares, each view a window that has moved over them by whole pixels: exact correspondence without a renderer.</summary>
/// <remarks>An augmentation moves the window further and adds noise, so points leave the picture as the paper's shifts make them.</remarks>
internal sealed class PanningViews(int objects = 2, int views = 4) : ITrainingViews
{
    public const int Size = 64;

    private int loads;

    /// <summary>How often a view was loaded.</summary>
    public int Loads => loads;

    /// <summary>The angle that every pair is said to have.</summary>
    public Func<int, int, double> Angle { get; init; } = (_, _) => 30;

    /// <summary>Side of the square, pixels.</summary>
    public int Side { get; init; } = 56;

    public IReadOnlyList<string> Objects { get; } = [.. Enumerable.Range(0, objects).Select(i => $"object-{i}")];

    public int CountViews(int objectIndex) => views;

    public double AngleBetween(int objectIndex, int first, int second) => Angle(first, second);

    public TrainingView Load(int objectIndex, int viewIndex, ulong? augmentation)
    {
        Interlocked.Increment(ref loads);
        var random = new SeededRandom(augmentation ?? 0, 9);
        int left = 2 * viewIndex + (augmentation is null ? 0 : random.Below(17) - 8), top = 3 * viewIndex + (augmentation is null ? 0 : random.Below(17) - 8);
        var pixels = new byte[3 * Size * Size];
        List<float> points = [], objectPoints = [];
        for (int row = 0; row < Side; row++)
        {
            for (int column = 0; column < Side; column++)
            {
                int x = left + column, y = top + row;
                points.AddRange(x + 0.5f, y + 0.5f);
                objectPoints.AddRange((column + 0.5f) / Side, (row + 0.5f) / Side, 0.1f * MathF.Sin(0.2f * column));
                float noise = augmentation is null ? 0 : 12 * random.Normal();
                if (x is < 0 or >= Size || y is < 0 or >= Size) continue;
                for (int channel = 0; channel < 3; channel++)
                    pixels[3 * (y * Size + x) + channel] = (byte)Math.Clamp(127 + 60 * Math.Sin(0.4 * column * (channel + 1) + objectIndex) + 50 * Math.Cos(0.013 * row * (column + 20)) + noise, 0, 255);
            }
        }
        return new TrainingView(new RgbImage(Size, Size, pixels), [.. points], [.. objectPoints]);
    }
}
