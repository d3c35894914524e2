using CorrMesh.Geometry;
using CorrMesh.Rendering.Augmentation;
using CorrMesh.Rendering.Views;
using CorrMesh.Training.Data;
using CorrMesh.Vision.Images;

namespace CorrMesh.Training.Finetuning;

/// <summary>An object to train on.</summary>
/// <param name="Name">As recipes name it.</param>
/// <param name="Views">At least 2, with depth.</param>
/// <param name="LongestSideMetres">Of the object; 1 in the unit box. Points are told apart by fractions of it.</param>
public sealed record PosedObject(string Name, IViewSource Views, double LongestSideMetres = 1);

/// <summary>Posed views with depth, rendered or photographed, under the paper's augmentations.</summary>
/// <param name="augmentations">Null for the paper's.</param>
/// <param name="backdrops">Whether each augmentation puts another random scene behind the object.</param>
public sealed class PosedViews(IReadOnlyList<PosedObject> objects, AugmentationOptions? augmentations = null, bool backdrops = false) : ITrainingViews
{
    // Streams of an augmentation's seed.
    private const ulong AugmentationStream = 0, BackdropStream = 1;

    /// <inheritdoc/>
    public IReadOnlyList<string> Objects { get; } = [.. objects.Select(o => o.Name)];

    /// <inheritdoc/>
    public int CountViews(int objectIndex) => objects[objectIndex].Views.Poses.Count;

    /// <inheritdoc/>
    public double AngleBetween(int objectIndex, int first, int second) => objects[objectIndex].Views.Poses[first].AngleTo(objects[objectIndex].Views.Poses[second]);

    /// <inheritdoc/>
    /// <exception cref="InvalidDataException">The view has no depth, or its files are damaged.</exception>
    public TrainingView Load(int objectIndex, int viewIndex, ulong? augmentation)
    {
        (string name, IViewSource views, double longest) = objects[objectIndex];
        ObjectView view = views.Load(viewIndex);
        if (view.DepthMetres is not { } depth) throw new InvalidDataException($"object '{name}', view {viewIndex}: depth needed, none given");
        AugmentedView? changed = augmentation is { } seed ? ViewAugmenter.Apply(view.Image, view.Mask, new SeededRandom(seed, AugmentationStream), augmentations) : null;
        RgbImage image = changed is null ? view.Image : backdrops ? BeforeScene(changed, augmentation!.Value) : changed.Image;
        RigidPose toObject = view.ObjectToCamera.Inverse();
        List<float> points = [], objectPoints = [];
        for (int at = 0; at < depth.Length; at++)
        {
            if (view.Mask[at] == 0 || !(depth[at] > 0)) continue;
            (double x, double y) = (at % view.Camera.Width, at / view.Camera.Width);
            (double X, double Y, double Z) place = toObject.Apply(view.Camera.Unproject(x, y, depth[at]));
            objectPoints.AddRange((float)(place.X / longest), (float)(place.Y / longest), (float)(place.Z / longest));
            if (changed is not null) (x, y) = changed.Movement.Apply(x, y);
            points.AddRange((float)x + 0.5f, (float)y + 0.5f);   // from pixel centres to corners
        }
        return new TrainingView(image, [.. points], [.. objectPoints]);
    }

    private static RgbImage BeforeScene(AugmentedView view, ulong seed)
    {
        RgbImage picture = view.Image;
        int side = Math.Max(picture.Width, picture.Height);
        RgbImage scene = new Backdrop().Make(new SeededRandom(seed, BackdropStream), side);
        byte[] pixels = [.. picture.Pixels];
        for (int at = 0; at < view.Mask.Length; at++)
            if (view.Mask[at] == 0) scene.Pixels.AsSpan(3 * (at / picture.Width * side + at % picture.Width), 3).CopyTo(pixels.AsSpan(3 * at));
        return new RgbImage(picture.Width, picture.Height, pixels);
    }
}
