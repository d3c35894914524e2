using CorrMesh.Geometry;
using CorrMesh.Rendering.Views;
using CorrMesh.Training.Finetuning;
using CorrMesh.Training.Measuring;

namespace CorrMesh.Training.Jobs;

/// <summary>A caller's own posed views of one object: a zip of a BOP scene, a OnePose sequence or a folder of rendered views.</summary>
/// <remarks>Each view is cut to a square around the object. Views that show hardly anything of it are left out; a part of the others is measured with and never trained on.</remarks>
public sealed class UploadedViews
{
    /// <summary>Most views; so many are held in memory.</summary>
    public const int MostViews = 128;

    // Fewer pixels make no picture of an object.
    private const int FewestPixels = 256;

    // Depth sensors are far off here and there.
    private const double Outliers = 0.01;

    private readonly ObjectView[] training, unseen;

    private UploadedViews(ObjectView[] training, ObjectView[] unseen) => (this.training, this.unseen) = (training, unseen);

    /// <summary>Views that are trained on.</summary>
    public int TrainingCount => training.Length;

    /// <summary>Reads everything, so that nothing can be found wrong later.</summary>
    /// <param name="zip">The archive.</param>
    /// <param name="objectId">Which object of a BOP scene; null for the only one.</param>
    /// <param name="scratch">Emptied, used and removed.</param>
    /// <param name="maxBytes">Of the unpacked files together.</param>
    /// <param name="cancellation">Looked at between files and views.</param>
    /// <exception cref="InvalidDataException">The archive, a file in it or the views as a whole are not what they should be.</exception>
    /// <exception cref="ObjectChoiceException">There are several objects and none is chosen, or there is no such one.</exception>
    public static UploadedViews Read(ReadOnlyMemory<byte> zip, int? objectId, string scratch, long maxBytes, CancellationToken cancellation = default)
    {
        try
        {
            if (Directory.Exists(scratch)) Directory.Delete(scratch, recursive: true);
            Directory.CreateDirectory(scratch);
            ViewArchive.Extract(zip, scratch, maxBytes, cancellation);
            return Split(Load(ViewFolder.Open(scratch, objectId), cancellation));
        }
        finally
        {
            if (Directory.Exists(scratch)) Directory.Delete(scratch, recursive: true);
        }
    }

    /// <summary>What is trained on.</summary>
    /// <param name="name">The object's.</param>
    public PosedObject ToTraining(string name) => new(name, new ViewList(training), LongestSide(training));

    /// <summary>What is measured with.</summary>
    /// <exception cref="InvalidOperationException">No two views see one place of the object.</exception>
    public ObjectProbe ToProbe(string name, EvaluationSettings settings, CancellationToken cancellation = default) => ObjectProbe.FromViews(name, unseen, settings, cancellation: cancellation);

    private static ObjectView[] Load(IViewSource source, CancellationToken cancellation)
    {
        var views = new List<ObjectView>();
        bool hasDepth = false;
        for (int i = 0; i < source.Poses.Count; i++)
        {
            cancellation.ThrowIfCancellationRequested();
            if (source is RenderedFolder folder && !folder.Has(i)) continue;   // the paper's may lack some
            ObjectView view = source.Load(i);
            hasDepth |= view.DepthMetres is not null;
            if (ObjectCrop.CountKnown(view) < FewestPixels) continue;
            if (views.Count == MostViews) throw new InvalidDataException($"at most {MostViews} that show the object allowed, {source.Poses.Count} views given");
            views.Add(ObjectCrop.Square(view, EvaluationSettings.Gate.Size));
        }
        if (!hasDepth) throw new InvalidDataException("depth needed (depth/NAME.png, 16-bit), none found");
        return [.. views];
    }

    // By the gate's angle, whatever an evaluation asks for: what it measures with is what no training on these views has seen.
    private static UploadedViews Split(ObjectView[] views)
    {
        try
        {
            ViewSplit split = ViewSplit.Of([.. views.Select(view => view.ObjectToCamera)], EvaluationSettings.Gate.MaxAngle);
            return new UploadedViews([.. split.Training.Select(i => views[i])], [.. split.Unseen.Select(i => views[i])]);
        }
        catch (ArgumentException exception)
        {
            throw new InvalidDataException(exception.Message.Split(" (Parameter", 2)[0], exception);
        }
    }

    private static double LongestSide(ObjectView[] views)
    {
        List<double> x = [], y = [], z = [];
        foreach (ObjectView view in views)
        {
            RigidPose toObject = view.ObjectToCamera.Inverse();
            for (int at = 0; at < view.Mask.Length; at++)
            {
                if (view.Mask[at] == 0 || !(view.DepthMetres![at] > 0)) continue;
                (double X, double Y, double Z) place = toObject.Apply(view.Camera.Unproject(at % view.Camera.Width, at / view.Camera.Width, view.DepthMetres[at]));
                x.Add(place.X);
                y.Add(place.Y);
                z.Add(place.Z);
            }
        }
        return Math.Max(Extent(x), Math.Max(Extent(y), Extent(z)));

        static double Extent(List<double> values)
        {
            values.Sort();
            int cut = (int)(Outliers * values.Count);
            return values[^(1 + cut)] - values[cut];
        }
    }
}
