using System.ComponentModel;

namespace CorrMesh.Gateway.Http;

/// <summary>RFC 9457 problem details: the body of every answer that is an error.</summary>
[Description("RFC 9457 problem details.")]
public sealed record Problem(
    [property: Description("Always about:blank: the status says what kind of problem it is.")] string Type,
    [property: Description("The status in words.")] string Title,
    [property: Description("The HTTP status.")] int Status,
    [property: Description("What is wrong, with field, bound and value.")] string Detail,
    [property: Description("The fields at fault, when there are any.")] IReadOnlyList<ProblemField>? Errors = null,
    [property: Description("A word for programs, such as QUEUE_FULL or MODEL_NOT_FOUND, when there is one.")] string? Reason = null);

/// <summary>One field at fault.</summary>
[Description("One field at fault.")]
public sealed record ProblemField(
    [property: Description("The form field, or the service, that the message is about.")] string Field,
    [property: Description("The bound and the value.")] string Message);

/// <summary>A part of an upload is larger than it may be (413).</summary>
internal sealed class TooLargeException(string field, string description) : Exception($"{field}: {description}")
{
    public string Field { get; } = field;

    public string Description { get; } = description;
}

/// <summary>The request's format, or the one that it wants, is not spoken here (415, 406).</summary>
internal sealed class UnsupportedFormatException(int status, string field, string description) : Exception($"{field}: {description}")
{
    public int Status { get; } = status;

    public string Field { get; } = field;

    public string Description { get; } = description;
}
