using System.Buffers.Binary;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using CorrMesh.Gateway.Tests.Security;
using CorrMesh.Hosting.Errors;
using CorrMesh.Protos.Common.V1;
using CorrMesh.Protos.Features.V1;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using Grpc.Net.Client.Web;
using Xunit;

namespace CorrMesh.Gateway.Tests.Proxy;

/// <summary>gRPC-Web in base64 as it is on the wire.</summary>
public sealed class GrpcWebTextTests
{
    private const string Text = "application/grpc-web-text", Extract = "/corrmesh.features.v1.FeatureService/ExtractFeatures", Check = "/grpc.health.v1.Health/Check";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    // Goal: a text is any row of padded pieces, cut anywhere. Method: a message longer than any buffer on the way, in pieces of many lengths,
    // each sent by itself or all at once; the service sends what it got back.
    [Theory]
    [InlineData(1_000, 1, false)]
    [InlineData(1_001, 2, false)]
    [InlineData(1_002, 5, true)]
    [InlineData(200_000, 65_536, false)]
    [InlineData(200_001, 1_000, true)]
    [InlineData(200_002, 65_537, true)]
    [InlineData(3_000_001, 10_000_000, false)]
    public async Task Unary_TextInPaddedPieces_ComesWholeThereAndBack(int length, int pieceLength, bool flushed)
    {
        byte[] image = new byte[length];
        new Random(length).NextBytes(image);
        await using var mesh = await FakeMesh.StartAsync(new FakeFeatures
        {
            OnExtract = (request, _) => Task.FromResult(new ExtractFeaturesResponse { Values = new Tensor { Data = request.Source.Image.Encoded } }),
        });
        byte[] body = Framed(new ExtractFeaturesRequest { Source = new FeatureSource { Image = new Image { Encoded = ByteString.CopyFrom(image) } } });

        var (status, messages, _) = await CallAsync(mesh, Extract, new Pieces([.. body.Chunk(pieceLength).Select(Convert.ToBase64String)], flushed));

        Assert.Equal(StatusCode.OK, status);
        Assert.True(ExtractFeaturesResponse.Parser.ParseFrom(Assert.Single(messages)).Values.Data.Span.SequenceEqual(image));
    }

    [Fact]
    public async Task Stream_TextInPaddedPieces_EveryFrameIsAnswered()
    {
        await using var mesh = await FakeMesh.StartAsync();
        IEnumerable<byte[]> frames = Enumerable.Range(1, 3).Select(i => Framed(new StreamFeaturesRequest { Frame = new Frame { Sequence = (ulong)i } }));

        var (status, messages, _) = await CallAsync(mesh, "/corrmesh.features.v1.FeatureService/StreamFeatures", new Pieces([.. frames.Select(Convert.ToBase64String)], false));

        Assert.Equal(StatusCode.OK, status);
        Assert.Equal([1, 2, 3], messages.Select(message => (int)StreamFeaturesResponse.Parser.ParseFrom(message).Features.Sequence));
    }

    [Fact]
    public async Task Unary_ServiceRefuses_StatusAndDetailsAreInTheAnswer()
    {
        await using var mesh = await FakeMesh.StartAsync(new FakeFeatures { OnExtract = (_, _) => throw new FieldException("spec.tokens", "d") });

        var (status, messages, details) = await CallAsync(mesh, Extract, new Pieces([Convert.ToBase64String(Framed(new ExtractFeaturesRequest()))], false));

        Assert.Equal(StatusCode.InvalidArgument, status);
        Assert.Empty(messages);
        Assert.Equal("spec.tokens", details!.GetDetail<Google.Rpc.BadRequest>()!.FieldViolations[0].Field);
    }

