using System.Buffers;
using System.Buffers.Binary;
using CorrMesh.Hosting.Routing;
using CorrMesh.Protos.Common.V1;
using CorrMesh.Protos.Features.V1;
using Google.Protobuf;
using Xunit;

namespace CorrMesh.Hosting.Tests.Routing;

public sealed class CallAffinityTests
{
    private const string Service = "/corrmesh.features.v1.FeatureService/";
    private static readonly FeatureSpec Spec = new() { Model = "compact", Tokens = 48 };

    // Goal: the documented function, as any language computes it. Origin: Python, hashlib.sha256(b"\x01" + (3).to_bytes(8, "little") + b"\x01\x02\x03").hexdigest()[:8].
    [Fact]
    public void Of_AGivenFile_IsTheGoldenNumber() => Assert.Equal(Golden, ImageAffinity.Of(new Image { Encoded = ByteString.CopyFrom([1, 2, 3]) }));

    // Goal: a proxy that sees bytes and a client that sees the message agree, for every call about an image.
    [Theory]
    [MemberData(nameof(Requests))]
    public void TryRead_WholeMessage_IsWhatTheMessageSays(string method, IMessage request)
    {
        Assert.True(CallAffinity.TryRead(Service + method, new ReadOnlySequence<byte>(Framed(request)), isWhole: true, out uint? read));
        Assert.NotNull(read);
        Assert.Equal(CallAffinity.Of(request), read);
    }

    // Goal: a beginning never misleads: it tells the same or asks for more, and tells it once the image's first 64 KiB are there. Method: every length up to a little more than that.
    [Theory]
    [MemberData(nameof(Requests))]
    public void TryRead_AnyBeginning_IsTheSameOrAsksForMore(string method, IMessage request)
    {
        byte[] body = Framed(request);
        int tried = 0;
        for (int length = 0; length < body.Length; length += length < 200 ? 1 : 997, tried++)
        {
            if (CallAffinity.TryRead(Service + method, Segments(body.AsMemory(0, length)), isWhole: false, out uint? read)) Assert.Equal(CallAffinity.Of(request), read);
        }

        Assert.True(tried > 0);
        int enough = Math.Min(body.Length, ImageAffinity.PrefixBytes + 4096);
        Assert.True(CallAffinity.TryRead(Service + method, new ReadOnlySequence<byte>(body, 0, enough), isWhole: enough == body.Length, out _));
    }

    [Fact]
    public void Of_KeyOfAMap_IsItsImages() =>
        Assert.Equal(0x0badcafeu, CallAffinity.Of(new ExtractFeaturesRequest { Source = new FeatureSource { FeaturesKey = "0badcafe" + new string('1', 56) } }));

    // Goal: a length below zero is no message, and no reason to wait for more of it. Method: on the way to a key, to a file and to raw pixels.
    [Theory]
    [InlineData("0a")]
    [InlineData("0a20", FeatureSource.FeaturesKeyFieldNumber)]
    [InlineData("0a20", FeatureSource.ImageFieldNumber)]
    [InlineData("0a20", FeatureSource.ImageFieldNumber, Image.EncodedFieldNumber)]
    [InlineData("0a20", FeatureSource.ImageFieldNumber, Image.RawFieldNumber)]
    [InlineData("0a20", FeatureSource.ImageFieldNumber, Image.RawFieldNumber, RawImage.DataFieldNumber)]
    public void TryRead_LengthBelowZero_TellsNothingAndThrowsNothing(string start, params int[] fields)
    {
        byte[] tags = [.. fields.SelectMany((field, i) => new[] { (byte)((field << 3) | 2), (byte)16 }[..(i == fields.Length - 1 ? 1 : 2)])];
        byte[] body = [0, 0, 0, 0, 48, .. Convert.FromHexString(start), .. tags, .. Enumerable.Repeat((byte)0xff, 9), 1];

        Assert.True(CallAffinity.TryRead(Service + "ExtractFeatures", new ReadOnlySequence<byte>(body), isWhole: false, out uint? affinity));
        Assert.Null(affinity);
    }

