using System.Buffers;
using System.Globalization;
using CorrMesh.Protos.Common.V1;
using CorrMesh.Protos.Features.V1;
using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace CorrMesh.Hosting.Routing;

/// <summary>Which image a call to the features service is about, from its message or from the first bytes of it on the wire.</summary>
public static class CallAffinity
{
    /// <summary>The request header in which an affinity travels from where it is known to where a replica is picked: 8 hexadecimal digits.</summary>
    public const string Header = "corrmesh-affinity";

    private static readonly FieldDescriptor[] Sources =
    [
        FieldOf<ExtractFeaturesRequest>("source"), FieldOf<SampleDescriptorsRequest>("source"), FieldOf<CorrelateDescriptorsRequest>("target"),
        FieldOf<MatchDescriptorSetsRequest>("target"), FieldOf<RenderFeaturesRequest>("sources"),
    ];

    private static readonly Dictionary<string, int> SourceNumbers = (
        from method in FeatureService.Descriptor.Methods
        where !method.IsClientStreaming
        from source in Sources
        where source.ContainingType == method.InputType
        select (Path: $"/{FeatureService.Descriptor.FullName}/{method.Name}", source.FieldNumber)).ToDictionary(row => row.Path, row => row.FieldNumber);

    /// <summary>The affinity of a request; null when it is about no image, or about none that it shows.</summary>
    public static uint? Of(object request) => request switch
    {
        ExtractFeaturesRequest extract => Of(extract.Source),
        SampleDescriptorsRequest sample => Of(sample.Source),
        CorrelateDescriptorsRequest correlate => Of(correlate.Target),
        MatchDescriptorSetsRequest match => Of(match.Target),
        RenderFeaturesRequest render => render.Sources.Count > 0 ? Of(render.Sources[0]) : null,
        _ => null,
    };

    /// <summary>Whether the messages of a method say which image they are about.</summary>
    /// <param name="path">`/package.Service/Method`.</param>
    public static bool IsKnown(string path) => SourceNumbers.ContainsKey(path);

    /// <summary>Looks for a call's affinity in the beginning of its body.</summary>
    /// <param name="path">`/package.Service/Method`.</param>
    /// <param name="body">What has come of the body: the first message with its 5-byte prefix, or a part.</param>
    /// <param name="isWhole">Whether no more will come.</param>
    /// <param name="affinity">Null when it cannot be told: no image, or a compressed message.</param>
    /// <returns>False when more of the body is needed to tell.</returns>
    public static bool TryRead(string path, ReadOnlySequence<byte> body, bool isWhole, out uint? affinity)
    {
        affinity = null;
        var wire = new Wire(body);
        if (!wire.TryByte(out byte compressed) || !wire.TrySkip(sizeof(int))) return isWhole;
        if (compressed != 0) return true;
        if (!SourceNumbers.TryGetValue(path, out int number)) return true;
        if (!wire.TryFind(number, out _)) return isWhole || wire.IsBroken;
        if (!wire.TryField(out int choice, out long length)) return isWhole || wire.IsBroken;
        if (choice == FeatureSource.FeaturesKeyFieldNumber)
        {
            if (!wire.TryTake(Math.Min(length, ImageAffinity.KeyDigits), out byte[] digits)) return isWhole;
            affinity = ImageAffinity.OfKey(System.Text.Encoding.ASCII.GetString(digits));
            return true;
        }

        if (choice != FeatureSource.ImageFieldNumber) return true;
        if (!wire.TryField(out int content, out length)) return isWhole || wire.IsBroken;
        bool isRaw = content == Image.RawFieldNumber;
        if (isRaw && !wire.TryFind(RawImage.DataFieldNumber, out length)) return isWhole || wire.IsBroken;
        if (!isRaw && content != Image.EncodedFieldNumber) return true;
        if (!wire.TryTake(Math.Min(length, ImageAffinity.PrefixBytes), out byte[] start)) return isWhole;
        affinity = isRaw ? ImageAffinity.OfRaw(length, start) : ImageAffinity.OfFile(length, start);
        return true;
    }

    public static string Format(uint affinity) => affinity.ToString("x8", CultureInfo.InvariantCulture);

    private static uint? Of(FeatureSource? source) => source?.SourceCase switch
    {
        FeatureSource.SourceOneofCase.Image => ImageAffinity.Of(source.Image),
        FeatureSource.SourceOneofCase.FeaturesKey => ImageAffinity.OfKey(source.FeaturesKey),
        _ => null,
    };

    private static FieldDescriptor FieldOf<T>(string name)
        where T : IMessage, new() => new T().Descriptor.FindFieldByName(name);

    /// <summary>Walks over the fields of a message of which only the beginning may be there.</summary>
    private ref struct Wire(ReadOnlySequence<byte> bytes)
    {
        private SequenceReader<byte> reader = new(bytes);

        /// <summary>Whether what was read is no protobuf, so that more of it would not help.</summary>
        public bool IsBroken { get; private set; }

        public bool TryByte(out byte value) => reader.TryRead(out value);

        public bool TrySkip(long count)
        {
            if (count < 0 || reader.Remaining < count) return false;
            reader.Advance(count);
            return true;
        }

        public bool TryTake(long count, out byte[] taken)
        {
            taken = new byte[count];
            return reader.TryCopyTo(taken);
        }

        /// <summary>Goes into the first length-delimited field of a number, over those before it.</summary>
        public bool TryFind(int number, out long length)
        {
            while (TryTag(out int found, out WireFormat.WireType type))
            {
                if (found == number && type == WireFormat.WireType.LengthDelimited) return TryLength(out length);
                if (!TrySkip(type)) break;
            }

            length = 0;
            return false;
        }

        /// <summary>Goes into the next field, which must be length-delimited.</summary>
        public bool TryField(out int number, out long length)
        {
            length = 0;
            if (!TryTag(out number, out WireFormat.WireType type)) return false;
            IsBroken = type != WireFormat.WireType.LengthDelimited;
            return !IsBroken && TryLength(out length);
        }

        private bool TryLength(out long length)
        {
            bool there = TryVarint(out length);
            IsBroken |= length < 0;
            return there && length >= 0;
        }

        private bool TryTag(out int number, out WireFormat.WireType type)
        {
            bool there = TryVarint(out long tag);
            (number, type) = ((int)(tag >> 3), (WireFormat.WireType)(tag & 7));
            return there;
        }

        private bool TrySkip(WireFormat.WireType type)
        {
            switch (type)
            {
                case WireFormat.WireType.Varint: return TryVarint(out _);
                case WireFormat.WireType.Fixed64: return TrySkip(8);
                case WireFormat.WireType.Fixed32: return TrySkip(4);
                case WireFormat.WireType.LengthDelimited: return TryVarint(out long length) && TrySkip(length);
                default:
                    IsBroken = true;
                    return false;
            }
        }

        private bool TryVarint(out long value)
        {
            value = 0;
            for (int shift = 0; shift < 64; shift += 7)
            {
                if (!reader.TryRead(out byte next)) return false;
                value |= (long)(next & 0x7f) << shift;
                if (next < 0x80) return true;
            }

            IsBroken = true;
            return false;
        }
    }
}
