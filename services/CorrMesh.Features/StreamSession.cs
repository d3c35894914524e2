using CorrMesh.Hosting.Errors;
using CorrMesh.Protos.Common.V1;
using CorrMesh.Protos.Features.V1;
using Google.Protobuf.WellKnownTypes;

namespace CorrMesh.Features;

/// <summary>What a stream remembers between frames: its config and how far it has come.</summary>
/// <param name="answered">Frames up to this sequence were answered on an earlier stream; null for a new one.</param>
internal sealed class StreamSession(StreamFeaturesConfig config, StreamPolicy policy, ulong? answered)
{
    private const int MaxFrameIdBytes = 256;

    private ulong? last;
    private ulong received;

    public StreamFeaturesConfig Config { get; } = config;

    public bool NewestOnly { get; } = policy.Mode is StreamPolicy.Types.Mode.Unspecified or StreamPolicy.Types.Mode.NewestOnly;

    /// <summary>Takes a message as the next frame.</summary>
    /// <exception cref="FieldException">It is a second config, or not above the frame before; ends the stream.</exception>
    public Frame Accept(StreamFeaturesRequest message)
    {
        if (message.MessageCase != StreamFeaturesRequest.MessageOneofCase.Frame)
            throw new FieldException("frame", $"a frame needed after the config, {(message.MessageCase == StreamFeaturesRequest.MessageOneofCase.Config ? "a second config" : "none")} given");
        Frame frame = message.Frame;
        if (last is { } before && frame.Sequence <= before) throw new FieldException("frame.sequence", $"above {before} needed, {frame.Sequence} given");
        if (System.Text.Encoding.UTF8.GetByteCount(frame.FrameId) > MaxFrameIdBytes) throw new FieldException("frame.frame_id", $"at most {MaxFrameIdBytes} bytes allowed");
        if (frame.Deadline is { } deadline && !IsPositive(deadline)) throw new FieldException("frame.deadline", $"above 0 and below 10,000 years needed, {deadline.Seconds} s and {deadline.Nanos} ns given");
        last = frame.Sequence;
        return frame;
    }

    // A Duration of the wire may hold anything; ToTimeSpan takes only what this lets through.
    private static bool IsPositive(Duration deadline) =>
        deadline.Seconds is >= 0 and <= Duration.MaxSeconds && deadline.Nanos is >= 0 and < 1_000_000_000 && (deadline.Seconds > 0 || deadline.Nanos > 0);

    /// <summary>Why the stream passes over a frame; null when it does not.</summary>
    public DropReason? Passes(Frame frame)
    {
        if (answered is { } done && frame.Sequence <= done) return DropReason.AlreadyAnswered;
        return policy.Mode == StreamPolicy.Types.Mode.EveryKth && received++ % policy.EveryKth != 0 ? DropReason.Skipped : null;
    }
}

/// <summary>Where a stream goes on: the last answered sequence, opaque to clients.</summary>
internal static class ResumeToken
{
    private const string Prefix = "f1-";

    public static string Write(ulong sequence) => Prefix + sequence.ToString("x");

    /// <returns>Null for the empty token.</returns>
    /// <exception cref="FieldException">It is not a token of ours.</exception>
    public static ulong? Read(string token)
    {
        if (token.Length == 0) return null;
        if (token.StartsWith(Prefix, StringComparison.Ordinal)
            && ulong.TryParse(token.AsSpan(Prefix.Length), System.Globalization.NumberStyles.AllowHexSpecifier, null, out ulong sequence)) return sequence;
        throw new FieldException("config.resume_token", "the resume_token of an earlier reply needed");
    }
}
