namespace CorrMesh.Hosting.Errors;

/// <summary>A request names a feature map or a descriptor set by key, and the server no longer holds it (FAILED_PRECONDITION).</summary>
/// <param name="field">The field that holds the key.</param>
/// <param name="key">The key, 64 hex digits.</param>
public sealed class FeaturesExpiredException(string field, string key)
    : Exception($"{field}: nothing is stored under {key} any more; send the image (or the values) again")
{
    /// <summary>The reason in the error's ErrorInfo.</summary>
    public const string Reason = "FEATURES_EXPIRED";

    public string Field { get; } = field;

    public string Key { get; } = key;
}
