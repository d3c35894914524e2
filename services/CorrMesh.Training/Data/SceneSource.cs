using CorrMesh.Geometry;

namespace CorrMesh.Training.Data;

/// <summary>The scenes of a recipe: rendered objects and flat scenes in its mixture.</summary>
public sealed class SceneSource(CompactRecipe recipe)
{
    private readonly PlanarPairGenerator planar = new((ulong)recipe.Seed);
    private readonly ObjectViewGenerator objects = new((ulong)recipe.Seed);

    /// <summary>The scene of an index; equal arguments give equal scenes.</summary>
    /// <inheritdoc cref="PlanarPairGenerator.Generate"/>
    public IViewSet Generate(long index, double difficulty, int size, int viewCount) => IsObject(index)
        ? objects.Generate(index, difficulty, size, viewCount)
        : planar.Generate(index, difficulty, size, viewCount);

    /// <summary>Whether the scene of an index is a rendered object.</summary>
    internal bool IsObject(long index) => new SeededRandom((ulong)recipe.Seed, ulong.MaxValue - (ulong)index).Chance((float)recipe.ObjectFraction);
}
