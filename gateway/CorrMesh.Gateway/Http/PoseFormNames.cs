namespace CorrMesh.Gateway.Http;

/// <summary>Names of the forms of poses.</summary>
/// <param name="JsonCamera">Whether the form has its camera as JSON.</param>
internal sealed record PoseFormNames(bool JsonCamera = true) : FormNames
{
    public override string Of(string path)
    {
        string first = path.Split('.', '[')[0], rest = path[first.Length..];
        return first switch
        {
            "objects" => "object",
            "region_of_interest" => "region",
            "depth" or "source_depth" => rest == ".unit_m" ? DepthFields.Unit : first,
            "camera" or "source_camera" => JsonCamera || rest.Length == 0 ? Lens("camera" + rest) : rest[1..],
            "target_camera" => Lens(path),
            "camera_to_base" or "image" => first,
            _ => base.Of(path),
        };
    }
}

/// <summary>Names of the form of a new object.</summary>
/// <param name="FromViews">Whether its pictures came as an archive.</param>
/// <param name="OwnCameras">Which pictures have a camera of their own, in order; the others have the form's. Absent: all.</param>
internal sealed record ObjectFormNames(bool FromViews = false, IReadOnlyList<bool>? OwnCameras = null) : FormNames
{
    public override string Of(string path)
    {
        string first = path.Split('.', '[')[0], rest = path[first.Length..];
        return first switch
        {
            "config" when rest.Length > 1 => OfConfig(rest[1..]),
            "picture" when !FromViews && rest.Length > 0 => OfPicture(rest),
            "picture" => FromViews ? "views" : "image",
            "archive" => "views",
            "mesh" => rest == ".name" ? "resource" : "mesh",
            "part" => "body",
            _ => base.Of(path),
        };
    }

    private string OfConfig(string path)
    {
        if (path == "archive_object") return "object_id";
        // Matrices and rows in the form, messages in the contract.
        if (path.StartsWith("symmetries.", StringComparison.Ordinal) || path.StartsWith("box.", StringComparison.Ordinal))
            return path.TrimEnd('x', 'y', 'z') is var row && row.EndsWith('.') ? OfConfig(row[..^1]) : Cut(Cut(path, ".rotation"), ".translation");
        return base.Of(path);
    }

    // [3].depth.png: depth[3].
    private string OfPicture(string path)
    {
        int end = path.IndexOf(']', StringComparison.Ordinal) + 1;
        string place = path[..end], rest = path[end..].TrimStart('.'), first = rest.Split('.', '[')[0];
        return first switch
        {
            "camera" when int.TryParse(place.Trim('[', ']'), out int index) && OwnCameras is { } own && index < own.Count && !own[index] => Lens(rest),
            "camera" => $"poses{place}.{Lens(rest)}",
            "object_to_camera" => $"poses{place}.{first}",
            "depth" => rest == "depth.unit_m" ? DepthFields.Unit : "depth" + place,
            "mask" => "mask" + place,
            _ => "image" + place,
        };
    }

    private static string Cut(string path, string ending) => path.EndsWith(ending, StringComparison.Ordinal) ? path[..^ending.Length] : path;
}
