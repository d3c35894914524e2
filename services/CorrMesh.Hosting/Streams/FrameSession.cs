using CorrMesh.Hosting.Errors;
using CorrMesh.Protos.Common.V1;
using Google.Protobuf.WellKnownTypes;

namespace CorrMesh.Hosting.Streams;

/// <summary>What a stream remembers between frames: its policy and how far it has come.</summary>
internal sealed class FrameSession
{
    private const int MaxFrameIdBytes = 256;

    private readonly StreamPolicy policy;

    // Frames up to this sequence were answered on an earlier stream; null for a new one.
    private readonly ulong? answered;

    private ulong? last;
    private ulong received;

    /// <exception cref="FieldException">A policy or a token that is none.</exception>
    public FrameSession(StreamPolicy? policy, string resumeToken)
    {
        this.policy = policy ??= new StreamPolicy();
        bool everyKth = policy.Mode == StreamPolicy.Types.Mode.EveryKth;
        if (!System.Enum.IsDefined(policy.Mode)) throw new FieldException("config.policy.mode", $"a known mode needed, {(int)policy.Mode} given");
        if (everyKth == (policy.EveryKth == 0)) throw new FieldException("config.policy.every_kth", $"{(everyKth ? "at least 1 needed" : "must be absent for this mode")}, {policy.EveryKth} given");
        answered = ResumeToken.Read(resumeToken);
    }

    public bool NewestOnly => policy.Mode is StreamPolicy.Types.Mode.Unspecified or StreamPolicy.Types.Mode.NewestOnly;

    /// <summary>Takes a frame as the next one.</summary>
    /// <exception cref="FieldException">It is not above the frame before, or a field is out of its bounds; ends the stream.</exception>
    public void Accept(Frame frame)
    {
        if (last is { } before && frame.Sequence <= before) throw new FieldException("frame.sequence", $"above {before} needed, {frame.Sequence} given");
        if (System.Text.Encoding.UTF8.GetByteCount(frame.FrameId) > MaxFrameIdBytes) throw new FieldException("frame.frame_id", $"at most {MaxFrameIdBytes} bytes allowed");
        if (frame.Deadline is { } deadline && !IsPositive(deadline)) throw new FieldException("frame.deadline", $"above 0 and below 10,000 years needed, {deadline.Seconds} s and {deadline.Nanos} ns given");
        last = frame.Sequence;
    }

    /// <summary>Why the stream passes over a frame; null when it does not.</summary>
    public DropReason? Passes(Frame frame)
    {
        if (answered is { } done && frame.Sequence <= done) return DropReason.AlreadyAnswered;
        return policy.Mode == StreamPolicy.Types.Mode.EveryKth && received++ % policy.EveryKth != 0 ? DropReason.Skipped : null;
    }

    // A Duration of the wire may hold anything; ToTimeSpan takes only what this lets through.
    private static bool IsPositive(Duration deadline) =>
        deadline.Seconds is >= 0 and <= Duration.MaxSeconds && deadline.Nanos is >= 0 and < 1_000_000_000 && (deadline.Seconds > 0 || deadline.Nanos > 0);
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
