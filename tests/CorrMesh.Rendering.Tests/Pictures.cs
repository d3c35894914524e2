using CorrMesh.Vision.Images;

namespace CorrMesh.Rendering.Tests;

/// <summary>Writes what tests drew into the folder CORRMESH_PICTURES, when that is set.</summary>
internal static class Pictures
{
    private static readonly string? Folder = Environment.GetEnvironmentVariable("CORRMESH_PICTURES") is { Length: > 0 } folder ? folder : null;

    public static void Keep(string name, RgbImage image)
    {
        if (Folder is null) return;
        Directory.CreateDirectory(Folder);
        File.WriteAllBytes(Path.Combine(Folder, name + ".png"), PngEncoder.Encode(image));
    }

    /// <summary>Pictures of one size side by side.</summary>
    public static RgbImage Sheet(IReadOnlyList<RgbImage> pictures, int columns)
    {
        (int width, int height) = (pictures[0].Width, pictures[0].Height);
        int rows = (pictures.Count + columns - 1) / columns;
        var pixels = new byte[3 * width * columns * height * rows];
        for (int i = 0; i < pictures.Count; i++)
            for (int y = 0; y < height; y++)
                pictures[i].Pixels.AsSpan(3 * y * width, 3 * width).CopyTo(pixels.AsSpan(3 * ((i / columns * height + y) * width * columns + i % columns * width)));
        return new RgbImage(width * columns, height * rows, pixels);
    }
}
