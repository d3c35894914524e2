using System.Globalization;
using CorrMesh.Geometry;
using CorrMesh.Vision.Images;

namespace CorrMesh.Rendering.Views;

/// <summary>A sequence as OnePose lays it out: color/N.png, poses_ba/N.txt (4 x 4, object to camera, metres), intrin_ba/N.txt (3 x 3).</summary>
/// <remarks>
/// Depth is optional (depth/N.png, 16-bit millimetres), as is mask/N.png; without a mask the whole picture counts, or what depth knows. Views are
/// in the order of their numbers. Full sequences without intrin_ba have one intrinsics.txt of 9 numbers.
/// </remarks>
public sealed class OnePoseSequence : IViewSource
{
    private static readonly string[] PoseFolders = ["poses_ba", "poses"];
    private readonly string folder;
    private readonly string[] names;

    private OnePoseSequence(string folder, string[] names, RigidPose[] poses) => (this.folder, this.names, Poses) = (folder, names, poses);

    /// <inheritdoc/>
    public IReadOnlyList<RigidPose> Poses { get; }

    /// <summary>Opens a sequence and reads its poses.</summary>
    /// <exception cref="InvalidDataException">No poses, or a file that is not what it should be.</exception>
    public static OnePoseSequence Open(string folder)
    {
        string poses = PoseFolders.Select(name => Path.Combine(folder, name)).FirstOrDefault(Directory.Exists) ?? throw new InvalidDataException("poses_ba: a folder needed, none found");
        string[] names =
        [
            .. Directory.EnumerateFiles(poses, "*.txt").Select(file => Path.GetFileNameWithoutExtension(file))
                .OrderBy(name => int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : int.MaxValue).ThenBy(name => name, StringComparer.Ordinal),
        ];
        if (names.Length == 0) throw new InvalidDataException("poses_ba: at least 1 pose needed, 0 found");
        return new OnePoseSequence(folder, names, Array.ConvertAll(names, name => PoseFiles.Pose(PoseFiles.Numbers(Path.Combine(poses, name + ".txt"), 12, 16), name + ".txt")));
    }

    /// <summary>What the files of a view are called, without ending.</summary>
    public string NameOf(int index) => names[index];

    /// <inheritdoc/>
    public ObjectView Load(int index)
    {
        string name = names[index];
        RgbImage image = ViewPictures.Colour(ViewPictures.Find(Path.Combine(folder, "color"), name) ?? Path.Combine(folder, "color", name + ".png"));
        string own = Path.Combine(folder, "intrin_ba", name + ".txt"), shared = Path.Combine(folder, "intrinsics.txt");
        PinholeCamera camera = PoseFiles.Camera(PoseFiles.Numbers(File.Exists(own) ? own : File.Exists(shared) ? shared : throw new InvalidDataException($"intrin_ba/{name}.txt: the file is not there"), 9), image.Width, image.Height, name + ".txt");
        string? depthPath = ViewPictures.Find(Path.Combine(folder, "depth"), name), maskPath = ViewPictures.Find(Path.Combine(folder, "mask"), name);
        float[]? depth = depthPath is null ? null : ViewPictures.Depth(depthPath, image.Width, image.Height, 1e-3);
        return new ObjectView(image, depth, Mask(maskPath, depth, image), camera, Poses[index]);
    }

    private static byte[] Mask(string? path, float[]? depth, RgbImage image)
    {
        if (path is not null) return ViewPictures.Mask(path, image.Width, image.Height);
        if (depth is not null) return Array.ConvertAll(depth, metres => metres > 0 ? (byte)255 : (byte)0);
        var whole = new byte[image.Width * image.Height];
        Array.Fill(whole, (byte)255);
        return whole;
    }
}
