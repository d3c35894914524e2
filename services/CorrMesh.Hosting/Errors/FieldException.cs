namespace CorrMesh.Hosting.Errors;

/// <summary>What is wrong with one field of a request.</summary>
/// <param name="Field">The field's path as the contract spells it, such as `spec.tokens` or `points[3].x`.</param>
/// <param name="Description">The bound and the value: `8 to 160 allowed, 200 given`.</param>
public sealed record FieldViolation(string Field, string Description)
{
    public override string ToString() => $"{Field}: {Description}";
}

/// <summary>A request that could not be carried out because of what its fields hold (INVALID_ARGUMENT).</summary>
public class FieldException : Exception
{
    public FieldException(string field, string description, Exception? innerException = null)
        : this([new FieldViolation(field, description)], innerException)
    {
    }

    /// <param name="violations">At least one.</param>
    /// <param name="innerException">What found it, if something below did.</param>
    public FieldException(IReadOnlyList<FieldViolation> violations, Exception? innerException = null)
        : base(string.Join("; ", violations), innerException)
    {
        ArgumentOutOfRangeException.ThrowIfZero(violations.Count);
        Violations = violations;
    }

    public IReadOnlyList<FieldViolation> Violations { get; }
}