    // Goal: damaged text is the caller's fault, wherever the damage is and whoever would have read it, and does no harm: nothing was
    // computed, nothing is left behind, the next call is served.
    [Theory]
    [InlineData("AAAAAA!=", Extract)]   // no base64
    [InlineData("AAAAAAA", Extract)]   // cut short
    [InlineData("AAAAAAA=A", Extract)]   // more after the padding
    [InlineData("AAAAAAA=A===", Extract)]
    [InlineData("====", Extract)]
    [InlineData("A", Extract)]
    [InlineData("\u00e4\u00f6", Extract)]
    [InlineData("AAAA AA=", Extract)]
    [InlineData("AAAAAA!=", Check)]
    [InlineData("AAAAAAA", Check)]
    public async Task Unary_DamagedText_IsInvalidArgumentAndLeavesNoTrace(string text, string path)
    {
        var features = new FakeFeatures();
        await using var mesh = await FakeMesh.StartAsync(features);

        var (status, messages, details) = await CallAsync(mesh, path, new Pieces([text], false));

        Assert.Equal(StatusCode.InvalidArgument, status);
        Assert.Empty(messages);
        var violation = Assert.Single(details!.GetDetail<Google.Rpc.BadRequest>()!.FieldViolations);
        Assert.Equal(("body", $"base64 needed, as {Text} says"), (violation.Field, violation.Description));
        Assert.Null(features.Last);
        Assert.Equal(StatusCode.OK, (await CallAsync(mesh, Extract, new Pieces(["AAAAAAA="], false))).Status);
    }

    // Goal: with several replicas the gateway looks into the beginning of a text as into any message, keeps it for another try, and tells damage
    // from a replica's. Method: images in pieces go where gRPC sends them; the one replica that they would go to refuses once; a damaged text.
    [Fact]
    public async Task Unary_SeveralReplicas_TextGoesWhereItsImageIs()
    {
        await using var mesh = await ReplicatedMesh.StartAsync(3);
        var seen = new HashSet<string>();
        for (int i = 0; i < 8; i++)
        {
            byte[] image = new byte[90_000 + i];
            new Random(i).NextBytes(image);
            var request = new ExtractFeaturesRequest { Source = new FeatureSource { Image = new Image { Encoded = ByteString.CopyFrom(image) } } };
            Pieces Text() => new([.. Framed(request).Chunk(10_001).Select(Convert.ToBase64String)], flushed: true);
            var expected = (await mesh.Client.ExtractFeaturesAsync(request, cancellationToken: Token)).Reference;

            var (status, messages, _) = await CallAsync(mesh.Gateway, Extract, Text());
            Assert.Equal((StatusCode.OK, expected), (status, ExtractFeaturesResponse.Parser.ParseFrom(Assert.Single(messages)).Reference));
            seen.Add(expected.FeaturesKey);

            int replica = int.Parse(expected.FeaturesKey, System.Globalization.CultureInfo.InvariantCulture), refusals = 0;
            mesh.Refuse[replica] = () => refusals++ == 0 ? new NotReadyException(NotReadyException.Draining, "d", TimeSpan.FromSeconds(1)) : null;
            (status, messages, _) = await CallAsync(mesh.Gateway, Extract, Text());
            Assert.Equal((StatusCode.OK, expected.Identity), (status, ExtractFeaturesResponse.Parser.ParseFrom(Assert.Single(messages)).Reference.Identity));
            Assert.True(refusals > 0);
            mesh.Refuse[replica] = null;
        }

        Assert.True(seen.Count > 1);
        foreach (string damaged in new[] { "AAAAAA!=", "AAAAA", Convert.ToBase64String([0, 0, 0, 0, 99, 10, 90, 10]) + "?" })
            Assert.Equal(StatusCode.InvalidArgument, (await CallAsync(mesh.Gateway, Extract, new Pieces([damaged], false))).Status);
    }

    [Theory]
    [InlineData(GrpcWebMode.GrpcWeb)]
    [InlineData(GrpcWebMode.GrpcWebText)]
    public async Task Unary_LargerThanAMessageMayBe_IsResourceExhausted(GrpcWebMode mode)
    {
        await using var mesh = await FakeMesh.StartAsync(settings: [("CorrMesh:Limits:MessageBytes", "65536"), ("CorrMesh:Limits:EncodedBytes", "1024")]);
        using var channel = GrpcChannel.ForAddress(mesh.Http.BaseAddress!, new GrpcChannelOptions { HttpHandler = new GrpcWebHandler(mode, new HttpClientHandler()), HttpVersion = HttpVersion.Version11 });
        var request = new ExtractFeaturesRequest { Source = new FeatureSource { Image = new Image { Encoded = ByteString.CopyFrom(new byte[100_000]) } } };

        var refused = await Assert.ThrowsAsync<RpcException>(() => new FeatureService.FeatureServiceClient(channel).ExtractFeaturesAsync(request, cancellationToken: Token).ResponseAsync);

        Assert.Equal(StatusCode.ResourceExhausted, refused.StatusCode);
    }

