namespace CorrMesh.Gateway.Http;

/// <summary>Turns the contract's field paths into the names of a route's form fields.</summary>
/// <param name="Source">What the form calls the contract's `source`.</param>
/// <param name="Sources">What the form calls the contract's `sources`, whose parts it repeats.</param>
internal record FormNames(string Source = "source", string Sources = "sources")
{
    /// <param name="path">As a service names it: `spec.tokens`, `source.image.encoded`, `selection.points.points[3].x`.</param>
    /// <returns>As the form names it: `tokens`, `image`, `points[3].x`.</returns>
    public virtual string Of(string path)
    {
        path = Strip(Strip(Strip(Strip(path, "spec."), "selection."), "recipe."), "settings.");
        path = Strip(path, "points.").StartsWith("points[", StringComparison.Ordinal) ? Strip(path, "points.") : path;
        if (path.StartsWith("camera.", StringComparison.Ordinal)) path = Lens(path);
        string first = path.Split('.', '[')[0];
        return first switch
        {
            "source" => Source,
            "sources" => Sources + path[first.Length..].Split('.')[0],
            "correspondences" => "object_points",
            "long_side_px" => "long_side",
            "target" => "target",
            "mesh" => "mesh",
            "views" => path == "views.object_id" ? "object_id" : "views",
            "adapter_content" => "adapter",
            _ => path,
        };
    }

    /// <summary>A camera's field as <see cref="CameraBody"/> has it.</summary>
    protected static string Lens(string path) => path.Replace(".plain.coefficients", ".distortion", StringComparison.Ordinal).Replace(".fisheye.coefficients", ".fisheye", StringComparison.Ordinal);

    private static string Strip(string path, string prefix) => path.StartsWith(prefix, StringComparison.Ordinal) ? path[prefix.Length..] : path;
}
