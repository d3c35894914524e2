using CorrMesh.Rendering.Views;

namespace CorrMesh.Training.Data;

/// <summary>Several pictures of one rendered object.</summary>
/// <param name="Views">Square, with depth; each one's mask tells where the object is seen, and nothing stands before it.</param>
/// <param name="Pixels">What the network gets in place of the views' own pictures: light, blur, noise, and what stands before the object.</param>
public sealed record ObjectViewSet(ObjectView[] Views, byte[][] Pixels) : IViewSet
{
    private readonly int[]?[] seen = new int[]?[Views.Length];

    /// <inheritdoc/>
    public byte[] PixelsOf(int view) => Pixels[view];

    /// <summary>The centre of a pixel of the object; of the picture, where it shows nothing of the object.</summary>
    public (double X, double Y) DrawPoint(int view, Random random)
    {
        byte[] mask = Views[view].Mask;
        int width = Views[view].Camera.Width;
        int[] own = seen[view] ??= [.. Enumerable.Range(0, mask.Length).Where(at => mask[at] != 0)];
        int at = own.Length > 0 ? own[random.Next(own.Length)] : random.Next(mask.Length);
        return (at % width + 0.5, at / width + 0.5);
    }

    /// <inheritdoc/>
    public bool TryMap(int source, int target, double x, double y, out (double X, double Y) mapped)
    {
        mapped = default;
        if (Views[source].ObjectPointAt((int)x, (int)y) is not { } place || Views[target].See(place) is not { } there) return false;
        mapped = (there.X + 0.5, there.Y + 0.5);
        return true;
    }
}
