// First answers from a running mesh over gRPC at the gateway's one address: matches of the two sample pictures, and a stream.
//
// usage: dotnet run --project tests/clients/csharp -- ADDRESS [SAMPLES]
//
// ADDRESS is the gateway's gRPC address, such as http://localhost:8081; SAMPLES is the folder of left.jpg and right.jpg (default:
// deploy/samples, seen from the current folder). CORRMESH_API_KEY holds an API key where the mesh wants one. Every answer is
// checked; the exit code is 0 when all hold.

using CorrMesh.Protos.Common.V1;
using CorrMesh.Protos.Features.V1;
using CorrMesh.Protos.Matching.V1;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;

if (args.Length is not (1 or 2))
{
    Console.Error.WriteLine("usage: dotnet run --project tests/clients/csharp -- ADDRESS [SAMPLES]");
    return 2;
}

// A feature map can be tens of megabytes; gRPC's own limit is 4.
using var channel = GrpcChannel.ForAddress(args[0], new GrpcChannelOptions { MaxReceiveMessageSize = 64 << 20, MaxSendMessageSize = 64 << 20 });
var features = new FeatureService.FeatureServiceClient(channel);
var matching = new MatchingService.MatchingServiceClient(channel);
var headers = new Metadata();
if (Environment.GetEnvironmentVariable("CORRMESH_API_KEY") is { Length: > 0 } apiKey) headers.Add("x-api-key", apiKey);

string samples = args.Length == 2 ? args[1] : "deploy/samples";
Image left = Picture("left.jpg"), right = Picture("right.jpg");
var selection = new PointSelection { Grid = new Grid { Columns = 4, Rows = 4 } };

Console.WriteLine("matches");
var answer = await matching.MatchKeypointsAsync(
    new MatchKeypointsRequest { Source = new FeatureSource { Image = left }, Target = new FeatureSource { Image = right }, Selection = selection }, headers, InTwoMinutes());
foreach (var match in answer.Matches.Where(match => match.Visible))
    Console.WriteLine($"  ({match.Source.X}, {match.Source.Y}) -> ({match.Target.X}, {match.Target.Y}), similarity {match.Similarity:F3}");
Check(answer.Matches.Count == 16, "a match for each position of the grid");
var fourth = answer.Matches[3];
Check(fourth.Source.Equals(new Point { X = 489.5, Y = 69.5 }), "the fourth is that of (489.5, 69.5)");
Check(fourth.Visible && double.Hypot(fourth.Target.X - 362, fourth.Target.Y - 47) < 1, "it is visible, at (362, 47)");

Console.WriteLine("stream");
Frame[] frames =
[
    .. new[] { left, right, left }.Select((image, i) => new Frame { Sequence = (ulong)i + 1, StampNs = 1_750_000_000_000_000_000 + i, FrameId = "camera", Image = image }),
];
var replies = new List<StreamFeaturesResponse>();
using (var stream = features.StreamFeatures(headers, InTwoMinutes()))
{
    var config = new StreamFeaturesConfig { Policy = new StreamPolicy { Mode = StreamPolicy.Types.Mode.All }, Selection = selection };
    await stream.RequestStream.WriteAsync(new StreamFeaturesRequest { Config = config });
    foreach (var frame in frames) await stream.RequestStream.WriteAsync(new StreamFeaturesRequest { Frame = frame });
    await stream.RequestStream.CompleteAsync();
    await foreach (var reply in stream.ResponseStream.ReadAllAsync()) replies.Add(reply);
}

Check(replies.Count == 3 && replies.All(reply => reply.OutcomeCase == StreamFeaturesResponse.OutcomeOneofCase.Features), "every frame is answered with features");
foreach (var (frame, reply) in frames.Zip(replies.Select(reply => reply.Features)))
{
    var grid = (frame.Image == left ? answer.Source : answer.Target).Grid;
    Check(
        (reply.Sequence, reply.StampNs, reply.FrameId) == (frame.Sequence, frame.StampNs, frame.FrameId),
        $"answer {frame.Sequence} has its frame's sequence, stamp and frame_id");
    Check(reply.Reference.Grid.Equals(grid), $"answer {frame.Sequence} has the grid of its picture, {grid.Columns} x {grid.Rows} tokens");
}

return 0;

Image Picture(string name) => new() { Encoded = ByteString.CopyFrom(File.ReadAllBytes(Path.Combine(samples, name))) };

static DateTime InTwoMinutes() => DateTime.UtcNow.AddMinutes(2);

static void Check(bool holds, string claim)
{
    if (!holds)
    {
        Console.Error.WriteLine($"does not hold: {claim}");
        Environment.Exit(1);
    }

    Console.WriteLine($"  holds: {claim}");
}
