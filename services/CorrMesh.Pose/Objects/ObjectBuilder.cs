using System.Runtime.InteropServices;
using CorrMesh.Geometry;
using CorrMesh.Hosting.Errors;
using CorrMesh.Hosting.Options;
using CorrMesh.Pose.Symmetries;
using CorrMesh.Protos.Common.V1;
using CorrMesh.Protos.Features.V1;
using CorrMesh.Protos.Pose.V1;
using CorrMesh.Rendering.Meshes;
using RigidPose = CorrMesh.Geometry.RigidPose;

namespace CorrMesh.Pose.Objects;

/// <summary>An object that is made and not yet kept.</summary>
/// <param name="Model">What it is found by.</param>
/// <param name="Identity">Which weights made it.</param>
/// <param name="Tokens">Along the longer side of what was looked at.</param>
/// <param name="Source">Where its points come from.</param>
/// <param name="Box">Around its points.</param>
/// <param name="DiameterMetres">Of its points.</param>
/// <param name="Sampled">Descriptors before those were left out that say nothing new.</param>
internal sealed record BuiltObject(ObjectModel Model, ModelIdentity Identity, int Tokens, ObjectSource Source, Box Box, double DiameterMetres, int Sampled);

/// <summary>Makes objects: looks at each picture twice, once with room about the object and once filled by it, and keeps descriptors of the points that it shows.</summary>
/// <remarks>
/// A descriptor of a vision transformer is of a token at its scale: the wide look is what a whole photo gives, the close one what is looked at again
/// once it is known where the object is. Both are compared with their own like.
/// </remarks>
internal sealed class ObjectBuilder(FeatureService.FeatureServiceClient features, MeshLimits limits, PoseOptions options)
{
    // Between sampled points, in tokens: features between tokens are interpolated, so closer ones say nothing new.
    private const double CloseStep = 0.85, WideStep = 0.7;

    // Of the distance between sampled points: within it two pictures show one place.
    private const double SameRadius = 0.6;

    // Points of a reconstruction, and depth of a sensor, are far off here and there.
    private const double OutlierShare = 0.005;

    private const int FewestPoints = 12;

    // Where symmetric objects are seen from, object frame: a direction in which no axis, and no plane between equal sides, is likely to lie.
    private static readonly (double X, double Y, double Z) Front = (0.6, 0.35, 0.72);

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private static readonly (string, string)[] Names = [("spec.region_of_interest", "picture"), ("spec", "config.spec"), ("source.image", "picture.image"), ("source", "picture"), ("target", "picture"), ("model", "config.spec.model"), ("adapter", "config.spec.adapter")];

    /// <exception cref="FieldException">The pictures do not show the object, or do not agree on where it is.</exception>
    public async Task<BuiltObject> BuildAsync(ObjectOrder order, CancellationToken cancellation)
    {
        ListModelsResponse models = await features.ListModelsAsync(new ListModelsRequest(), cancellationToken: cancellation).ConfigureAwait(false);
        string name = order.Spec.Model.Length > 0 ? order.Spec.Model : models.DefaultModel;
        Model model = models.Models.FirstOrDefault(entry => entry.Name == name) ?? throw new NotFoundException("model", name, $"there are {string.Join(", ", models.Models.Select(entry => entry.Name))}");
        var spec = new FeatureSpec { Model = model.Name, Adapter = order.Spec.Adapter, Tokens = order.Spec.Tokens == 0 ? model.DefaultTokens : order.Spec.Tokens };
        var calls = new MapCalls(features, spec, Names, cancellation, Patience);
        int tokens = (int)spec.Tokens;

        (ObjectPictures pictures, ObjectSource source) = await PicturesAsync(order, calls, tokens, cancellation).ConfigureAwait(false);
        Box box = BoxOf(order, pictures);
        var corners = ObjectRegion.Corners(box.Least, box.Greatest);
        (List<Look> wideLooks, List<Look> closeLooks) = await LookAsync(pictures, calls, corners, order.Box, tokens).ConfigureAwait(false);
        ModelIdentity[] identities = [.. wideLooks.Concat(closeLooks).Where(look => look.Identity is not null).Select(look => look.Identity!)];
        if (identities.Length == 0)
            throw new FieldException(order.Pictures.Count == 0 ? "mesh" : "picture", $"at least one that shows the object needed, none of {pictures.Count} does: their poses do not lead into the pictures, or depth and masks leave nothing");
        if (identities.Any(other => other.AdapterDigest != identities[0].AdapterDigest || other.ModelDigest != identities[0].ModelDigest))
            throw new NotReadyException("MODEL_CHANGED", "pose: the model or the adapter has been replaced while the object was made; make it again", TimeSpan.FromSeconds(1));
        DescriptorRows wide = Merge(OneSide(wideLooks, pictures.Poses, order.Symmetries, box), limits.Points), close = Merge(closeLooks, int.MaxValue);
        if (close.Count < FewestPoints || wide.Count < FewestPoints)
            throw new FieldException(order.Pictures.Count == 0 ? "mesh" : "picture", $"at least {FewestPoints} points of the object that can be seen needed, {Math.Min(close.Count, wide.Count)} found");
        ObjectSurface? surface = order.Mesh is { } mesh ? new ObjectSurface(mesh.Positions, mesh.Indices) : null;
        return new BuiltObject(
            new ObjectModel([.. pictures.Poses], wide, close, surface), identities[0], tokens, source, box, Diameter(order.Mesh, close), wideLooks.Concat(closeLooks).Sum(look => look.Places.Length));
    }

