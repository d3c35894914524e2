using CorrMesh.Features.Store;
using CorrMesh.Hosting.Errors;
using CorrMesh.Protos.Common.V1;
using Google.Protobuf.Collections;

namespace CorrMesh.Features;

/// <summary>Positions on the wire (pixel centres, whole image) and in a map (corner origin, the region that the network saw).</summary>
public static class PointReader
{
    /// <summary>The positions that a selection means on a map's image.</summary>
    /// <param name="maxPoints">Most positions allowed.</param>
    /// <exception cref="FieldException">None or too many are given, or one is outside the image or not finite.</exception>
    public static (double X, double Y)[] Read(PointSelection? selection, StoredMap map, int maxPoints, string field)
    {
        switch (selection?.SelectionCase)
        {
            case PointSelection.SelectionOneofCase.Points:
                return ReadPoints(selection.Points.Points, map, maxPoints, $"{field}.points");
            case PointSelection.SelectionOneofCase.Grid:
                return ReadGrid(selection.Grid, map, maxPoints, $"{field}.grid");
            default:
                throw new FieldException(field, "points or a grid needed, none given");
        }
    }

    /// <summary>The centres of a grid's cells on the region that the network saw, row-major.</summary>
    /// <exception cref="FieldException">The grid has no cell or too many.</exception>
    public static (double X, double Y)[] ReadGrid(Grid grid, StoredMap map, int maxPoints, string field)
    {
        if (grid.Columns == 0 || grid.Rows == 0 || (ulong)grid.Columns * grid.Rows > (ulong)maxPoints)
            throw new FieldException(field, $"1 to {maxPoints} cells allowed, {grid.Columns} x {grid.Rows} given");
        var points = new (double X, double Y)[grid.Columns * grid.Rows];
        for (int j = 0, i = 0; j < grid.Rows; j++)
        {
            for (int k = 0; k < grid.Columns; k++, i++)
                points[i] = (map.Region.X + (k + 0.5) * map.Region.Width / grid.Columns - 0.5, map.Region.Y + (j + 0.5) * map.Region.Height / grid.Rows - 0.5);
        }

        return points;
    }

    /// <summary>A position on the wire in the map's own coordinates.</summary>
    public static (float X, float Y) ToMap(this StoredMap map, (double X, double Y) point) =>
        ((float)(point.X - map.Region.X + 0.5), (float)(point.Y - map.Region.Y + 0.5));

    /// <summary>A position in the map's own coordinates on the wire.</summary>
    public static Point FromMap(this StoredMap map, double x, double y) => new() { X = x + map.Region.X - 0.5, Y = y + map.Region.Y - 0.5 };

    private static (double X, double Y)[] ReadPoints(RepeatedField<Point> given, StoredMap map, int maxPoints, string field)
    {
        if (given.Count == 0 || given.Count > maxPoints) throw new FieldException(field, $"1 to {maxPoints} positions allowed, {given.Count} given");
        var points = new (double X, double Y)[given.Count];
        double left = map.Region.X - 0.5, top = map.Region.Y - 0.5, right = left + map.Region.Width, bottom = top + map.Region.Height;
        for (int i = 0; i < points.Length; i++)
        {
            (double x, double y) = (given[i].X, given[i].Y);
            if (!(x >= left && x < right)) throw new FieldException($"{field}[{i}].x", $"{left} to below {right} allowed, {x} given");
            if (!(y >= top && y < bottom)) throw new FieldException($"{field}[{i}].y", $"{top} to below {bottom} allowed, {y} given");
            points[i] = (x, y);
        }

        return points;
    }
}
