using CorrMesh.Geometry;
using CorrMesh.Vision.Features;

namespace CorrMesh.Training.Finetuning;

/// <summary>The two views of a step and their points.</summary>
internal sealed record ViewPair(PreparedView Source, PreparedView Target, PointPairs Points);

/// <summary>Draws each step's pair: object, two of its views, augmentations, points. What a step gets depends on the recipe, the views and the step alone.</summary>
internal sealed class PairSource
{
    private const int Attempts = 200;

    // Streams of the recipe's seed; the initial values use another.
    private const ulong StepDomain = 0x5354_4550_0000_0000, PoolDomain = 0x504F_4F4C_0000_0000;

    private readonly FinetuneRecipe recipe;
    private readonly ITrainingViews views;
    private readonly ViewCache cache;
    private readonly int patchSize;
    private readonly int[] objects;
    private readonly SeededRandom random = new(0, 0);

    /// <exception cref="ArgumentException">The recipe asks for objects that the source does not have, or an object has fewer than 2 views.</exception>
    public PairSource(FinetuneRecipe recipe, ITrainingViews views, ViewCache cache, int patchSize)
    {
        (this.recipe, this.views, this.cache, this.patchSize) = (recipe, views, cache, patchSize);
        objects = Choose(recipe, views.Objects);
        foreach (int chosen in objects)
        {
            int count = views.CountViews(chosen);
            if (count < 2) throw new ArgumentException($"objects: at least 2 views of each needed, {count} of '{views.Objects[chosen]}' given");
        }
    }

    /// <summary>The pair of a step counted from 0. Pairs turned too far, objects too small in the picture and points that all left it are drawn again.</summary>
    /// <exception cref="InvalidOperationException">No usable pair was found.</exception>
    public ViewPair Build(int step)
    {
        for (int attempt = 0; attempt < Attempts; attempt++)
        {
            random.Reseed((ulong)recipe.Seed ^ StepDomain, ((ulong)step << 8) | (uint)attempt);
            int chosen = objects[random.Below(objects.Length)], count = views.CountViews(chosen);
            int first = random.Below(count), second = (first + 1 + random.Below(count - 1)) % count;
            ulong? sourceSeed = Augmentation(chosen, first), targetSeed = Augmentation(chosen, second);
            if (views.AngleBetween(chosen, first, second) > recipe.MaxAngle) continue;
            PreparedView source = cache.GetOrAdd(new ViewKey(chosen, first, sourceSeed), Load), target = cache.GetOrAdd(new ViewKey(chosen, second, targetSeed), Load);
            if (Draw(source) is { } from && Draw(target) is { } to) return new ViewPair(source, target, PointPairs.Match(from, to));
        }
        throw new InvalidOperationException(
            $"step {step + 1}: in {Attempts} draws no two views within max_angle {recipe.MaxAngle} showed at least {SmallestObject} points of an object; are the objects too small in their views?");
    }

    /// <summary>Loads a view and prepares it for the network.</summary>
    public PreparedView Load(ViewKey key)
    {
        TrainingView view = views.Load(key.Object, key.View, key.Augmentation);
        PreparedImage image = PreparedImage.From(view.Image, InputGeometry.ForTokens(view.Image.Width, view.Image.Height, recipe.Tokens, patchSize));
        return new PreparedView(key, image, view.Points, view.ObjectPoints);
    }

    // Points are repeated where the object has fewer than are drawn, as in the public code; the pairs among the copies grow with the square of that, so it has an end.
    private int SmallestObject => Math.Max(1, recipe.Keypoints / 16);

    private ulong? Augmentation(int chosen, int view)
    {
        if (!recipe.Augment) return null;
        if (!recipe.CacheTrunk) return random.NextBits();
        ulong place = ((ulong)chosen << 32) | ((ulong)view << 8) | (uint)random.Below(recipe.PoolSize);
        return new SeededRandom((ulong)recipe.Seed ^ PoolDomain, place).NextBits();
    }

    // The paper's sampling: so many of the object's pixels, with replacement only when there are fewer; those that the augmentation moved out of the picture are dropped.
    private ViewPoints? Draw(PreparedView view)
    {
        int available = view.Points.Length / 2;
        if (available < SmallestObject) return null;
        int[] drawn = available < recipe.Keypoints ? [.. Enumerable.Range(0, recipe.Keypoints).Select(_ => random.Below(available))] : Shuffled(available);
        List<float> points = [], objectPoints = [];
        foreach (int i in drawn)
        {
            float x = view.Points[2 * i], y = view.Points[2 * i + 1];
            if (!(x >= 0 && x < view.Geometry.ImageWidth && y >= 0 && y < view.Geometry.ImageHeight)) continue;
            points.AddRange(x, y);
            objectPoints.AddRange(view.ObjectPoints.AsSpan(3 * i, 3));
        }
        return points.Count == 0 ? null : ViewPoints.Create(points.ToArray(), [.. objectPoints], view.Geometry.X, view.Geometry.Y);
    }

    // The first places of a Fisher-Yates shuffle.
    private int[] Shuffled(int available)
    {
        int[] order = [.. Enumerable.Range(0, available)];
        for (int i = 0; i < recipe.Keypoints; i++)
        {
            int other = i + random.Below(available - i);
            (order[i], order[other]) = (order[other], order[i]);
        }
        return order[..recipe.Keypoints];
    }

    private static int[] Choose(FinetuneRecipe recipe, IReadOnlyList<string> names)
    {
        if (names.Count == 0) throw new ArgumentException("objects: the source has none");
        if (recipe.ObjectCount > names.Count) throw new ArgumentException($"object_count: at most {names.Count} needed, {recipe.ObjectCount} given");
        if (recipe.Objects.Count == 0) return [.. Enumerable.Range(0, recipe.ObjectCount == 0 ? names.Count : recipe.ObjectCount)];
        var places = names.Select((name, i) => (name, i)).ToDictionary(pair => pair.name, pair => pair.i, StringComparer.Ordinal);
        return [.. recipe.Objects.Select(name => places.TryGetValue(name, out int place) ? place : throw new ArgumentException($"objects: '{name}' is not one of the source's {names.Count}"))];
    }
}
