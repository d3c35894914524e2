using System.Globalization;
using System.Text.RegularExpressions;
using CorrMesh.Hosting.Errors;
using CorrMesh.Hosting.Options;
using CorrMesh.Protos.Common.V1;
using CorrMesh.Protos.Features.V1;
using Google.Protobuf;

namespace CorrMesh.Gateway.Http;

/// <summary>The form fields that routes have in common, from text to the contract's messages. Bounds that need the image are the services' to check.</summary>
internal static partial class FormValues
{
    public const int MaxGrid = 128;

    /// <summary>Names of the fields of <see cref="Spec"/>.</summary>
    public static readonly string[] SpecFields = ["model", "adapter", "tokens"];

    // What a service adds to a request when it sends it on.
    private const int Overhead = 1 << 10;

    /// <exception cref="TooLargeException">The call is larger than a message may be.</exception>
    /// <param name="field">The form field to blame.</param>
    /// <param name="what">What is too large together.</param>
    public static void CheckFits(IMessage call, string field, string what, MeshLimits limits)
    {
        int size = call.CalculateSize();
        if (size > limits.MessageBytes - Overhead) throw new TooLargeException(field, $"{what} together at most {limits.MessageBytes - Overhead} bytes allowed, {size} given");
    }

    public static IEnumerable<FeatureSource> Sources(MultipartForm form, string name) =>
        form.Files(name).Select(file => new FeatureSource { Image = new Image { Encoded = file } });

    /// <returns>Null when the form has no such text.</returns>
    /// <exception cref="FieldException">It is no whole number within the bounds.</exception>
    public static uint? Whole(MultipartForm form, string name, int min, int max) => form.Text(name) is { } text ? (uint)Whole(name, text, min, max) : null;

    /// <exception cref="FieldException">The form has no such text, or it is not x,y.</exception>
    public static Point Point(MultipartForm form, string name) => Point(name, form.Text(name) ?? throw new FieldException(name, "x,y needed, none given"));

    public static FeatureSource Source(MultipartForm form, string name) => new() { Image = new Image { Encoded = form.File(name) } };

    /// <exception cref="FieldException">`tokens` is not a whole number within the limits.</exception>
    public static FeatureSpec Spec(MultipartForm form, MeshLimits limits)
    {
        var spec = new FeatureSpec { Model = form.Text("model") ?? "", Adapter = form.Text("adapter") ?? "" };
        if (Whole(form, "tokens", limits.MinTokens, limits.MaxTokens) is { } tokens) spec.Tokens = tokens;
        return spec;
    }

    /// <summary>`points` = `x,y;x,y...` or `grid` = N, one of the two.</summary>
    /// <remarks>A space separates points as well: curl's -F ends a value at its first semicolon, and then one point would arrive.</remarks>
    /// <exception cref="FieldException">Neither or both are given, or what is given is no such thing.</exception>
    public static PointSelection Selection(MultipartForm form, MeshLimits limits)
    {
        if (form.Has("points") && form.Has("grid")) throw new FieldException("points", "one of points and grid allowed, both given");
        if (form.Text("grid") is { } grid)
        {
            uint size = (uint)Whole("grid", grid, 1, MaxGrid);
            return new PointSelection { Grid = new Grid { Columns = size, Rows = size } };
        }

        if (form.Has("grid")) throw new FieldException("grid", $"1 to {MaxGrid} allowed, nothing given");
        string text = form.Text("points") ?? throw new FieldException("points", "at least one x,y needed (x,y;x,y...), or grid=N; none given");
        var points = new PointList();
        // A semicolon at the end is a habit, not a mistake.
        foreach (string pair in Padding().Replace(text.Trim(), "$1").TrimEnd(';').Split([';', ' ', '\t', '\r', '\n']))
        {
            if (points.Points.Count == limits.Points) throw new FieldException("points", $"at most {limits.Points} allowed, more given");
            points.Points.Add(Point($"points[{points.Points.Count}]", pair));
        }

        return new PointSelection { Points = points };
    }

    [GeneratedRegex(@"\s*([,;\s])\s*")]
    private static partial Regex Padding();

    private static Point Point(string field, string text)
    {
        string[] parts = text.Split(',');
        if (parts.Length != 2) throw new FieldException(field, $"x,y needed, '{Shorten(text)}' given");
        return new Point { X = Coordinate(field + ".x", parts[0]), Y = Coordinate(field + ".y", parts[1]) };
    }

    private static double Coordinate(string field, string text) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double value) && double.IsFinite(value)
            ? value
            : throw new FieldException(field, $"a finite number needed, '{Shorten(text)}' given");

    private static int Whole(string field, string text, int min, int max) =>
        int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int value) && value >= min && value <= max
            ? value
            : throw new FieldException(field, $"a whole number from {min} to {max} needed, '{Shorten(text)}' given");

    /// <exception cref="FieldException">It is no whole number. What it may be is for the service to say.</exception>
    public static uint Whole(string field, string text) =>
        uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out uint value) ? value : throw new FieldException(field, $"a whole number needed, '{Shorten(text)}' given");

    /// <exception cref="FieldException">It is no number. What it may be is for the service to say.</exception>
    public static double Number(string field, string text) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double value) ? value : throw new FieldException(field, $"a number needed, '{Shorten(text)}' given");

    /// <returns>False when the form has no such text.</returns>
    /// <exception cref="FieldException">It is neither true nor false.</exception>
    public static bool Switch(MultipartForm form, string name) =>
        form.Text(name) is { } text && (bool.TryParse(text, out bool value) ? value : throw new FieldException(name, $"true or false needed, '{Shorten(text)}' given"));

    /// <returns>0, a seed like any other, when the form has none.</returns>
    /// <exception cref="FieldException">It is no whole number of 64 bits.</exception>
    public static ulong Seed(MultipartForm form) =>
        form.Text("seed") is not { } text ? 0 : ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out ulong value) ? value : throw new FieldException("seed", $"a whole number needed, '{Shorten(text)}' given");

    /// <returns>0, the contract's word for its default, when there is none.</returns>
    /// <exception cref="FieldException">It is no whole number above 0.</exception>
    public static uint PageSize(string? text)
    {
        if (text is null) return 0;
        return uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out uint size) && size > 0 ? size : throw new FieldException("page_size", $"1 to 100 needed, '{Shorten(text)}' given");
    }

    /// <summary>The beginning of a text, for a message.</summary>
    public static string Shorten(string text) => text.Length <= 40 ? text : text[..40] + "...";
}
