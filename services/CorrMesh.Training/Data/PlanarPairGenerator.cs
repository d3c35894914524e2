using CorrMesh.Geometry;

namespace CorrMesh.Training.Data;

/// <summary>What a <see cref="PlanarPairGenerator"/> adds to the geometry.</summary>
public sealed record PlanarPairOptions
{
    /// <summary>Change light, colour, sharpness and noise of each view on its own.</summary>
    public bool Photometric { get; init; } = true;

    /// <summary>Put foreground shapes before some views.</summary>
    public bool Occluders { get; init; } = true;
}

/// <summary>Makes procedural flat scenes seen from several sides, with exact correspondence: training data without photographs.</summary>
/// <remarks>
/// The answer depends on the seed, the index and the other arguments alone. One instance serves one thread at a time (it keeps
/// its buffers); instances are cheap and share their texture tiles. Indices below <see cref="FirstEvaluationIndex"/> are for
/// training, those from it on for evaluation, so that nothing measured was ever trained on.
/// </remarks>
public sealed class PlanarPairGenerator
{
    /// <summary>Indices from here on are kept for evaluation.</summary>
    public const long FirstEvaluationIndex = 1_000_000_000;

    /// <summary>Canvas side as a multiple of the view side.</summary>
    private const double CanvasRatio = 1.6;

    private readonly ulong seed;
    private readonly PlanarPairOptions options;
    private readonly SeededRandom random = new(0, 0);
    private readonly SceneComposer composer = new();
    private readonly ViewSampler sampler = new();
    private readonly Photometry photometry = new();
    private readonly Raster backdrop = new();
    private readonly Raster picture = new();

    /// <param name="seed">Another seed gives other scenes at every index.</param>
    /// <param name="options">Null for the defaults.</param>
    public PlanarPairGenerator(ulong seed = 0, PlanarPairOptions? options = null)
    {
        this.seed = seed;
        this.options = options ?? new PlanarPairOptions();
    }

    /// <summary>Makes one scene and its views.</summary>
    /// <param name="index">Which scene, at least 0.</param>
    /// <param name="difficulty">0 (slight motion and change of light) to 1 (tilts to 60 degrees, any rotation, strong changes).</param>
    /// <param name="size">Side of each view, 32 to 2048 pixels.</param>
    /// <param name="viewCount">2 to 4.</param>
    /// <returns>The views; any two overlap (see the view's masks for what is seen in both).</returns>
    /// <exception cref="ArgumentOutOfRangeException">An argument is outside its range.</exception>
    public PlanarViewSet Generate(long index, double difficulty, int size, int viewCount)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        if (!(difficulty is >= 0 and <= 1)) throw new ArgumentOutOfRangeException(nameof(difficulty), difficulty, "difficulty: 0 to 1 needed");
        if (size is < 32 or > 2048) throw new ArgumentOutOfRangeException(nameof(size), size, "size: 32 to 2048 needed");
        if (viewCount is < 2 or > 4) throw new ArgumentOutOfRangeException(nameof(viewCount), viewCount, "viewCount: 2 to 4 needed");

        random.Reseed(seed, (ulong)index);
        composer.Restart();
        // A multiple of 8 halves three times without a remainder.
        int canvasSize = (int)Math.Ceiling(size * CanvasRatio / 8) * 8;
        sampler.Canvas.Resize(canvasSize, canvasSize);
        composer.Compose(sampler.Canvas, random, 1);
        Photometry.Clamp(sampler.Canvas);
        sampler.BuildLevels();
        backdrop.Resize(size, size);
        composer.Compose(backdrop, random, 0.4f);
        Photometry.Clamp(backdrop);

        Span<Homography> maps = stackalloc Homography[viewCount];
        ViewGeometry.Draw(random, difficulty, canvasSize, size, maps);
        var views = new PlanarView[viewCount];
        for (int view = 0; view < viewCount; view++)
        {
            picture.Resize(size, size);
            var mask = new byte[size * size];
            sampler.Render(maps[view], backdrop, (random.Range(0, 2 * size), random.Range(0, 2 * size)), picture, mask);
            if (options.Occluders && random.Chance(0.45f * (float)(0.2 + 0.8 * difficulty)))
                for (int count = 1 + random.Below(3); count > 0; count--)
                    composer.Occlude(picture, mask, random, size * random.PowerLaw(0.02f, 0.16f, 1));
            if (options.Photometric) photometry.Apply(picture, random, (float)difficulty);
            else Photometry.Clamp(picture);
            views[view] = new PlanarView(picture.ToBytes(), mask, maps[view]);
        }
        return new PlanarViewSet(index, size, views);
    }
}
