namespace CorrMesh.Hosting.Errors;

/// <summary>A request names something that is not there (NOT_FOUND).</summary>
/// <param name="field">The field that holds the name, which is also the kind of thing: `model`, `adapter`.</param>
/// <param name="name">The name that was given.</param>
/// <param name="hint">What to do about it, such as the names there are; absent: nothing.</param>
public sealed class NotFoundException(string field, string name, string? hint = null)
    : Exception($"{field}: there is no '{name}'{(hint is null ? "" : "; " + hint)}")
{
    public string Field { get; } = field;

    public string Name { get; } = name;
}
