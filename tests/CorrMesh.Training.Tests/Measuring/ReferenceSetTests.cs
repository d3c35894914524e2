using System.Numerics;
using CorrMesh.Rendering.Meshes;
using CorrMesh.Rendering.Procedural;
using CorrMesh.Training.Measuring;
using Xunit;

namespace CorrMesh.Training.Tests.Measuring;

public class ReferenceSetTests
{
    [Fact]
    public void Procedural_Objects_DifferInShapeMaterialAndSeed()
    {
        string[][] names = [.. ReferenceSet.Procedural.Objects.Select(o => o.Name.Split('-'))];
        for (int part = 0; part < 3; part++) Assert.Equal(names.Length, names.Select(name => name[part]).Distinct().Count());
        Assert.All(ReferenceSet.Procedural.Objects, o => Assert.EndsWith($"-{o.Seed}", o.Name, StringComparison.Ordinal));
    }

    // A regular shape is no harm where its pattern tells its sides apart.
    [Fact]
    public void Procedural_Objects_AreNotAmbiguous() => Assert.All(ReferenceSet.Procedural.Objects, o =>
    {
        string[] name = o.Name.Split('-');
        Assert.False(ProceduralObjects.Make((ulong)o.Seed, [name[0]], [name[1]]).IsSymmetric, o.Name);
    });

    // Goal: a set of one name is one set, or figures of different days could not be compared. Method: faces, and the mean of all corners, of each object as they were
    // when the set was named; when this fails, the set needs another name.
    [Fact]
    public void Procedural_Meshes_AreThoseOfTheirVersion()
    {
        Assert.Equal("procedural-1", ReferenceSet.Procedural.Name);
        string made = string.Join('\n', ReferenceSet.Procedural.Objects.Select(o => Describe(o.Make())));
        Assert.True(made == Version1, made);
    }

    private const string Version1 = """
        13312 0.085 0.000 0.062
        14764 -0.017 0.015 -0.003
        18444 0.022 0.033 -0.025
        14400 -0.039 -0.047 0.067
        21632 -0.060 0.000 -0.051
        7080 0.000 -0.016 -0.024
        25600 0.021 0.000 0.000
        130 0.011 0.051 0.000
        """;

    private static string Describe(TriangleMesh mesh) => $"{mesh.FaceCount} {Mean(mesh, p => p.X):F3} {Mean(mesh, p => p.Y):F3} {Mean(mesh, p => p.Z):F3}";

    // Adding 0 turns a rounded -0 into 0.
    private static double Mean(TriangleMesh mesh, Func<Vector3, double> part) => Math.Round(mesh.Positions.Average(part), 3) + 0;
}