    [Fact]
    public async Task Unary_KeysInForce_NeedsOneAndAnotherOriginIsRefused()
    {
        using var keys = new TestKeys();
        await using var mesh = await FakeMesh.StartAsync(settings: keys.Setting);
        Pieces Empty() => new(["AAAAAAA="], false);

        Assert.Equal(StatusCode.Unauthenticated, (await CallAsync(mesh, Extract, Empty())).Status);
        Assert.Equal(StatusCode.PermissionDenied, (await CallAsync(mesh, Extract, Empty(), ("x-api-key", keys.User), ("Origin", "https://elsewhere.example"))).Status);
        Assert.Equal(StatusCode.OK, (await CallAsync(mesh, Extract, Empty(), ("x-api-key", keys.User))).Status);
    }

    private static byte[] Framed(IMessage message)
    {
        byte[] body = new byte[5 + message.CalculateSize()];
        BinaryPrimitives.WriteInt32BigEndian(body.AsSpan(1), body.Length - 5);
        message.WriteTo(body.AsSpan(5));
        return body;
    }

    /// <summary>Posts a text and reads the frames of the answer: messages, then trailers (or a status among the headers).</summary>
    private static async Task<(StatusCode Status, List<byte[]> Messages, Google.Rpc.Status? Details)> CallAsync(FakeMesh mesh, string path, Pieces pieces, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = pieces };
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue(Text));
        foreach ((string name, string value) in headers) request.Headers.Add(name, value);
        using var response = await mesh.Http.SendAsync(request, Token);
        Assert.Equal((HttpStatusCode.OK, Text), (response.StatusCode, response.Content.Headers.ContentType?.MediaType));
        // Pieces end where their padding does, and those without any where the next begins.
        byte[] body = [.. System.Text.RegularExpressions.Regex.Matches(await response.Content.ReadAsStringAsync(Token), "[^=]+=*").SelectMany(piece => Convert.FromBase64String(piece.Value))];
        var messages = new List<byte[]>();
        Dictionary<string, string> trailers = response.Headers.ToDictionary(header => header.Key, header => header.Value.First(), StringComparer.OrdinalIgnoreCase);
        for (int at = 0; at < body.Length;)
        {
            int length = BinaryPrimitives.ReadInt32BigEndian(body.AsSpan(at + 1));
            byte[] frame = body[(at + 5)..(at + 5 + length)];
            if (body[at] == 0) messages.Add(frame);
            else foreach (string line in Encoding.ASCII.GetString(frame).Split("\r\n", StringSplitOptions.RemoveEmptyEntries)) trailers[line.Split(':')[0]] = line[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim();
            at += 5 + length;
        }

        string? details = trailers.GetValueOrDefault("grpc-status-details-bin");
        return ((StatusCode)int.Parse(trailers["grpc-status"], System.Globalization.CultureInfo.InvariantCulture), messages,
            details is null ? null : Google.Rpc.Status.Parser.ParseFrom(Convert.FromBase64String(details.PadRight((details.Length + 3) / 4 * 4, '='))));
    }

    /// <summary>Pieces of text, each in a packet of its own if need be.</summary>
    private sealed class Pieces : HttpContent
    {
        private readonly byte[][] pieces;
        private readonly bool flushed;

        public Pieces(IEnumerable<string> pieces, bool flushed)
        {
            this.pieces = [.. pieces.Select(Encoding.Latin1.GetBytes)];
            this.flushed = flushed;
            Headers.ContentType = new MediaTypeHeaderValue(Text);
        }

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            foreach (byte[] piece in pieces)
            {
                await stream.WriteAsync(piece, Token);
                if (flushed) await stream.FlushAsync(Token);
            }
        }

        protected override bool TryComputeLength(out long length)
        {
            length = pieces.Sum(piece => piece.Length);
            return !flushed;
        }
    }
}
