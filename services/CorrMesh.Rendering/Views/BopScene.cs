using System.Globalization;
using System.Text.Json;
using CorrMesh.Geometry;
using CorrMesh.Vision.Images;

namespace CorrMesh.Rendering.Views;

/// <summary>One object in a scene of the BOP format: scene_camera.json, scene_gt.json, rgb or gray, depth, mask_visib or mask.</summary>
/// <remarks>
/// Files count in millimetres, views here in metres. Poses are the object's own to the camera (cam_R_m2c, cam_t_m2c), OpenCV axes. Where the
/// object stands in a picture more than once, each is a view. Without masks the whole picture counts, or what depth knows.
/// </remarks>
public sealed class BopScene : IViewSource
{
    private readonly string folder;
    private readonly List<Entry> entries;

    private BopScene(string folder, List<Entry> entries) => (this.folder, this.entries, Poses) = (folder, entries, [.. entries.Select(entry => entry.Pose)]);

    /// <inheritdoc/>
    public IReadOnlyList<RigidPose> Poses { get; }

    /// <summary>The objects of a scene, by number.</summary>
    /// <exception cref="InvalidDataException">scene_gt.json is missing or not what it should be.</exception>
    public static IReadOnlyList<int> Objects(string folder)
    {
        using JsonDocument document = Read(folder, "scene_gt.json");
        return Guard("scene_gt.json", () => document.RootElement.EnumerateObject().SelectMany(image => image.Value.EnumerateArray()).Select(instance => instance.GetProperty("obj_id").GetInt32()).Distinct().Order().ToArray());
    }

    /// <summary>Opens the views of one object.</summary>
    /// <param name="folder">A scene's, such as test/000001.</param>
    /// <param name="objectId">Its number in scene_gt.json.</param>
    /// <exception cref="InvalidDataException">A file is missing or not what it should be, or the object is not in the scene.</exception>
    public static BopScene Open(string folder, int objectId)
    {
        using JsonDocument truth = Read(folder, "scene_gt.json"), cameras = Read(folder, "scene_camera.json");
        var entries = new List<Entry>();
        foreach ((JsonProperty image, int number) in Guard("scene_gt.json", () => truth.RootElement.EnumerateObject().Select(image => (image, int.Parse(image.Name, CultureInfo.InvariantCulture))).OrderBy(pair => pair.Item2).ToArray()))
        {
            (double[] intrinsics, double depthScale) = Guard($"scene_camera.json[{number}]", () =>
            {
                JsonElement camera = cameras.RootElement.GetProperty(image.Name);
                return (Numbers(camera, "cam_K", 9), camera.TryGetProperty("depth_scale", out JsonElement scale) ? scale.GetDouble() : 1);
            });
            Guard($"scene_gt.json[{number}]", () =>
            {
                int instance = 0;
                foreach (JsonElement one in image.Value.EnumerateArray())
                {
                    if (one.GetProperty("obj_id").GetInt32() == objectId)
                    {
                        double[] r = Numbers(one, "cam_R_m2c", 9), t = Numbers(one, "cam_t_m2c", 3);
                        RigidPose pose = PoseFiles.Pose([r[0], r[1], r[2], t[0] / 1000, r[3], r[4], r[5], t[1] / 1000, r[6], r[7], r[8], t[2] / 1000], $"scene_gt.json[{number}][{instance}]");
                        entries.Add(new Entry(number, instance, pose, intrinsics, depthScale));
                    }
                    instance++;
                }
                return instance;
            });
        }
        if (entries.Count == 0) throw new InvalidDataException($"scene_gt.json: object {objectId} needed, not in the scene");
        return new BopScene(folder, entries);
    }

    /// <inheritdoc/>
    public ObjectView Load(int index)
    {
        Entry entry = entries[index];
        string name = entry.Image.ToString("D6", CultureInfo.InvariantCulture), instance = $"{name}_{entry.Instance:D6}";
        string colour = ViewPictures.Find(Path.Combine(folder, "rgb"), name) ?? ViewPictures.Find(Path.Combine(folder, "gray"), name) ?? Path.Combine(folder, "rgb", name + ".png");
        RgbImage image = ViewPictures.Colour(colour);
        PinholeCamera camera = PoseFiles.Camera(entry.Intrinsics, image.Width, image.Height, $"scene_camera.json[{entry.Image}]");
        string depthPath = Path.Combine(folder, "depth", name + ".png");
        float[]? depth = File.Exists(depthPath) ? ViewPictures.Depth(depthPath, image.Width, image.Height, entry.DepthScale / 1000) : null;
        string? maskPath = ViewPictures.Find(Path.Combine(folder, "mask_visib"), instance) ?? ViewPictures.Find(Path.Combine(folder, "mask"), instance);
        byte[] mask;
        if (maskPath is not null) mask = ViewPictures.Mask(maskPath, image.Width, image.Height);
        else if (depth is not null) mask = Array.ConvertAll(depth, metres => metres > 0 ? (byte)255 : (byte)0);
        else Array.Fill(mask = new byte[image.Width * image.Height], (byte)255);
        return new ObjectView(image, depth, mask, camera, entry.Pose);
    }

    private static JsonDocument Read(string folder, string name)
    {
        string path = Path.Combine(folder, name);
        if (!File.Exists(path)) throw new InvalidDataException($"{name}: the file is not there");
        return Guard(name, () => JsonDocument.Parse(File.ReadAllBytes(path)));
    }

    private static double[] Numbers(JsonElement from, string name, int count)
    {
        double[] values = [.. from.GetProperty(name).EnumerateArray().Select(value => value.GetDouble())];
        return values.Length == count ? values : throw new InvalidDataException($"{name}: {count} numbers needed, {values.Length} given");
    }

    // What a JSON element throws when it is of another kind than the format says.
    private static T Guard<T>(string name, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException or FormatException or OverflowException)
        {
            throw new InvalidDataException($"{name}: {e.Message}", e);
        }
    }

    private sealed record Entry(int Image, int Instance, RigidPose Pose, double[] Intrinsics, double DepthScale);
}
