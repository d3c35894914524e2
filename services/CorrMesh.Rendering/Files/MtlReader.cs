using System.Numerics;
using System.Text;
using CorrMesh.Rendering.Meshes;

namespace CorrMesh.Rendering.Files;

/// <summary>Material libraries of OBJ: newmtl, Kd, Ks, Ns, map_Kd (its options are passed over).</summary>
internal static class MtlReader
{
    public static List<Material> Read(ReadOnlySpan<byte> text, MeshResources resources, MeshFileLimits limits, ByteBudget budget, TextureCache textures)
    {
        var materials = new List<Material>();
        var scanner = new TextScanner(text);
        while (scanner.TryReadLine(out ReadOnlySpan<byte> line))
        {
            if (!TextScanner.TryReadWord(ref line, out ReadOnlySpan<byte> word)) continue;
            if (word.SequenceEqual("newmtl"u8))
            {
                limits.CheckNodes("materials", materials.Count + 1);
                materials.Add(new Material { Name = Encoding.UTF8.GetString(line.Trim(" \t"u8)) });
            }
            if (materials.Count == 0) continue;
            Material material = materials[^1];
            if (word.SequenceEqual("Kd"u8) && Colour(ref line) is { } diffuse)
                materials[^1] = material with { BaseColour = Vector3.Clamp(diffuse, Vector3.Zero, Vector3.One) };
            // Blinn and Phong's exponent n as a roughness: α = √(2 / (n + 2)), α = roughness² (Walter et al. 2007).
            else if (word.SequenceEqual("Ns"u8) && TextScanner.TryReadNumber(ref line, out float exponent) && exponent >= 0)
                materials[^1] = material with { Roughness = MathF.Sqrt(MathF.Sqrt(2 / (exponent + 2))) };
            else if (word.SequenceEqual("map_Kd"u8))
            {
                string name = FileName(line);
                Texture texture = textures.Get(name, TextureWrap.Repeat, TextureWrap.Repeat, () => resources.Read(name, budget));
                // Exporters often write Kd 0 0 0 or a grey beside a map; viewers let the map decide.
                materials[^1] = material with { Pattern = texture, BaseColour = Vector3.One };
            }
        }
        return [.. materials.Select(material => material.Pattern is null ? material : material with { BaseColour = Vector3.One })];
    }

    private static Vector3? Colour(ref ReadOnlySpan<byte> line)
    {
        if (!TextScanner.TryReadNumber(ref line, out float red)) return null;
        bool isFull = TextScanner.TryReadNumber(ref line, out float green) & TextScanner.TryReadNumber(ref line, out float blue);
        var colour = isFull ? new Vector3(red, green, blue) : new Vector3(red);
        return float.IsFinite(colour.X + colour.Y + colour.Z) ? colour : null;
    }

    // "-s 1 1 1 -clamp on name with blanks.png": options begin with a dash, and their values are numbers, on or off.
    private static string FileName(ReadOnlySpan<byte> line)
    {
        string[] words = Encoding.UTF8.GetString(line).Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries);
        int first = 0;
        while (first < words.Length - 1 && words[first].StartsWith('-'))
        {
            first++;
            while (first < words.Length - 1 && (words[first] is "on" or "off" || float.TryParse(words[first], out _))) first++;
        }
        return string.Join(' ', words[first..]);
    }
}
