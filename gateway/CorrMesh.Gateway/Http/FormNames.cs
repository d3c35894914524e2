namespace CorrMesh.Gateway.Http;

/// <summary>Turns the contract's field paths into the names of a route's form fields.</summary>
/// <param name="Source">What the form calls the contract's `source`.</param>
/// <param name="Sources">What the form calls the contract's `sources`, whose parts it repeats.</param>
internal sealed record FormNames(string Source = "source", string Sources = "sources")
{
    /// <param name="path">As a service names it: `spec.tokens`, `source.image.encoded`, `selection.points.points[3].x`.</param>
    /// <returns>As the form names it: `tokens`, `image`, `points[3].x`.</returns>
    public string Of(string path)
    {
        path = Strip(Strip(Strip(Strip(path, "spec."), "selection."), "recipe."), "settings.");
        path = Strip(path, "points.").StartsWith("points[", StringComparison.Ordinal) ? Strip(path, "points.") : path;
        string first = path.Split('.', '[')[0];
        return first switch
        {
            "source" => Source,
            "sources" => Sources + path[first.Length..].Split('.')[0],
            "long_side_px" => "long_side",
            "target" => "target",
            "mesh" => "mesh",
            "views" => path == "views.object_id" ? "object_id" : "views",
            "adapter_content" => "adapter",
            _ => path,
        };
    }

    private static string Strip(string path, string prefix) => path.StartsWith(prefix, StringComparison.Ordinal) ? path[prefix.Length..] : path;
}
