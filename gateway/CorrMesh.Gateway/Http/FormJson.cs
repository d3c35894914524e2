using System.Text.Json;
using CorrMesh.Hosting.Errors;

namespace CorrMesh.Gateway.Http;

/// <summary>Form fields whose text is JSON.</summary>
internal static class FormJson
{
    /// <returns>Null when the form has no such text.</returns>
    /// <exception cref="FieldException">It is no JSON of that form; the path leads to the place.</exception>
    public static T? Read<T>(MultipartForm form, string name, JsonSerializerOptions json)
        where T : class
    {
        if (form.Text(name) is not { } text) return null;
        try
        {
            return JsonSerializer.Deserialize<T>(text, json) ?? throw new FieldException(name, "JSON of the documented form needed, null given");
        }
        catch (JsonException exception)
        {
            throw Fault(exception, name + (exception.Path is { Length: > 1 } path ? path[1..] : ""));
        }
    }

    public static FieldException Fault(JsonException exception, string field) =>
        new(field, $"not JSON of the documented form, in line {exception.LineNumber + 1} at byte {exception.BytePositionInLine + 1}", exception);
}
