using System.Collections.Frozen;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Net.Http.Headers;

namespace CorrMesh.Gateway.Page;

/// <summary>The pages at `/`, `/runs` and `/poses` and what they are made of: the folder wwwroot and the sample pictures, carried inside the program.</summary>
internal static class PageFiles
{
    // Everything the page uses comes from this server; a script or style that found its way into the markup would not run.
    // blob: is how a browser shows a picture or plays a clip that the visitor chose.
    public const string ContentSecurityPolicy =
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; media-src blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    private const string Root = "wwwroot/";

    private static readonly FrozenDictionary<string, string> Types = new Dictionary<string, string>
    {
        [".html"] = "text/html; charset=utf-8",
        [".css"] = "text/css; charset=utf-8",
        [".js"] = "text/javascript; charset=utf-8",
        [".svg"] = "image/svg+xml",
        [".jpg"] = "image/jpeg",
    }.ToFrozenDictionary();

    public static void MapPage(this IEndpointRouteBuilder endpoints)
    {
        var assembly = typeof(PageFiles).Assembly;
        foreach (string name in assembly.GetManifestResourceNames().Where(name => name.StartsWith(Root, StringComparison.Ordinal)))
        {
            using var stream = assembly.GetManifestResourceStream(name)!;
            byte[] content = new byte[stream.Length];
            stream.ReadExactly(content);
            var serve = Serve(content, Types[Path.GetExtension(name)]);
            foreach (string path in PathsOf(name[(Root.Length - 1)..])) endpoints.MapMethods(path, [HttpMethods.Get, HttpMethods.Head], serve).ExcludeFromDescription();
        }
    }

    // One file is both the list of runs and each run: its script looks at the address.
    private static string[] PathsOf(string file) => file switch
    {
        "/index.html" => ["/"],
        "/runs.html" => ["/runs", "/runs/{id}"],
        "/poses.html" => ["/poses"],
        _ => [file],
    };

    private static Func<HttpContext, IResult> Serve(byte[] content, string type)
    {
        var tag = new EntityTagHeaderValue($"\"{Convert.ToHexStringLower(SHA256.HashData(content).AsSpan(0, 16))}\"");
        return context =>
        {
            var headers = context.Response.Headers;
            headers.ContentSecurityPolicy = ContentSecurityPolicy;
            headers.XContentTypeOptions = "nosniff";
            headers["Referrer-Policy"] = "no-referrer";
            // Kept by browsers, but asked for with its tag each time: a new version of the mesh shows its own page at once.
            headers.CacheControl = "no-cache";
            return Results.Bytes(content, type, entityTag: tag);
        };
    }
}
