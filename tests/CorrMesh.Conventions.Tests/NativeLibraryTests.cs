using System.Buffers.Binary;
using System.Text;
using Xunit;

namespace CorrMesh.Conventions.Tests;

public sealed class NativeLibraryTests
{
    private const ushort Weak = 2;   // VER_FLG_WEAK

    // Goal: the library must load on Debian 12, whose C++ runtime ends at GLIBCXX_3.4.30, as well as on Debian 13. Method: read the
    // version needs of the built file as the loader does (ELF section .gnu.version_r): newer versions may only be asked for weakly.
    [Fact]
    public void BuiltTorchSharpLibrary_NewerCppRuntimeVersions_AreAskedForWeakly()
    {
        var needs = VersionNeeds(File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "libLibTorchSharp.so")));

        Assert.Contains(("GLIBCXX_3.4.32", Weak), needs);
        Assert.All(needs.Where(need => need.Flags != Weak), need => Assert.True(IsInDebian12(need.Name), need.Name));
    }

    private static bool IsInDebian12(string version)
    {
        (string prefix, Version newest) = version switch
        {
            _ when version.StartsWith("GLIBCXX_", StringComparison.Ordinal) => ("GLIBCXX_", new Version(3, 4, 30)),
            _ when version.StartsWith("GLIBC_", StringComparison.Ordinal) => ("GLIBC_", new Version(2, 36)),
            _ when version.StartsWith("CXXABI_", StringComparison.Ordinal) => ("CXXABI_", new Version(1, 3, 13)),
            _ => ("", new Version(0, 0)),
        };
        return prefix.Length == 0 || (Version.TryParse(version[prefix.Length..], out Version? asked) && asked <= newest);
    }

    /// <summary>Symbol versions that a 64-bit little-endian ELF file needs, with their flags.</summary>
    private static List<(string Name, ushort Flags)> VersionNeeds(byte[] file)
    {
        ReadOnlySpan<byte> elf = file;
        long table = BinaryPrimitives.ReadInt64LittleEndian(elf[0x28..]);
        int size = BinaryPrimitives.ReadUInt16LittleEndian(elf[0x3a..]), count = BinaryPrimitives.ReadUInt16LittleEndian(elf[0x3c..]);
        for (int i = 0; i < count; i++)
        {
            ReadOnlySpan<byte> section = elf[(int)(table + (long)i * size)..];
            if (BinaryPrimitives.ReadUInt32LittleEndian(section[4..]) != 0x6ffffffe) continue;   // SHT_GNU_verneed
            int strings = BinaryPrimitives.ReadInt32LittleEndian(section[0x28..]);
            int names = (int)BinaryPrimitives.ReadInt64LittleEndian(elf[(int)(table + (long)strings * size + 0x18)..]);
            return Chain(elf, (int)BinaryPrimitives.ReadInt64LittleEndian(section[0x18..]), names);
        }

        return [];
    }

    // Elf64_Verneed { version, cnt: u16; file, aux, next: u32 }, each with a chain of Elf64_Vernaux { hash: u32; flags, other: u16; name, next: u32 }.
    private static List<(string Name, ushort Flags)> Chain(ReadOnlySpan<byte> elf, int need, int names)
    {
        var found = new List<(string, ushort)>();
        while (true)
        {
            for (int aux = need + Int(elf, need + 8); ; aux += Int(elf, aux + 12))
            {
                ReadOnlySpan<byte> name = elf[(names + Int(elf, aux + 8))..];
                found.Add((Encoding.ASCII.GetString(name[..name.IndexOf((byte)0)]), BinaryPrimitives.ReadUInt16LittleEndian(elf[(aux + 4)..])));
                if (Int(elf, aux + 12) == 0) break;
            }

            if (Int(elf, need + 12) == 0) return found;
            need += Int(elf, need + 12);
        }
    }

    private static int Int(ReadOnlySpan<byte> elf, int at) => BinaryPrimitives.ReadInt32LittleEndian(elf[at..]);
}
