using CorrMesh.TestKit;
using CorrMesh.Vision.Adapters;
using CorrMesh.Vision.Backbones;
using CorrMesh.Vision.Images;
using CorrMesh.Vision.Weights;

namespace CorrMesh.Vision.Tests;

/// <summary>Models and images of the fixtures, and how their file names and notes are read.</summary>
internal static partial class FixtureModels
{
    /// <summary>A fixture's backbone; its configuration tells the number of heads, which no checkpoint stores.</summary>
    public static VisionTransformer Backbone(Fixture fixture, string file) =>
        BackboneFile.Load(fixture.PathOf(file), fixture.Meta.GetProperty("config").GetProperty("num_heads").GetInt32());

    public static Adapter Adapter(Fixture fixture) => AdapterFile.Read(fixture.PathOf("finetuned.ckpt"));

    public static RgbImage Rgb(Fixture fixture, string file)
    {
        PngImage image = fixture.Image(file);
        return new RgbImage(image.Width, image.Height, image.Pixels);
    }

    /// <summary>A tolerance of meta.json.</summary>
    public static double Tolerance(Fixture fixture, string key) => fixture.Meta.GetProperty("tolerance").GetProperty(key).GetDouble();

    public static string Note(Fixture fixture, string file) =>
        fixture.Meta.GetProperty("files").GetProperty(file).TryGetProperty("note", out var note) ? note.GetString()! : "";

    /// <summary>"x_prenorm_70x98.npy" is ("x_prenorm", 70 rows, 98 columns).</summary>
    public static (string Quantity, int Height, int Width)? Parse(string file)
    {
        var match = SizedFile().Match(file);
        return match.Success ? (match.Groups[1].Value, int.Parse(match.Groups[2].Value), int.Parse(match.Groups[3].Value)) : null;
    }

    /// <summary>[C, h, w] to [h, w, C].</summary>
    public static float[] ChannelsLast(ReadOnlySpan<float> planes, int channels, int positions)
    {
        var values = new float[planes.Length];
        for (int channel = 0; channel < channels; channel++)
            for (int i = 0; i < positions; i++) values[i * channels + channel] = planes[channel * positions + i];
        return values;
    }

    [System.Text.RegularExpressions.GeneratedRegex(@"^(\w+)_(\d+)x(\d+)\.npy$")]
    private static partial System.Text.RegularExpressions.Regex SizedFile();
}
