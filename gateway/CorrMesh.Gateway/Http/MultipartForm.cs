using System.Text;
using CorrMesh.Hosting.Errors;
using CorrMesh.Hosting.Options;
using Google.Protobuf;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;

namespace CorrMesh.Gateway.Http;

/// <summary>What the files of one name may be.</summary>
/// <param name="Most">How many times the name may be given.</param>
/// <param name="Bytes">Most bytes of each; null: an image's, <see cref="MeshLimits.EncodedBytes"/>.</param>
internal sealed record FileBounds(int Most = 1, long? Bytes = null);

/// <summary>A multipart/form-data body, read part by part so that nothing beyond a limit is ever kept.</summary>
internal sealed class MultipartForm
{
    // 16,384 points of 50 characters; every other text is shorter.
    private const int TextBytes = 1 << 20;

    private readonly Dictionary<string, List<ByteString>> files = [];
    private readonly Dictionary<string, List<string>> fileNames = [];
    private readonly Dictionary<string, string> texts = [];

    private MultipartForm()
    {
    }

    /// <summary>Reads a form each of whose files is an image and is given once.</summary>
    /// <inheritdoc cref="ReadAsync(HttpRequest, IReadOnlyDictionary{string, FileBounds}, IReadOnlyList{string}, MeshLimits)"/>
    public static Task<MultipartForm> ReadAsync(HttpRequest request, IReadOnlyList<string> files, IReadOnlyList<string> texts, MeshLimits limits) =>
        ReadAsync(request, files.ToDictionary(name => name, _ => new FileBounds()), texts, limits);

    /// <param name="request">Its body is read to the end.</param>
    /// <param name="files">The parts that are files, by name.</param>
    /// <param name="texts">Names of the parts that are text; each at most 1 MiB.</param>
    /// <param name="limits">The mesh's limits.</param>
    /// <exception cref="UnsupportedFormatException">The body is not multipart/form-data.</exception>
    /// <exception cref="FieldException">A part is unknown, given too often, or cut short.</exception>
    /// <exception cref="TooLargeException">A part is larger than it may be.</exception>
    public static async Task<MultipartForm> ReadAsync(
        HttpRequest request, IReadOnlyDictionary<string, FileBounds> files, IReadOnlyList<string> texts, MeshLimits limits)
    {
        var token = request.HttpContext.RequestAborted;
        var form = new MultipartForm();
        var reader = new MultipartReader(BoundaryOf(request), request.Body) { HeadersCountLimit = 16, HeadersLengthLimit = 16 << 10 };
        try
        {
            while (await reader.ReadNextSectionAsync(token).ConfigureAwait(false) is { } section)
            {
                var (name, isFile, fileName) = Describe(section);
                var bounds = files.GetValueOrDefault(name);
                if (bounds is { Most: > 1 and var most })
                {
                    if (form.files.TryGetValue(name, out var given) && given.Count == most) throw new FieldException(name, $"given 1 to {most} times allowed, given more often");
                }
                else if (form.files.ContainsKey(name) || form.texts.ContainsKey(name))
                {
                    throw new FieldException(name, "given once allowed, given twice");
                }

                if (bounds is not null)
                {
                    if (!isFile) throw new FieldException(name, $"a file needed (curl: -F {name}=@FILE), text given");
                    var file = UnsafeByteOperations.UnsafeWrap(await ReadAsync(section.Body, name, bounds.Bytes ?? limits.EncodedBytes, token).ConfigureAwait(false));
                    if (!form.files.TryGetValue(name, out var kept)) form.files[name] = kept = [];
                    kept.Add(file);
                    if (!form.fileNames.TryGetValue(name, out var names)) form.fileNames[name] = names = [];
                    names.Add(fileName);
                }
                else if (texts.Contains(name))
                {
                    form.texts[name] = Encoding.UTF8.GetString((await ReadAsync(section.Body, name, TextBytes, token).ConfigureAwait(false)).Span).Trim();
                }
                else
                {
                    throw new FieldException(name, $"{string.Join(", ", files.Keys.Concat(texts))} allowed, '{name}' given");
                }
            }
        }
        catch (Exception exception) when (exception is InvalidDataException or (IOException and not BadHttpRequestException))
        {
            throw new FieldException("body", "a whole multipart/form-data body needed, a broken or cut one given", exception);
        }

        return form;
    }

