using System.Buffers.Binary;
using System.Text;

namespace CorrMesh.Gateway.Http;

/// <summary>NumPy's file format, version 1.0 (numpy.lib.format): what `numpy.load` reads.</summary>
internal static class Npy
{
    private const int Alignment = 64;

    /// <summary>The header of a little-endian float32 array in C order; the values follow it.</summary>
    /// <param name="shape">Sizes of the axes.</param>
    public static byte[] Float32Header(IReadOnlyList<uint> shape)
    {
        // A tuple of one needs its comma.
        string axes = string.Join(", ", shape) + (shape.Count == 1 ? "," : "");
        string dictionary = $"{{'descr': '<f4', 'fortran_order': False, 'shape': ({axes}), }}";
        // Magic, two version bytes, two length bytes, the dictionary, spaces, a line feed: a multiple of 64 together.
        int used = 6 + 2 + 2 + dictionary.Length + 1;
        int padding = (Alignment - used % Alignment) % Alignment;
        byte[] header = new byte[used + padding];
        header[0] = 0x93;
        "NUMPY"u8.CopyTo(header.AsSpan(1));
        header[6] = 1;
        BinaryPrimitives.WriteUInt16LittleEndian(header.AsSpan(8), (ushort)(header.Length - 10));
        Encoding.ASCII.GetBytes(dictionary + new string(' ', padding) + '\n', header.AsSpan(10));
        return header;
    }
}
