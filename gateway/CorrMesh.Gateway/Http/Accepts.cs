using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;

namespace CorrMesh.Gateway.Http;

/// <summary>Formats of answers, and which of them a caller wants.</summary>
internal static class Accepts
{
    public const string Json = "application/json";
    public const string Npy = "application/x-npy";
    public const string Octets = "application/octet-stream";
    public const string Png = "image/png";
    public const string Zip = "application/zip";

    /// <summary>The format that the caller likes best of those there are; the first when it does not care.</summary>
    /// <exception cref="UnsupportedFormatException">It likes none.</exception>
    public static string Choose(HttpRequest request, params ReadOnlySpan<string> formats)
    {
        var accept = request.GetTypedHeaders().Accept;
        if (accept.Count == 0) return formats[0];
        foreach (var wanted in accept.Where(wanted => wanted.Quality is not 0).OrderByDescending(wanted => wanted.Quality ?? 1))
            foreach (string format in formats)
                if (MediaTypeHeaderValue.Parse(format).IsSubsetOf(wanted)) return format;
        string all = $"{string.Join(", ", formats[..^1]!)} or {formats[^1]}";
        throw new UnsupportedFormatException(StatusCodes.Status406NotAcceptable, "Accept", $"{all} needed, '{request.Headers.Accept}' given");
    }
}
