using System.CommandLine;
using System.Text.Json;
using SkiaSharp;

namespace CorrMesh.Host.Commands;

/// <summary>`draw-matches SOURCE TARGET ANSWER OUTPUT`: shows an answer of `/v1/match` to people.</summary>
internal static class DrawMatchesCommand
{
    private const int Gap = 12;

    public static Command Create()
    {
        var source = new Argument<FileInfo>("source") { Description = "the source picture" };
        var target = new Argument<FileInfo>("target") { Description = "the target picture" };
        var answer = new Argument<FileInfo>("answer") { Description = "the JSON that POST /v1/match gave for them" };
        var output = new Argument<FileInfo>("output") { Description = "the JPEG to write" };
        var command = new Command("draw-matches", "Draws the visible matches of an answer over the two pictures, side by side.") { source, target, answer, output };
        command.SetAction(result => MeshCommands.Guard(() =>
        {
            using SKBitmap left = PictureFiles.Read(result.GetRequiredValue(source).FullName), right = PictureFiles.Read(result.GetRequiredValue(target).FullName);
            (SKPoint Source, SKPoint Target)[] matches = Read(result.GetRequiredValue(answer).FullName);
            using SKBitmap drawing = Draw(left, right, matches);
            PictureFiles.Write(result.GetRequiredValue(output).FullName, drawing);
            Console.WriteLine($"{matches.Length} matches drawn");
            return 0;
        }));
        return command;
    }

    private static (SKPoint Source, SKPoint Target)[] Read(string path)
    {
        try
        {
            using JsonDocument answer = JsonDocument.Parse(File.ReadAllBytes(path));
            return
            [
                .. from match in answer.RootElement.GetProperty("matches").EnumerateArray()
                   where match.GetProperty("visible").GetBoolean()
                   select (Point(match.GetProperty("source")), Point(match.GetProperty("target"))),
            ];
        }
        catch (Exception exception) when (exception is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            throw new InvalidDataException($"{path}: not an answer of /v1/match: {exception.Message}", exception);
        }
    }

    // The API's origin is the centre of the top-left pixel, the canvas's is its corner.
    private static SKPoint Point(JsonElement point) => new(point.GetProperty("x").GetSingle() + 0.5f, point.GetProperty("y").GetSingle() + 0.5f);

    private static SKBitmap Draw(SKBitmap left, SKBitmap right, (SKPoint Source, SKPoint Target)[] matches)
    {
        var drawing = new SKBitmap(new SKImageInfo(left.Width + Gap + right.Width, Math.Max(left.Height, right.Height), SKColorType.Rgb888x, SKAlphaType.Opaque));
        using var canvas = new SKCanvas(drawing);
        canvas.Clear(SKColors.White);
        canvas.DrawBitmap(left, 0, 0, SKSamplingOptions.Default);
        canvas.DrawBitmap(right, left.Width + Gap, 0, SKSamplingOptions.Default);
        using var shade = new SKPaint { IsAntialias = true, Style = SKPaintStyle.Stroke, StrokeWidth = 4, Color = SKColors.Black.WithAlpha(150) };
        using var line = new SKPaint { IsAntialias = true, Style = SKPaintStyle.Stroke, StrokeWidth = 2 };
        for (int i = 0; i < matches.Length; i++)
        {
            SKPoint from = matches[i].Source, to = matches[i].Target + new SKPoint(left.Width + Gap, 0);
            line.Color = SKColor.FromHsl(360f * i / matches.Length, 90, 60);
            foreach (SKPaint paint in new[] { shade, line })
            {
                canvas.DrawCircle(from, 5, paint);
                canvas.DrawCircle(to, 5, paint);
                canvas.DrawLine(from, to, paint);
            }
        }

        return drawing;
    }
}
