using System.Diagnostics;
using System.Numerics;
using CorrMesh.Geometry;
using CorrMesh.Rendering.Files;
using CorrMesh.Rendering.Meshes;
using CorrMesh.Rendering.Procedural;
using CorrMesh.Rendering.Raster;
using CorrMesh.Rendering.Views;

namespace CorrMesh.Benchmarks;

/// <summary>
/// One picture of 512 x 512 with depth and mask. Ours: on all cores. Anchor: on one thread, whose bytes must be the same. Real meshes where the
/// reference data is there (CORRMESH_SHARED, or ../shared), procedural ones always.
/// </summary>
internal static class RenderingBenchmark
{
    private const int Views = 12, Pairs = 5;

    public static IReadOnlyList<BenchmarkRow> Run()
    {
        string meshes = Path.Combine(Environment.GetEnvironmentVariable("CORRMESH_SHARED") is { Length: > 0 } named ? named : "../shared", "data", "meshes");
        var rows = new List<BenchmarkRow>();
        foreach (string name in new[] { "Duck.glb", "BoomBox/BoomBox.gltf", "ycb_banana/textured_simple_reoriented.obj" })
            if (File.Exists(Path.Combine(meshes, name))) rows.Add(Compare(Path.GetFileNameWithoutExtension(name), MeshFile.Load(Path.Combine(meshes, name)).ToUnitBox()));
        rows.Add(Compare("procedural lathe, marble", ProceduralObjects.Make(1, ["lathe"], ["marble"]).Mesh));
        rows.Add(Compare("procedural blobs, mosaic", ProceduralObjects.Make(1, ["blobs"], ["mosaic"]).Mesh));
        return rows;
    }

    private static BenchmarkRow Compare(string name, TriangleMesh mesh)
    {
        RigidPose[] poses = ViewSphere.Draw(new SeededRandom(1, 1), Views, Vector3.UnitZ);
        var all = new RenderOptions { Threads = Environment.ProcessorCount };
        bool isSame = true;
        foreach (RigidPose pose in poses)   // warm-up of both
            isSame &= Renderer.Render(mesh, PinholeCamera.ThirtyFive(), pose, all).Image.Pixels.AsSpan().SequenceEqual(Renderer.Render(mesh, PinholeCamera.ThirtyFive(), pose).Image.Pixels);
        var ours = new double[Pairs];
        var anchor = new double[Pairs];
        for (int pair = 0; pair < Pairs; pair++) (ours[pair], anchor[pair]) = (Milliseconds(mesh, poses, all), Milliseconds(mesh, poses, new RenderOptions()));
        Array.Sort(ours);
        Array.Sort(anchor);
        return new BenchmarkRow(
            $"picture of 512 px: {name}", "ms", ours[Pairs / 2], anchor[Pairs / 2], null, null, isSame,
            $"{mesh.FaceCount:N0} faces, {1000 / anchor[Pairs / 2]:F0} a second on one thread, {1000 / ours[Pairs / 2]:F0} on {Environment.ProcessorCount}");
    }

    private static double Milliseconds(TriangleMesh mesh, RigidPose[] poses, RenderOptions options)
    {
        long start = Stopwatch.GetTimestamp();
        foreach (RigidPose pose in poses) Renderer.Render(mesh, PinholeCamera.ThirtyFive(), pose, options);
        return Stopwatch.GetElapsedTime(start).TotalMilliseconds / poses.Length;
    }
}
