using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace CorrMesh.Hosting.Security;

/// <summary>What the holder of a key may do.</summary>
public enum KeyRole
{
    /// <summary>Everything that the mesh serves.</summary>
    User,

    /// <summary>Also what changes it.</summary>
    Admin,
}

/// <summary>What is kept of an API key.</summary>
/// <param name="Name">For people; the same form as other ids.</param>
/// <param name="Hash">"sha256:" and 64 hex digits.</param>
/// <param name="Created">When it was made.</param>
/// <param name="RatePerSecond">Calls allowed a second, over time; null: any number.</param>
/// <param name="Burst">Calls allowed at once, after a pause.</param>
public sealed record ApiKey(string Name, KeyRole Role, string Hash, DateTimeOffset Created, double? RatePerSecond, int? Burst)
{
    private const string Prefix = "cm_", HashPrefix = "sha256:";

    /// <summary>Makes a key; its text cannot be had from the result.</summary>
    public static (ApiKey Key, string Text) Create(string name, KeyRole role, double? ratePerSecond, int? burst, TimeProvider time)
    {
        string text = Prefix + Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32));
        return (new ApiKey(name, role, HashPrefix + Convert.ToHexStringLower(Digest(text)), time.GetUtcNow(), ratePerSecond, burst), text);
    }

    // Slow, salted hashes are for what people think up. A key is 256 random bits: there is nothing to try out, and each call pays for the hash.
    internal static byte[] Digest(string text) => SHA256.HashData(Encoding.UTF8.GetBytes(text));

    internal byte[] HashBytes() => Convert.FromHexString(Hash.AsSpan(HashPrefix.Length));

    internal void Check()
    {
        if (string.IsNullOrEmpty(Name)) throw new InvalidDataException("a key without a name");
        if (Hash is null || !Hash.StartsWith(HashPrefix, StringComparison.Ordinal) || Hash.Length != HashPrefix.Length + 64 || !Hash.AsSpan(HashPrefix.Length).ToString().All(char.IsAsciiHexDigitLower))
            throw new InvalidDataException($"{Name}: hash must be {HashPrefix} and 64 hex digits");
        CheckRate(RatePerSecond, Burst);
    }

    /// <exception cref="InvalidDataException">A bound is not met.</exception>
    public static void CheckRate(double? ratePerSecond, int? burst)
    {
        if (ratePerSecond is { } rate && !(rate is >= 0.01 and <= 10_000)) throw new InvalidDataException($"rate: 0.01 to 10000 a second allowed, {rate} given");
        if (burst is { } calls && calls is < 1 or > 100_000) throw new InvalidDataException($"burst: 1 to 100000 allowed, {burst} given");
        if (burst is not null && ratePerSecond is null) throw new InvalidDataException("burst: a rate needed with it, none given");
    }
}

/// <summary>A file of API keys. Written to a temporary name and renamed, so that readers see the old keys or the new ones.</summary>
public sealed record KeyFile(int SchemaVersion, IReadOnlyList<ApiKey> Keys)
{
    /// <summary>No keys.</summary>
    public static KeyFile Empty { get; } = new(1, []);

    /// <exception cref="InvalidDataException">It is not such a file.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    public static KeyFile Read(string path)
    {
        try
        {
            var file = JsonSerializer.Deserialize(File.ReadAllBytes(path), KeyFileJson.Default.KeyFile);
            if (file is not { SchemaVersion: 1, Keys: not null }) throw new InvalidDataException("schema_version 1 and keys needed");
            foreach (var key in file.Keys) (key ?? throw new InvalidDataException("a key needed in each place, null given")).Check();
            return file;
        }
        catch (Exception exception) when (exception is JsonException or InvalidDataException)
        {
            throw new InvalidDataException($"{path}: not a file of API keys ({exception.Message})", exception);
        }
    }

    /// <summary>Changes the keys of a file, or of none yet; what two do at once happens one after the other.</summary>
    /// <param name="path">The file.</param>
    /// <param name="change">From the keys before to those after.</param>
    /// <exception cref="InvalidDataException">It is not such a file.</exception>
    /// <exception cref="IOException">It cannot be read or written, or someone has been changing it for five seconds.</exception>
    public static async Task UpdateAsync(string path, Func<KeyFile, KeyFile> change, CancellationToken cancellation = default)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        using FileStream turn = await TurnAsync(path + ".lock", cancellation).ConfigureAwait(false);
        change(File.Exists(path) ? Read(path) : Empty).Write(path);
    }

    // The lock is the system's and ends with whoever holds it; its empty file stays.
    private static async Task<FileStream> TurnAsync(string path, CancellationToken cancellation)
    {
        for (long started = Environment.TickCount64; ;)
        {
            try
            {
                return new FileStream(path, FileMode.OpenOrCreate, FileAccess.Write, FileShare.None);
            }
            catch (IOException) when (File.Exists(path) && Environment.TickCount64 - started < 5000)
            {
                await Task.Delay(20, cancellation).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Replaces the file; only its owner may read it.</summary>
    public void Write(string path)
    {
        string temporary = $"{path}.{Guid.NewGuid():N}.tmp";
        try
        {
#pragma warning disable CA1416 // The program is for Linux alone (services/decisions/0002).
            using (var stream = new FileStream(temporary, new FileStreamOptions
            {
                Mode = FileMode.CreateNew,
                Access = FileAccess.Write,
                UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
            }))
#pragma warning restore CA1416
            {
                JsonSerializer.Serialize(stream, this, KeyFileJson.Default.KeyFile);
                stream.Flush(flushToDisk: true);
            }

            File.Move(temporary, path, overwrite: true);
        }
        finally
        {
            File.Delete(temporary);
        }
    }
}

/// <summary>Key files as JSON: snake_case names, unknown members refused.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UseStringEnumConverter = true,
    WriteIndented = true)]
[JsonSerializable(typeof(KeyFile))]
internal sealed partial class KeyFileJson : JsonSerializerContext;
