using CorrMesh.Geometry;
using CorrMesh.Rendering.Meshes;
using CorrMesh.Rendering.Raster;

namespace CorrMesh.Rendering.Views;

/// <summary>A mesh seen from several sides; a view is drawn when it is first asked for, and kept.</summary>
/// <param name="mesh">Its unit is the metre.</param>
/// <param name="camera">Of all views.</param>
/// <param name="poses">x_camera = R x_object + t, metres.</param>
/// <param name="options">Light, background, antialiasing and threads.</param>
public sealed class RenderedMesh(TriangleMesh mesh, PinholeCamera camera, IReadOnlyList<RigidPose> poses, RenderOptions? options = null) : IViewSource
{
    private readonly Lazy<ObjectView>[] views = [.. poses.Select(pose => new Lazy<ObjectView>(() => Renderer.Render(mesh, camera, pose, options)))];

    /// <inheritdoc/>
    public IReadOnlyList<RigidPose> Poses => poses;

    /// <summary>The paper's views of an object: 42 places around it, its lens, its lamps, before black.</summary>
    /// <param name="mesh">Any size: it is brought into the unit box.</param>
    /// <param name="threads">That share a picture.</param>
    public static RenderedMesh Paper(TriangleMesh mesh, int threads = 1)
    {
        ArgumentNullException.ThrowIfNull(mesh);
        return new RenderedMesh(mesh.ToUnitBox(), PinholeCamera.ThirtyFive(), ViewSphere.Icosphere(mesh.Up), new RenderOptions { Threads = threads });
    }

    /// <inheritdoc/>
    public ObjectView Load(int index) => (uint)index < (uint)views.Length
        ? views[index].Value
        : throw new ArgumentOutOfRangeException(nameof(index), index, $"index: 0 to {views.Length - 1} needed, {index} given");
}
