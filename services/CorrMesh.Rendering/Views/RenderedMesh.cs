using CorrMesh.Geometry;
using CorrMesh.Rendering.Meshes;
using CorrMesh.Rendering.Raster;

namespace CorrMesh.Rendering.Views;

/// <summary>A mesh seen from several sides; a view is drawn when it is asked for.</summary>
/// <param name="mesh">Its unit is the metre.</param>
/// <param name="camera">Of all views.</param>
/// <param name="poses">x_camera = R x_object + t, metres.</param>
/// <param name="options">Light, background, antialiasing and threads.</param>
/// <param name="keep">Whether a view is kept once it is drawn: 2 MB each at 512 pixels a side.</param>
public sealed class RenderedMesh(TriangleMesh mesh, PinholeCamera camera, IReadOnlyList<RigidPose> poses, RenderOptions? options = null, bool keep = true) : IViewSource
{
    private readonly Lazy<ObjectView>[]? kept = keep ? [.. poses.Select(pose => new Lazy<ObjectView>(() => Renderer.Render(mesh, camera, pose, options)))] : null;

    /// <inheritdoc/>
    public IReadOnlyList<RigidPose> Poses => poses;

    /// <summary>The paper's number of views: corners and edge middles of an icosahedron.</summary>
    public const int PaperCount = 42;

    // Of the seed.
    private const ulong PlaceStream = 0x504C_4143_4553;

    /// <summary>The paper's views of an object: its lens, its distance, its lamps, before black.</summary>
    /// <param name="mesh">Any size: it is brought into the unit box.</param>
    /// <param name="count">Views, at least 2: <see cref="PaperCount"/> for the paper's places, any other number for places drawn evenly over the sphere.</param>
    /// <param name="seed">Decides those.</param>
    /// <param name="threads">That share a picture.</param>
    /// <param name="keep">Whether views are kept once they are drawn.</param>
    /// <exception cref="MeshRejectedException">The mesh has no extent.</exception>
    public static RenderedMesh Paper(TriangleMesh mesh, int count = PaperCount, int seed = 0, int threads = 1, bool keep = true)
    {
        ArgumentNullException.ThrowIfNull(mesh);
        if (count < 2) throw new ArgumentOutOfRangeException(nameof(count), count, $"count: at least 2 needed, {count} given");
        TriangleMesh unit = mesh.ToUnitBox();
        RigidPose[] poses = count == PaperCount ? ViewSphere.Icosphere(unit.Up) : ViewSphere.Draw(new SeededRandom((ulong)seed, PlaceStream), count, unit.Up);
        return new RenderedMesh(unit, PinholeCamera.ThirtyFive(), poses, new RenderOptions { Threads = threads }, keep);
    }

    /// <inheritdoc/>
    public ObjectView Load(int index) => (uint)index >= (uint)poses.Count
        ? throw new ArgumentOutOfRangeException(nameof(index), index, $"index: 0 to {poses.Count - 1} needed, {index} given")
        : kept is null ? Renderer.Render(mesh, camera, poses[index], options) : kept[index].Value;
}
