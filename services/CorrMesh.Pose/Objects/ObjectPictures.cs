using System.Numerics;
using CorrMesh.Geometry;
using CorrMesh.Rendering.Meshes;
using CorrMesh.Rendering.Raster;
using CorrMesh.Rendering.Views;

namespace CorrMesh.Pose.Objects;

/// <summary>Pictures of an object in the order of their upload or, rendered, of their places; made when they are asked for.</summary>
internal sealed class ObjectPictures(IReadOnlyList<Func<PosedPicture>> makers, IReadOnlyList<RigidPose> poses)
{
    /// <summary>The paper's number of rendered pictures.</summary>
    public const int DefaultCount = 42;

    /// <summary>Turns about the optical axis: features of a thing on its side are others.</summary>
    public const int DefaultRolls = 4;

    // Of a rendered picture; the object's longest edge fills a little over half of it.
    private const int Side = 512;

    private static readonly RenderOptions DepthAlone = new() { IsAntialiased = false };

    public int Count => makers.Count;

    /// <summary>x_camera = R x_object + t, metres.</summary>
    public IReadOnlyList<RigidPose> Poses => poses;

    public PosedPicture this[int index] => makers[index]();

    public static ObjectPictures Of(IReadOnlyList<PosedPicture> pictures) => new([.. pictures.Select(picture => (Func<PosedPicture>)(() => picture))], [.. pictures.Select(picture => picture.ObjectToCamera)]);

    /// <summary>Renders a mesh from all around: the paper's 42 places, or as many drawn evenly over the sphere.</summary>
    /// <param name="mesh">Metres.</param>
    /// <param name="count">Places.</param>
    /// <param name="rolls">Turns about the optical axis of each.</param>
    public static ObjectPictures Rendered(TriangleMesh mesh, int count, int rolls)
    {
        // The renderer's bounds are made for the unit box; sizes and distances are scaled back.
        TriangleMesh unit = mesh.ToUnitBox();
        (Vector3 least, Vector3 greatest) = mesh.Bounds();
        Vector3 size = greatest - least, middle = least + size / 2;
        double scale = Math.Max(size.X, Math.Max(size.Y, size.Z));
        RigidPose[] places = count == DefaultCount ? ViewSphere.Icosphere(unit.Up) : ViewSphere.Draw(new SeededRandom(0, 0x4F42_4A45_4354), count, unit.Up);
        PinholeCamera camera = PinholeCamera.ThirtyFive(Side);
        var turned = new List<RigidPose>();
        for (int roll = 0; roll < rolls; roll++)
        {
            (double sine, double cosine) = Math.SinCos(2 * Math.PI * roll / rolls);
            var turn = roll == 0 ? RigidPose.Identity : new RigidPose(cosine, -sine, 0, 0, sine, cosine, 0, 0, 0, 0, 1, 0);
            turned.AddRange(places.Select(place => turn * place));
        }
        return new ObjectPictures([.. turned.Select(pose => (Func<PosedPicture>)(() => Draw(pose)))], [.. turned.Select(Metric)]);

        PosedPicture Draw(RigidPose pose)
        {
            ObjectView view = Renderer.Render(unit, camera, pose);
            return new PosedPicture(
                view.Image, PosedPicture.Raw(view.Image), new LensCamera(camera, null), Metric(pose), Array.ConvertAll(view.DepthMetres!, depth => (float)(depth * scale)), view.Mask);
        }

        RigidPose Metric(RigidPose pose)
        {
            (double x, double y, double z) = pose.Rotate((middle.X, middle.Y, middle.Z));
            return pose with { X = pose.X * scale - x, Y = pose.Y * scale - y, Z = pose.Z * scale - z };
        }
    }

    /// <summary>The same pictures, those without depth with the depth of a mesh.</summary>
    /// <param name="mesh">Metres.</param>
    public ObjectPictures WithDepthOf(TriangleMesh mesh) => new([.. makers.Select(make => (Func<PosedPicture>)(() => WithDepth(make(), mesh)))], poses);

    private static PosedPicture WithDepth(PosedPicture picture, TriangleMesh mesh)
    {
        if (picture.DepthMetres is not null || picture.Points is not null) return picture;
        (int width, int height) = (picture.Width, picture.Height);
        ObjectView view = Renderer.Render(mesh, picture.Camera.Pinhole with { Width = width, Height = height }, picture.ObjectToCamera, DepthAlone);
        float[] depth = view.DepthMetres!;
        if (picture.Camera.Lens is not null)
        {
            // What a pixel of the lens shows is where the pinhole would have it.
            float[] straight = depth;
            depth = new float[straight.Length];
            for (int y = 0; y < height; y++)
                for (int x = 0; x < width; x++)
                {
                    (double u, double v) = picture.Camera.Pinhole.Project(picture.Camera.Unproject(x, y, 1));
                    int column = (int)Math.Floor(u + 0.5), row = (int)Math.Floor(v + 0.5);
                    if (column >= 0 && row >= 0 && column < width && row < height) depth[y * width + x] = straight[row * width + column];
                }
        }
        return picture with { DepthMetres = depth };
    }
}
