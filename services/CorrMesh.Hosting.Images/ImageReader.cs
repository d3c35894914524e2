using CorrMesh.Hosting.Errors;
using CorrMesh.Hosting.Options;
using CorrMesh.Protos.Common.V1;
using CorrMesh.Vision.Images;

namespace CorrMesh.Hosting.Images;

/// <summary>Turns the wire's images into pixels; every refusal names the request's field.</summary>
public sealed class ImageReader(MeshLimits limits)
{
    private readonly ImageLimits imageLimits = new() { MaxEncodedBytes = (int)Math.Min(limits.EncodedBytes, int.MaxValue), MaxPixels = limits.ImagePixels };

    /// <summary>Checks what can be checked without decoding.</summary>
    /// <exception cref="FieldException">There is no image, or it is refused.</exception>
    public void Check(Image image, string field)
    {
        if (image.ContentCase == Image.ContentOneofCase.None) throw new FieldException(field, "encoded bytes or raw pixels needed, none given");
        if (image.ContentCase == Image.ContentOneofCase.Raw) return;
        if (image.Encoded.IsEmpty) throw new FieldException($"{field}.encoded", "an image file needed, 0 bytes given");
        Refusing($"{field}.encoded", () => ImageDecoder.ReadHeader(image.Encoded.Span, imageLimits));
    }

    /// <summary>The size after the EXIF orientation, without decoding.</summary>
    /// <exception cref="FieldException">There is no image, or it is refused.</exception>
    public (int Width, int Height) Size(Image? image, string field)
    {
        switch (image?.ContentCase)
        {
            case Image.ContentOneofCase.Raw:
                RawImage raw = image.Raw;
                if (raw.Width is 0 or > int.MaxValue || raw.Height is 0 or > int.MaxValue) throw new FieldException($"{field}.raw", $"at least 1 x 1 pixels needed, {raw.Width} x {raw.Height} given");
                return ((int)raw.Width, (int)raw.Height);
            case Image.ContentOneofCase.Encoded when !image.Encoded.IsEmpty:
                ImageHeader header = Refusing($"{field}.encoded", () => ImageDecoder.ReadHeader(image.Encoded.Span, imageLimits));
                return (header.Width, header.Height);
            case Image.ContentOneofCase.Encoded:
                throw new FieldException($"{field}.encoded", "an image file needed, 0 bytes given");
            default:
                throw new FieldException(field, "encoded bytes or raw pixels needed, none given");
        }
    }

    /// <summary>Decodes and crops.</summary>
    /// <param name="region">Null for the whole image.</param>
    /// <returns>The pixels that the network sees, and the size of the whole image.</returns>
    /// <exception cref="FieldException">The image is refused, or the region is not inside it.</exception>
    public (RgbImage Seen, int Width, int Height) Read(Image image, PixelRegion? region, string field)
    {
        RgbImage whole = image.ContentCase == Image.ContentOneofCase.Encoded
            ? Refusing($"{field}.encoded", () => ImageDecoder.Decode(image.Encoded.Span, imageLimits))
            : Refusing($"{field}.raw", () => FromRaw(image.Raw, $"{field}.raw"));
        RgbImage seen = region is { } r ? Refusing("spec.region_of_interest", () => r.CropFrom(whole)) : whole;
        return (seen, whole.Width, whole.Height);
    }

    private RgbImage FromRaw(RawImage raw, string field)
    {
        (RawPixelFormat format, int channels) = raw.Format switch
        {
            PixelFormat.Rgb8 => (RawPixelFormat.Rgb8, 3),
            PixelFormat.Bgr8 => (RawPixelFormat.Bgr8, 3),
            PixelFormat.Mono8 => (RawPixelFormat.Mono8, 1),
            _ => throw new FieldException($"{field}.format", $"RGB8, BGR8 or MONO8 needed, {(int)raw.Format} given"),
        };
        long stride = raw.RowStride == 0 ? (long)raw.Width * channels : raw.RowStride;
        if (raw.Width > int.MaxValue || raw.Height > int.MaxValue || stride > int.MaxValue)
            throw new FieldException(field, $"{raw.Width} x {raw.Height} pixels with {stride} bytes a row are more than a message can hold");
        return RawPixels.ToRgb(raw.Data.Span, (int)raw.Width, (int)raw.Height, (int)stride, format, imageLimits);
    }

    // The message names its subject, which the field does already.
    private static string Description(ImageRejectedException rejected)
    {
        int colon = rejected.Message.IndexOf(": ", StringComparison.Ordinal);
        bool twice = colon >= 0 && rejected.Message[..colon] is "image" or "region";
        return twice ? rejected.Message[(colon + 2)..] : rejected.Message;
    }

    private static T Refusing<T>(string field, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (ImageRejectedException rejected)
        {
            throw new FieldException(field, Description(rejected), rejected);
        }
    }
}