    /// <exception cref="FieldException">The form has no such file, or it is empty.</exception>
    public ByteString File(string name) => Files(name)[0];

    /// <summary>Every file of a name that may be repeated, in order.</summary>
    /// <exception cref="FieldException">The form has no such file, or one is empty.</exception>
    public IReadOnlyList<ByteString> Files(string name)
    {
        if (!files.TryGetValue(name, out var given)) throw new FieldException(name, "a file needed, none given");
        int empty = given.FindIndex(file => file.Length == 0);
        return empty < 0 ? given : throw new FieldException(given.Count == 1 ? name : $"{name}[{empty}]", "at least 1 byte needed, an empty file given");
    }

    /// <summary>Whether the form has a file of a name.</summary>
    public bool HasFile(string name) => files.ContainsKey(name);

    /// <summary>What the sender calls the files of a name, in order; empty texts where it does not say.</summary>
    public IReadOnlyList<string> FileNames(string name) => fileNames.TryGetValue(name, out var given) ? given : [];

    /// <returns>The text without the white space around it; null when it is absent or empty.</returns>
    public string? Text(string name) => texts.TryGetValue(name, out string? text) && text.Length > 0 ? text : null;

    /// <summary>Whether the form has the text, even an empty one.</summary>
    public bool Has(string name) => texts.ContainsKey(name);

    private static string BoundaryOf(HttpRequest request)
    {
        // Nothing unpacks bodies here, so that no small body can become a large one.
        if (!StringValues.IsNullOrEmpty(request.Headers.ContentEncoding) && request.Headers.ContentEncoding != "identity")
            throw new UnsupportedFormatException(StatusCodes.Status415UnsupportedMediaType, "Content-Encoding", $"identity needed, '{request.Headers.ContentEncoding}' given");
        if (!MediaTypeHeaderValue.TryParse(request.ContentType, out var type) || !type.MediaType.Equals("multipart/form-data", StringComparison.OrdinalIgnoreCase))
            throw new UnsupportedFormatException(StatusCodes.Status415UnsupportedMediaType, "Content-Type", $"multipart/form-data needed, {(string.IsNullOrEmpty(request.ContentType) ? "nothing" : $"'{request.ContentType}'")} given");
        string boundary = HeaderUtilities.RemoveQuotes(type.Boundary).ToString();
        return boundary.Length is > 0 and <= 70 ? boundary : throw new FieldException("Content-Type", $"a boundary of 1 to 70 characters needed, {boundary.Length} given");
    }

    private static (string Name, bool IsFile, string FileName) Describe(MultipartSection section)
    {
        if (!ContentDispositionHeaderValue.TryParse(section.ContentDisposition, out var disposition) || StringSegmentIsEmpty(disposition))
            throw new FieldException("body", "a name needed for each part (Content-Disposition: form-data; name=...), none given");
        // Some clients send bytes without a file name; what they say about the type then tells them from typed text.
        bool isFile = disposition.IsFileDisposition() || (section.ContentType is { } type && !type.StartsWith("text/", StringComparison.OrdinalIgnoreCase));
        string fileName = HeaderUtilities.RemoveQuotes(disposition.FileNameStar.HasValue ? disposition.FileNameStar : disposition.FileName).ToString();
        return (HeaderUtilities.RemoveQuotes(disposition.Name).ToString(), isFile, fileName);
    }

    private static bool StringSegmentIsEmpty(ContentDispositionHeaderValue disposition) => HeaderUtilities.RemoveQuotes(disposition.Name).Length == 0;

    private static async Task<ReadOnlyMemory<byte>> ReadAsync(Stream body, string name, long limit, CancellationToken token)
    {
        var kept = new MemoryStream();
        byte[] chunk = new byte[64 << 10];
        while (await body.ReadAsync(chunk, token).ConfigureAwait(false) is > 0 and var count)
        {
            if (kept.Length + count > limit) throw new TooLargeException(name, $"at most {limit} bytes allowed, more given");
            kept.Write(chunk, 0, count);
        }

        return kept.GetBuffer().AsMemory(0, (int)kept.Length);
    }
}
