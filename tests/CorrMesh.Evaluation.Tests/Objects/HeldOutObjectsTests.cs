using CorrMesh.Training.Data;
using Xunit;

namespace CorrMesh.Evaluation.Objects.Tests;

public class HeldOutObjectsTests
{
    [Fact]
    public void Take_Objects_AreOfHeldOutSeedsAndFamiliesAlone()
    {
        EvaluatedObject[] taken = [.. HeldOutObjects.Take(20)];
        Assert.Equal(Enumerable.Range(ObjectViewGenerator.FirstEvaluationSeed, 20), taken.Select(one => one.Seed));
        Assert.Equal(20, taken.Select(one => one.Name).Distinct().Count());
        foreach (string[] parts in taken.Select(one => one.Name.Split('-')))
        {
            Assert.Contains(parts[0], ObjectViewGenerator.HeldOutShapes);
            Assert.Contains(parts[1], ObjectViewGenerator.HeldOutMaterials);
        }
    }

    [Fact]
    public void Take_Fewer_AreTheFirst() => Assert.Equal(HeldOutObjects.Take(5).Take(2).Select(one => one.Name), HeldOutObjects.Take(2).Select(one => one.Name));
}
