using CorrMesh.Pose.Objects;
using Xunit;

namespace CorrMesh.Pose.Tests.Objects;

public sealed class RowMergerTests
{
    // Goal: of descriptors of one place that say the same, one is kept and stands for every picture that shows it.
    [Fact]
    public void Add_SamePlaceAndLook_IsKeptOnce()
    {
        var merger = new RowMerger(2, 0.01, 0.9);
        merger.Add([(0, 0, 0), (1, 0, 0)], [(Half)1, (Half)0, (Half)0, (Half)1], [1, 2, 3, 4, 5, 6]);
        merger.Add([(0.005, 0, 0), (1, 0, 0.02)], [(Half)1, (Half)0, (Half)0, (Half)1], [9, 9, 9, 7, 8, 9]);
        DescriptorRows rows = merger.ToRows();
        Assert.Equal(3, rows.Count);
        Assert.Equal([[0, 1], [0, 2]], rows.RowsOfPicture);
        Assert.Equal([0, 0, 0, 1, 0, 0, 1, 0, 0.02f], rows.Points);
        Assert.Equal(new byte[] { 1, 2, 3, 4, 5, 6, 7, 8, 9 }, rows.Colours);
    }

    // Goal: one place that looks otherwise from another side stays.
    [Fact]
    public void Add_SamePlaceOtherLook_IsKept()
    {
        var merger = new RowMerger(2, 0.01, 0.9);
        merger.Add([(0, 0, 0)], [(Half)1, (Half)0], [0, 0, 0]);
        merger.Add([(0, 0, 0)], [(Half)0.8, (Half)0.6], [0, 0, 0]);
        Assert.Equal(2, merger.Count);
    }

    [Fact]
    public void Add_PictureThatShowsNothing_HasNoRows()
    {
        var merger = new RowMerger(2, 0.01, 0.9);
        merger.Add([], [], []);
        merger.Add([(0, 0, 0)], [(Half)1, (Half)0], [0, 0, 0]);
        Assert.Equal([[], [0]], merger.ToRows().RowsOfPicture);
    }
}
