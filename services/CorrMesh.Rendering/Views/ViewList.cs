using CorrMesh.Geometry;

namespace CorrMesh.Rendering.Views;

/// <summary>Views that are in memory.</summary>
public sealed class ViewList(IReadOnlyList<ObjectView> views) : IViewSource
{
    /// <inheritdoc/>
    public IReadOnlyList<RigidPose> Poses { get; } = [.. views.Select(view => view.ObjectToCamera)];

    /// <inheritdoc/>
    public ObjectView Load(int index) => views[index];
}
