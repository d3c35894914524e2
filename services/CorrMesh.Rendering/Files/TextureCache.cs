using CorrMesh.Rendering.Meshes;
using CorrMesh.Vision.Images;

namespace CorrMesh.Rendering.Files;

/// <summary>Decodes the textures of one mesh, each once, within the limit on their pixels.</summary>
internal sealed class TextureCache(MeshFileLimits limits)
{
    private readonly Dictionary<(string Name, TextureWrap X, TextureWrap Y), Texture> made = [];
    private long pixels;

    /// <summary>The texture of a name; decodes on the first call.</summary>
    /// <exception cref="MeshRejectedException">The picture cannot be decoded, or the textures have too many pixels.</exception>
    public Texture Get(string name, TextureWrap wrapX, TextureWrap wrapY, Func<ReadOnlyMemory<byte>> read)
    {
        if (made.TryGetValue((name, wrapX, wrapY), out Texture? known)) return known;
        ReadOnlyMemory<byte> encoded = read();
        var imageLimits = new ImageLimits { MaxEncodedBytes = (int)Math.Min(limits.MaxBytes, int.MaxValue), MaxPixels = limits.MaxTexturePixels };
        try
        {
            ImageHeader header = ImageDecoder.ReadHeader(encoded.Span, imageLimits);
            limits.CheckTexturePixels(pixels += (long)header.Width * header.Height);
            return made[(name, wrapX, wrapY)] = new Texture(ImageDecoder.Decode(encoded.Span, imageLimits), wrapX, wrapY);
        }
        catch (ImageRejectedException e)
        {
            MeshRejection reason = e.Reason is ImageRejection.TooManyPixels or ImageRejection.TooManyBytes ? MeshRejection.TooLarge
                : e.Reason is ImageRejection.Truncated ? MeshRejection.Truncated : MeshRejection.Corrupt;
            throw new MeshRejectedException(reason, $"mesh texture '{name}': {e.Message}", e);
        }
    }
}
