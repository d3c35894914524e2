using CorrMesh.Hosting.Errors;
using CorrMesh.Hosting.Images;
using CorrMesh.Pose.Objects;
using CorrMesh.Protos.Common.V1;
using CorrMesh.Vision.Images;

namespace CorrMesh.Pose.Estimation;

/// <summary>Checks what poses are asked of.</summary>
internal sealed class SceneReader(ImageReader images, ObjectStore store)
{
    private const int MostObjects = 16;

    // Larger pictures are not decoded here for their colours alone.
    private const long MostPixels = 4_000_000;

    /// <summary>The objects that are asked for.</summary>
    /// <exception cref="FieldException">None, too many, or one twice.</exception>
    /// <exception cref="NotFoundException">There is no such object.</exception>
    public ObjectManifest[] Objects(IReadOnlyList<string> ids, string field)
    {
        if (ids.Count is 0 or > MostObjects) throw new FieldException(field, $"1 to {MostObjects} ids needed, {ids.Count} given");
        for (int i = 0; i < ids.Count; i++)
            if (ids.Take(i).Contains(ids[i])) throw new FieldException($"{field}[{i}]", $"each id once allowed, '{ids[i]}' given twice");
        return [.. ids.Select(id => store.Get(id))];
    }

    /// <exception cref="FieldException">The picture is refused, or something does not fit it.</exception>
    public PoseScene Scene(Image? image, LensCamera camera, Rectangle? region, DepthImage? depth, Geometry.RigidPose? cameraToBase, ulong seed, bool withOutline, string prefix = "")
    {
        (int width, int height) = images.Size(image, prefix + "image");
        if (region is not null && (region.Width == 0 || region.Height == 0 || region.X + (long)region.Width > width || region.Y + (long)region.Height > height))
            throw new FieldException(prefix + "region_of_interest", $"at least 1 x 1 pixels inside {width} x {height} needed, {region.Width} x {region.Height} at ({region.X}, {region.Y}) given");
        return new PoseScene(image!, width, height, camera, region, depth is null ? null : DepthMap.Read(depth, width, height, prefix + "depth"), cameraToBase, seed, withOutline);
    }

    /// <summary>The picture's pixels.</summary>
    /// <returns>Null for a large picture.</returns>
    /// <exception cref="FieldException">It cannot be decoded.</exception>
    public Task<RgbImage?> PixelsAsync(PoseScene scene) =>
        (long)scene.Width * scene.Height > MostPixels ? Task.FromResult<RgbImage?>(null) : Task.Run<RgbImage?>(() => images.Read(scene.Content, null, "image").Seen);
}