    private static async Task<(ObjectPictures, ObjectSource)> PicturesAsync(ObjectOrder order, MapCalls calls, int tokens, CancellationToken cancellation)
    {
        if (order.Pictures.Count == 0)
        {
            int count = order.Config.ViewCount == 0 ? ObjectPictures.DefaultCount : (int)order.Config.ViewCount;
            return (ObjectPictures.Rendered(order.Mesh!, count, order.Config.RollCount == 0 ? ObjectPictures.DefaultRolls : (int)order.Config.RollCount), ObjectSource.Mesh);
        }
        ObjectPictures given = ObjectPictures.Of(order.Pictures);
        if (order.Mesh is not null) return (given.WithDepthOf(order.Mesh), ObjectSource.Depth);
        if (order.Pictures.All(picture => picture.DepthMetres is not null)) return (given, ObjectSource.Depth);
        if (order.Pictures.All(picture => picture.Points is not null)) return (given, ObjectSource.Points);
        if (order.Pictures.Any(picture => picture.DepthMetres is not null || picture.Points is not null))
            throw new FieldException("picture", "depth, or points, of every picture or of none needed, of some given; a mesh gives depth to all");
        return (ObjectPictures.Of(await Triangulation.RunAsync(order.Pictures, calls, tokens, order.Box, cancellation).ConfigureAwait(false)), ObjectSource.Triangulated);
    }

    private static Box BoxOf(ObjectOrder order, ObjectPictures pictures)
    {
        if (order.Mesh is { } mesh)
        {
            (System.Numerics.Vector3 least, System.Numerics.Vector3 greatest) = mesh.Bounds();
            return new Box((least.X, least.Y, least.Z), (greatest.X, greatest.Y, greatest.Z));
        }
        if (order.Box is { } given) return given;
        var points = new List<(double X, double Y, double Z)>();
        for (int i = 0; i < pictures.Count; i++)
        {
            PosedPicture picture = pictures[i];
            var whole = new ObjectRegion(new Rectangle { Width = (uint)picture.Width, Height = (uint)picture.Height }, 1);
            points.AddRange(PicturePoints.On(picture, whole, Math.Max(1, Math.Max(picture.Width, picture.Height) / 100.0), null).Select(point => point.Place));
        }
        return points.Count >= FewestPoints ? Box.Around(points, OutlierShare) : throw new FieldException("picture", $"at least {FewestPoints} points of the object needed, {points.Count} found");
    }

    private static double Diameter(TriangleMesh? mesh, DescriptorRows rows) =>
        mesh is not null
            ? Box.Diameter([.. mesh.Indices.Distinct().Select(index => ((double)mesh.Positions[index].X, (double)mesh.Positions[index].Y, (double)mesh.Positions[index].Z))])
            : Box.Diameter([.. Enumerable.Range(0, rows.Count).Select(i => ((double)rows.Points[3 * i], (double)rows.Points[3 * i + 1], (double)rows.Points[3 * i + 2]))]);

