using CorrMesh.Geometry;

namespace CorrMesh.Training.Data;

/// <summary>Draws the homographies under which a square canvas is photographed.</summary>
internal static class ViewGeometry
{
    /// <summary>Canvas pixels that one view pixel spans when a view is neither enlarged, reduced nor tilted.</summary>
    public const double NeutralZoom = 1.15;

    private const int ProbesPerSide = 8;

    /// <summary>Draws maps from the canvas to each view, until any two of the views overlap enough.</summary>
    /// <remarks>
    /// Of any two views, at least 35 % of the one that sees more of the other, and 15 % of the other, lies in both (counted
    /// on 8 x 8 probes). A rare draw that fails 40 times falls back to gentler motion, and in the end to none.
    /// </remarks>
    public static void Draw(SeededRandom random, double difficulty, int canvasSize, int size, Span<Homography> canvasToView)
    {
        for (int view = 0; view < canvasToView.Length; view++)
        {
            double strength = difficulty;
            for (int attempt = 0; ; attempt++)
            {
                // The first view is a photograph too, only a calmer one.
                canvasToView[view] = attempt < 60 ? One(random, view == 0 ? 0.35 * strength : strength, canvasSize, size) : canvasToView[0];
                if (attempt >= 60 || Overlaps(canvasToView[..(view + 1)], canvasSize, size)) break;
                if (attempt >= 40) strength *= 0.8;
            }
        }
    }

    private static Homography One(SeededRandom random, double difficulty, int canvasSize, int size)
    {
        double growth = 0.3 + 0.7 * difficulty;
        float pick = random.Unit();
        double degrees = pick < 0.05 * growth ? random.Range(-180, 180)
            : pick < 0.20 * growth ? random.Range(-90, 90)
            : 20 * growth * random.Normal();
        double scaleRange = random.Chance((float)(0.3 * difficulty)) ? 0.9 : 0.5 * growth;
        double scale = Math.Exp(random.Range(-1, 1) * scaleRange) / NeutralZoom;
        // The power of 1.5 keeps strong tilts rare: at difficulty 1 three views in ten exceed 34 degrees.
        double draw = random.Unit();
        double tilt = (15 + 45 * difficulty) * Math.PI / 180 * draw * Math.Sqrt(draw);
        double distance = random.Range(1.9f, 4) * size;
        double shear = 0.12 * growth * random.Normal(), squeeze = Math.Exp(0.1 * growth * random.Normal());

        double centre = canvasSize / 2.0, wander = canvasSize * (0.05 + 0.17 * growth);
        Homography focus = Homography.Translation(-centre - random.Range(-1, 1) * wander, -centre - random.Range(-1, 1) * wander);
        Homography towards = Homography.Rotation(random.Range(0, MathF.Tau));
        // A plane turned about its y axis by the tilt, seen from the distance through a lens that keeps its middle's scale.
        var tilted = new Homography(Math.Cos(tilt), 0, 0, 0, 1, 0, Math.Sin(tilt) / distance, 0, 1);
        var sheared = new Homography(squeeze, shear, 0, 0, 1 / squeeze, 0, 0, 0, 1);
        Homography centred = Homography.Translation(size / 2.0, size / 2.0) * Homography.Scaling(scale, scale);
        Homography map = centred * Homography.Rotation(degrees * Math.PI / 180) * towards.Inverse() * tilted * towards * sheared * focus;
        return map.Normalised();
    }

    private static bool Overlaps(ReadOnlySpan<Homography> canvasToView, int canvasSize, int size)
    {
        Homography latest = canvasToView[^1];
        if (!AllInFront(latest, canvasSize)) return false;
        Homography latestInverse = latest.Inverse();
        if (Share(latestInverse, Homography.Identity, canvasSize, canvasSize, size) < 0.45) return false;
        foreach (Homography earlier in canvasToView[..^1])
        {
            double forth = Share(earlier.Inverse(), latest, canvasSize, size, size);
            double back = Share(latestInverse, earlier, canvasSize, size, size);
            if (Math.Max(forth, back) < 0.35 || Math.Min(forth, back) < 0.15) return false;
        }
        return true;
    }

    /// <summary>Whether no corner of the canvas lies behind the camera, so that none of the map folds over.</summary>
    private static bool AllInFront(Homography map, int canvasSize) =>
        map.Depth(0, 0) > 0.1 && map.Depth(canvasSize, 0) > 0.1 && map.Depth(0, canvasSize) > 0.1 && map.Depth(canvasSize, canvasSize) > 0.1;

    /// <summary>The share of a view's area that shows canvas and lands inside a square after a second map.</summary>
    private static double Share(Homography viewToCanvas, Homography then, int canvasSize, int limit, int size)
    {
        int hits = 0;
        for (int row = 0; row < ProbesPerSide; row++)
            for (int column = 0; column < ProbesPerSide; column++)
            {
                double x = (column + 0.5) * size / ProbesPerSide, y = (row + 0.5) * size / ProbesPerSide;
                (double canvasX, double canvasY) = viewToCanvas.Apply(x, y);
                if (!(canvasX >= 0 && canvasY >= 0 && canvasX < canvasSize && canvasY < canvasSize)) continue;
                (double otherX, double otherY) = then.Apply(canvasX, canvasY);
                if (otherX >= 0 && otherY >= 0 && otherX < limit && otherY < limit) hits++;
            }
        return hits / (double)(ProbesPerSide * ProbesPerSide);
    }
}
