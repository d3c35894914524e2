using CorrMesh.Vision.Images;

namespace CorrMesh.Training.Finetuning;

/// <summary>One picture of an object, and where on the object each of its pixels lies.</summary>
/// <param name="Image">The picture, augmented where that was asked for.</param>
/// <param name="Points">[N * 2]: x, y of the object's pixels, corner-origin. After an augmentation they may lie outside the picture; such points are dropped once drawn.</param>
/// <param name="ObjectPoints">[N * 3]: the same points in the object's frame, whose longest side is about 1.</param>
public sealed record TrainingView(RgbImage Image, float[] Points, float[] ObjectPoints)
{
    public int PointCount => Points.Length / 2;

    /// <exception cref="ArgumentException">Lengths do not fit each other.</exception>
    public float[] ObjectPoints { get; } = ObjectPoints.Length / 3 * 2 == Points.Length && ObjectPoints.Length % 3 == 0
        ? ObjectPoints
        : throw new ArgumentException($"object_points: {Points.Length / 2 * 3} values needed for {Points.Length / 2} points, {ObjectPoints.Length} given", nameof(ObjectPoints));
}

/// <summary>Objects seen from several sides. Every answer is a function of its arguments alone, and calls may overlap.</summary>
public interface ITrainingViews
{
    /// <summary>Names of the objects, in an order that does not change.</summary>
    IReadOnlyList<string> Objects { get; }

    /// <summary>How many views there are of an object, at least 2.</summary>
    int CountViews(int objectIndex);

    /// <summary>The angle between the camera orientations of two views, degrees, 0 to 180.</summary>
    double AngleBetween(int objectIndex, int first, int second);

    /// <summary>Loads a view.</summary>
    /// <param name="objectIndex">Position in <see cref="Objects"/>.</param>
    /// <param name="viewIndex">0 to the number of views - 1.</param>
    /// <param name="augmentation">Seed of an augmentation, or null for the view as it is.</param>
    TrainingView Load(int objectIndex, int viewIndex, ulong? augmentation);
}
