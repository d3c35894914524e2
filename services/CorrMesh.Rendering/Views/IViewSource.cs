using CorrMesh.Geometry;

namespace CorrMesh.Rendering.Views;

/// <summary>Posed views of one object; pictures are read when they are asked for.</summary>
public interface IViewSource
{
    /// <summary>x_camera = R x_object + t, metres, of each view.</summary>
    IReadOnlyList<RigidPose> Poses { get; }

    /// <summary>One view.</summary>
    /// <param name="index">0 to the number of poses less 1.</param>
    /// <exception cref="InvalidDataException">A file of the view is missing, damaged or of another size; the message names it.</exception>
    ObjectView Load(int index);
}