    // Goal: what is not the message that the path says is let through untold, whatever it is. Method: seeded bytes, compressed, empty, and other calls.
    [Fact]
    public void TryRead_AnythingElse_TellsNothingAndThrowsNothing()
    {
        var random = new Random(7);
        for (int i = 0; i < 20_000; i++)
        {
            byte[] noise = new byte[random.Next(0, 64)];
            random.NextBytes(noise);
            if (noise.Length > 0) noise[0] = 0;
            Assert.True(CallAffinity.TryRead(Service + "ExtractFeatures", new ReadOnlySequence<byte>(noise), isWhole: true, out _));
        }

        byte[] body = Framed(new ExtractFeaturesRequest { Source = Source(File(100)) });
        Assert.True(CallAffinity.TryRead(Service + "ListModels", new ReadOnlySequence<byte>(body), isWhole: false, out uint? other));
        body[0] = 1;
        Assert.True(CallAffinity.TryRead(Service + "ExtractFeatures", new ReadOnlySequence<byte>(body), isWhole: false, out uint? compressed));
        Assert.Null(other);
        Assert.Null(compressed);
        Assert.False(CallAffinity.IsKnown(Service + "StreamFeatures"));
        Assert.False(CallAffinity.IsKnown("/corrmesh.matching.v1.MatchingService/MatchKeypoints"));
    }

    // Goal: what must be kept apart is: kind, length, beginning. What lies beyond 64 KiB is not looked at.
    [Fact]
    public void Of_ContentsThatDiffer_Differ()
    {
        byte[] bytes = new byte[ImageAffinity.PrefixBytes + 10];
        uint?[] all =
        [
            ImageAffinity.Of(new Image { Encoded = ByteString.CopyFrom(bytes) }), ImageAffinity.Of(new Image { Encoded = ByteString.CopyFrom(bytes, 0, bytes.Length - 1) }),
            ImageAffinity.Of(new Image { Raw = new RawImage { Data = ByteString.CopyFrom(bytes) } }), ImageAffinity.Of(new Image { Encoded = ByteString.CopyFrom([1, .. bytes[1..]]) }),
        ];
        Assert.Equal(all.Length, all.Distinct().Count());
        Assert.Equal(all[0], ImageAffinity.Of(new Image { Encoded = ByteString.CopyFrom([.. bytes[..^1], 9]) }));
        Assert.Null(ImageAffinity.Of(new Image()));
    }

    public static TheoryData<string, IMessage> Requests()
    {
        var data = new TheoryData<string, IMessage>();
        foreach (Image image in new[] { File(10), File(70_000), File(0), Raw(600), Raw(90_000) })
        {
            data.Add("ExtractFeatures", new ExtractFeaturesRequest { Source = Source(image), Spec = Spec });
            data.Add("SampleDescriptors", new SampleDescriptorsRequest { Source = Source(image), Normalise = true });
            data.Add("RenderFeatures", new RenderFeaturesRequest { Sources = { Source(image), Source(File(5)) } });
        }

        var values = new Tensor { DataType = DataType.F32, Shape = { 2, 3 }, Data = ByteString.CopyFrom(new byte[24]) };
        data.Add("CorrelateDescriptors", new CorrelateDescriptorsRequest { Descriptors = new DescriptorSet { Values = values }, Target = Source(File(300)), TopK = 3 });
        data.Add("MatchDescriptorSets", new MatchDescriptorSetsRequest { Descriptors = new DescriptorSet { DescriptorSetKey = new string('a', 64) }, Target = Source(Raw(30)) });
        data.Add("ExtractFeatures", new ExtractFeaturesRequest { Source = new FeatureSource { FeaturesKey = "0badcafe" + new string('1', 56) } });
        return data;
    }

    private const uint Golden = 0x62d84c85;

    private static FeatureSource Source(Image image) => new() { Image = image };

    private static Image File(int length) => new() { Encoded = ByteString.CopyFrom(Bytes(length)) };

    private static Image Raw(int length) => new() { Raw = new RawImage { Format = PixelFormat.Rgb8, Width = 10, Height = 1, RowStride = 30, Data = ByteString.CopyFrom(Bytes(length)) } };

    private static byte[] Bytes(int length)
    {
        byte[] bytes = new byte[length];
        new Random(length).NextBytes(bytes);
        return bytes;
    }

    private static byte[] Framed(IMessage message)
    {
        byte[] body = new byte[5 + message.CalculateSize()];
        BinaryPrimitives.WriteInt32BigEndian(body.AsSpan(1), body.Length - 5);
        message.WriteTo(body.AsSpan(5));
        return body;
    }

    // As they come off a connection: in pieces.
    private static ReadOnlySequence<byte> Segments(ReadOnlyMemory<byte> bytes)
    {
        var first = new Segment(bytes[..(bytes.Length / 2)], 0);
        var last = first.Append(bytes[(bytes.Length / 2)..]);
        return new ReadOnlySequence<byte>(first, 0, last, last.Memory.Length);
    }

    private sealed class Segment : ReadOnlySequenceSegment<byte>
    {
        public Segment(ReadOnlyMemory<byte> memory, long index) => (Memory, RunningIndex) = (memory, index);

        public Segment Append(ReadOnlyMemory<byte> memory)
        {
            var next = new Segment(memory, RunningIndex + Memory.Length);
            Next = next;
            return next;
        }
    }
}
