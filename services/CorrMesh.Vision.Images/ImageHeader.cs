namespace CorrMesh.Vision.Images;

/// <summary>What a file says about its picture before any pixel is decoded.</summary>
/// <param name="Format">The encoding.</param>
/// <param name="Width">Columns after the EXIF orientation has been applied.</param>
/// <param name="Height">Rows after the EXIF orientation has been applied.</param>
/// <param name="Orientation">EXIF orientation tag, 1 to 8; 1 when the file has none.</param>
public sealed record ImageHeader(ImageFormat Format, int Width, int Height, int Orientation)
{
    /// <summary>Columns as stored.</summary>
    public int StoredWidth => Orientation >= 5 ? Height : Width;

    /// <summary>Rows as stored.</summary>
    public int StoredHeight => Orientation >= 5 ? Width : Height;
}
