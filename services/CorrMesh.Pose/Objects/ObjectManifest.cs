using System.Text.Json.Serialization;
using CorrMesh.Geometry;
using CorrMesh.Pose.Symmetries;
using CorrMesh.Protos.Pose.V1;

namespace CorrMesh.Pose.Objects;

/// <summary>objects/ID/manifest.json: everything about an object but its arrays.</summary>
/// <param name="Schema">Of this record.</param>
/// <param name="RequestId">Of the call that made it; empty without one.</param>
/// <param name="Upload">SHA-256 of what that call sent.</param>
/// <param name="Archive">SHA-256 of its <see cref="ObjectArchive"/>, a blob of the data directory.</param>
/// <param name="Box">[6]: least and greatest corner, metres.</param>
/// <param name="Discrete">[n][16] row-major, object frame to object frame.</param>
/// <param name="Continuous">[n][6]: direction and a point of the axis.</param>
/// <param name="Findings">Pairs of kind and message.</param>
internal sealed record ObjectManifest(
    [property: JsonPropertyName("schema_version")] int Schema, string Id, string DisplayName, DateTimeOffset Created, string RequestId, string Upload, ObjectSource Source,
    string Model, string ModelDigest, string Adapter, string AdapterDigest, int Tokens, int Pictures, int Sampled, int Kept, double DiameterMetres, double[] Box,
    double[][] Discrete, double[][] Continuous, bool HasMesh, double Seconds, string[][] Findings, string Archive)
{
    /// <summary>The one that this program writes and reads.</summary>
    public const int CurrentSchema = 1;

    public Box ToBox() => new((Box[0], Box[1], Box[2]), (Box[3], Box[4], Box[5]));

    public SymmetrySet ToSymmetries() => new(
        [.. Discrete.Select(matrix => RigidPose.FromRowMajor(matrix))], [.. Continuous.Select(axis => new Metrics.SymmetryAxis((axis[0], axis[1], axis[2]), (axis[3], axis[4], axis[5])))]);

    public ObjectInfo ToMessage()
    {
        var message = new ObjectInfo
        {
            Id = Id,
            DisplayName = DisplayName,
            CreateTime = Google.Protobuf.WellKnownTypes.Timestamp.FromDateTimeOffset(Created),
            Source = Source,
            Identity = new Protos.Features.V1.ModelIdentity { Model = Model, ModelDigest = ModelDigest, Adapter = Adapter, AdapterDigest = AdapterDigest },
            Tokens = (uint)Tokens,
            Pictures = (uint)Pictures,
            Sampled = (uint)Sampled,
            Kept = (uint)Kept,
            DiameterM = DiameterMetres,
            Box = new ObjectBox { Least = PoseWire.Write((Box[0], Box[1], Box[2])), Greatest = PoseWire.Write((Box[3], Box[4], Box[5])) },
            Symmetries = ToSymmetries().ToWire(),
            HasMesh = HasMesh,
            Duration = Google.Protobuf.WellKnownTypes.Duration.FromTimeSpan(TimeSpan.FromSeconds(Seconds)),
            Digest = Archive,
        };
        message.Findings.AddRange(Findings.Select(finding => new InputFinding { Kind = finding[0], Message = finding[1] }));
        return message;
    }
}

[JsonSourceGenerationOptions(WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, UseStringEnumConverter = true)]
[JsonSerializable(typeof(ObjectManifest))]
internal sealed partial class ObjectJson : JsonSerializerContext;
