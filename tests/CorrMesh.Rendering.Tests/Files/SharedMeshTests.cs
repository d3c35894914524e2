using CorrMesh.Geometry;
using CorrMesh.Rendering.Files;
using CorrMesh.Rendering.Meshes;
using CorrMesh.Rendering.Raster;
using CorrMesh.Rendering.Views;
using CorrMesh.TestKit;
using CorrMesh.Vision.Images;
using Xunit;

namespace CorrMesh.Rendering.Tests.Files;

public sealed class SharedMeshTests
{
    public static TheoryData<string> Meshes =>
    [
        "Avocado/Avocado.gltf", "BoomBox/BoomBox.gltf", "WaterBottle/WaterBottle.gltf", "BoxTextured.glb", "CesiumMilkTruck.glb", "Duck.glb",
        "ycb_banana/textured_simple_reoriented.obj", "plain/cow.obj", "plain/spot.obj", "plain/suzanne.obj", "plain/teapot.obj",
    ];

    // Goal: real files of all kinds load and are seen. Method: each in the unit box from six sides: fills a fair part of the picture, lies
    // within the box's distances, and a textured one shows several colours. Pictures go to CORRMESH_PICTURES, for people to look at.
    [Theory]
    [MemberData(nameof(Meshes))]
    public void Load_RealMesh_RendersFromAllSides(string name)
    {
        TriangleMesh mesh = MeshFile.Load(SharedData.Require($"data/meshes/{name}")).ToUnitBox();
        (System.Numerics.Vector3 least, System.Numerics.Vector3 greatest) = mesh.Bounds();
        Assert.Equal(1, Math.Max(greatest.X - least.X, Math.Max(greatest.Y - least.Y, greatest.Z - least.Z)), 1e-5);
        RigidPose[] poses = ViewSphere.Draw(new SeededRandom(5, 1), 6, mesh.Up);
        var pictures = new List<RgbImage>();
        for (int i = 0; i < poses.Length; i++)
        {
            ObjectView view = Renderer.Render(mesh, PinholeCamera.ThirtyFive(), poses[i], new RenderOptions { Threads = 2 });
            int seen = view.Mask.Count(value => value != 0);
            Assert.InRange(seen, 0.015 * view.Mask.Length, 0.6 * view.Mask.Length);
            Assert.All(view.DepthMetres!.Where(depth => depth > 0), depth => Assert.InRange(depth, 2 - 0.87, 2 + 0.87));
            pictures.Add(view.Image);
        }
        var colours = pictures.SelectMany(image => Enumerable.Range(0, image.Pixels.Length / 3).Select(at => (image.Pixels[3 * at] >> 4, image.Pixels[3 * at + 1] >> 4, image.Pixels[3 * at + 2] >> 4))).Distinct();
        Assert.True(colours.Count() > (name.StartsWith("plain", StringComparison.Ordinal) ? 8 : 40), $"{colours.Count()} colours");
        Pictures.Keep(Path.GetFileNameWithoutExtension(name), Pictures.Sheet(pictures, 3));
    }
}