    private async Task<(List<Look> Wide, List<Look> Close)> LookAsync(ObjectPictures pictures, MapCalls calls, (double X, double Y, double Z)[] corners, Box? box, int tokens)
    {
        List<Look> wide = [], close = [];
        // One picture is drawn and prepared while the network looks at the one before it.
        Task<(Look Wide, Look Close)>? coming = null;
        for (int i = 0; i <= pictures.Count; i++)
        {
            Task<(Look Wide, Look Close)>? next = i < pictures.Count ? LookAtAsync(i) : null;
            if (coming is not null)
            {
                (Look wideLook, Look closeLook) = await coming.ConfigureAwait(false);
                wide.Add(wideLook);
                close.Add(closeLook);
            }
            coming = next;
        }
        return (wide, close);

        async Task<(Look, Look)> LookAtAsync(int index)
        {
            PosedPicture picture = await Task.Run(() => pictures[index]).ConfigureAwait(false);
            return (await OnceAsync(picture, ObjectRegion.Wide, WideStep).ConfigureAwait(false), await OnceAsync(picture, ObjectRegion.Close, CloseStep).ConfigureAwait(false));
        }

        async Task<Look> OnceAsync(PosedPicture picture, double room, double stepTokens)
        {
            ObjectRegion? region = ObjectRegion.Of(corners, picture.ObjectToCamera, picture.Camera, picture.Width, picture.Height, room, tokens, limits.MinTokens);
            if (region is null) return Look.Nothing;
            double step = Math.Max(1, stepTokens * Math.Max(region.Pixels.Width, region.Pixels.Height) / region.Tokens);
            PicturePoint[] points = PicturePoints.On(picture, region, step, box);
            if (points.Length > limits.Points) points = [.. Enumerable.Range(0, limits.Points).Select(i => points[(int)((long)i * points.Length / limits.Points)])];
            if (points.Length == 0) return Look.Nothing;
            SampleDescriptorsResponse sampled = await calls.SampleAsync(picture.Content, region.Pixels, region.Tokens, points.Select(point => new Point { X = point.X, Y = point.Y })).ConfigureAwait(false);
            byte[] colours = new byte[3 * points.Length];
            for (int i = 0; i < points.Length; i++)
            {
                int x = Math.Clamp((int)Math.Round(points[i].X), 0, picture.Width - 1), y = Math.Clamp((int)Math.Round(points[i].Y), 0, picture.Height - 1);
                picture.Pixels.Pixels.AsSpan(3 * (y * picture.Width + x), 3).CopyTo(colours.AsSpan(3 * i));
            }
            double depth = points.Average(point => picture.ObjectToCamera.Apply(point.Place).Z);
            Half[] values = MemoryMarshal.Cast<byte, Half>(sampled.Values.Data.Span).ToArray();
            return new Look([.. points.Select(point => point.Place)], values, colours, step * depth / picture.Camera.Pinhole.FocalX, sampled.Reference.Identity);
        }
    }

    // Of sides that look the same each is looked for as one of them: a photo would match now the one, now the other.
    private static List<Look> OneSide(List<Look> looks, IReadOnlyList<RigidPose> poses, SymmetrySet symmetries, Box box)
    {
        if (symmetries.IsEmpty) return looks;
        return [.. looks.Select((look, i) =>
        {
            RigidPose toObject = poses[i].Inverse();
            (double x, double y, double z) = (toObject.X - box.Middle.X, toObject.Y - box.Middle.Y, toObject.Z - box.Middle.Z);
            double far = Math.Sqrt(x * x + y * y + z * z);
            RigidPose motion = symmetries.MotionTo((toObject.X, toObject.Y, toObject.Z), (box.Middle.X + far * Front.X, box.Middle.Y + far * Front.Y, box.Middle.Z + far * Front.Z));
            return look with { Places = Array.ConvertAll(look.Places, place => motion.Apply(place)) };
        })];
    }

    // Alike ones ever more readily until they are few enough.
    private DescriptorRows Merge(List<Look> looks, int most)
    {
        Look[] seen = [.. looks.Where(look => look.Places.Length > 0)];
        double radius = SameRadius * seen.Average(look => look.Spacing);
        for (double similarity = options.SameSimilarity; ; similarity -= 0.05, radius *= 1.25)
        {
            var merger = new RowMerger(seen[0].Values.Length / seen[0].Places.Length, radius, similarity);
            foreach (Look look in looks) merger.Add(look.Places, look.Values, look.Colours);
            if (merger.Count <= most) return merger.ToRows();
        }
    }

    // What one picture has to say. Spacing: metres between points that are neighbours in it.
    private sealed record Look((double X, double Y, double Z)[] Places, Half[] Values, byte[] Colours, double Spacing, ModelIdentity? Identity)
    {
        public static Look Nothing { get; } = new([], [], [], 0, null);
    }
}
