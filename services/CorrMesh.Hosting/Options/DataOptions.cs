using System.ComponentModel.DataAnnotations;

namespace CorrMesh.Hosting.Options;

/// <summary>Where weights and other stored things are; section `CorrMesh:Data`.</summary>
public sealed class DataOptions : IValidatableObject
{
    public const string Section = "CorrMesh:Data";

    /// <summary>The data directory, relative to the working directory unless absolute. It need not exist.</summary>
    [Required, MinLength(1)]
    public string Directory { get; init; } = "data";

    /// <summary>How often a service looks whether models or adapters have changed.</summary>
    [Range(typeof(TimeSpan), "00:00:00.005", "00:01:00")]
    public TimeSpan WatchInterval { get; init; } = TimeSpan.FromMilliseconds(500);

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (File.Exists(Directory)) yield return new("a directory needed, and this is a file", [nameof(Directory)]);
    }
}
