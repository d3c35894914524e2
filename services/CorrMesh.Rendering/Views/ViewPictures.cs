using CorrMesh.Vision.Images;

namespace CorrMesh.Rendering.Views;

/// <summary>Reads the pictures of view folders.</summary>
internal static class ViewPictures
{
    private static readonly string[] Endings = [".png", ".jpg", ".jpeg"];

    /// <exception cref="InvalidDataException">The file is missing or no picture.</exception>
    public static RgbImage Colour(string path)
    {
        try
        {
            return ImageDecoder.Decode(Bytes(path));
        }
        catch (ImageRejectedException e)
        {
            throw new InvalidDataException($"{Path.GetFileName(path)}: {e.Message}", e);
        }
    }

    /// <summary>Depth in metres; 0 stays unknown.</summary>
    /// <param name="path">A grey PNG of 16 bits.</param>
    /// <param name="width">Columns that it must have.</param>
    /// <param name="height">Rows that it must have.</param>
    /// <param name="metresPerUnit">Of a stored value.</param>
    public static float[] Depth(string path, int width, int height, double metresPerUnit) =>
        Array.ConvertAll(GreyPng.Decode(Bytes(path), Path.GetFileName(path), width, height), value => (float)(value * metresPerUnit));

    /// <summary>Not 0 where any channel of the picture is above 0, of the size that is asked for.</summary>
    public static byte[] Mask(string path, int width, int height)
    {
        RgbImage image = Colour(path);
        if ((image.Width, image.Height) != (width, height)) throw new InvalidDataException($"{Path.GetFileName(path)}: {width} x {height} pixels needed, {image.Width} x {image.Height} given");
        var mask = new byte[width * height];
        for (int i = 0; i < mask.Length; i++) mask[i] = (image.Pixels[3 * i] | image.Pixels[3 * i + 1] | image.Pixels[3 * i + 2]) != 0 ? (byte)255 : (byte)0;
        return mask;
    }

    /// <summary>The file that carries a name with one of the usual endings; null for none.</summary>
    public static string? Find(string folder, string stem) =>
        Endings.Select(ending => Path.Combine(folder, stem + ending)).FirstOrDefault(File.Exists);

    private static byte[] Bytes(string path)
    {
        var file = new FileInfo(path);
        if (!file.Exists) throw new InvalidDataException($"{file.Name}: the file is not there");
        if (file.Length > ImageLimits.Default.MaxEncodedBytes) throw new InvalidDataException($"{file.Name}: at most {ImageLimits.Default.MaxEncodedBytes:N0} bytes, {file.Length:N0} given");
        return File.ReadAllBytes(path);
    }
}
