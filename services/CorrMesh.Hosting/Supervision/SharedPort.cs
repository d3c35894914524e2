using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace CorrMesh.Hosting.Supervision;

/// <summary>Ports that a process and its replacement listen on side by side (SO_REUSEPORT).</summary>
/// <remarks>
/// The kernel would deal new connections out to both, and reset those that the older one has not accepted when it closes. So each
/// group of sockets carries a program of one instruction: new connections go to the second socket, the replacement's, as soon as there is
/// one. With a single socket the program's answer is out of range, and the kernel takes the one there is.
/// </remarks>
internal static class SharedPort
{
    // Linux, asm-generic/socket.h and linux/filter.h.
    private const int SolSocket = 1, SoReusePort = 15, SoAttachReusePortCbpf = 51;
    private const ushort BpfReturnConstant = 0x06;

    // Kestrel sets its own when it takes over.
    private const int Backlog = 512;

    /// <summary>A bound socket for Kestrel to accept from.</summary>
    public static Socket Bind(EndPoint endpoint)
    {
        var socket = Hold(endpoint);
        try
        {
            // Not before it listens: a socket that has a program of its own may not join others on a port.
            socket.Listen(Backlog);
            PreferTheSecond(socket);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>A socket that takes no connection: while it is there, the system gives the port to nobody who asks for any free one, and <see cref="Bind"/> still does.</summary>
    public static Socket Hold(EndPoint endpoint)
    {
        var socket = new Socket(endpoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            if (endpoint is IPEndPoint ip && ip.Address.Equals(IPAddress.IPv6Any)) socket.DualMode = true;
            socket.SetRawSocketOption(SolSocket, SoReusePort, BitConverter.GetBytes(1));
            socket.Bind(endpoint);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    // The socket's share of the setting: `struct sock_fprog { unsigned short len; struct sock_filter *filter; }`.
    private static unsafe void PreferTheSecond(Socket socket)
    {
        var instruction = new SocketFilter { Code = BpfReturnConstant, Value = 1 };
        var program = new SocketProgram { Length = 1, Filter = &instruction };
        socket.SetRawSocketOption(SolSocket, SoAttachReusePortCbpf, MemoryMarshal.AsBytes(new ReadOnlySpan<SocketProgram>(ref program)));
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct SocketFilter
    {
        public ushort Code;
        public byte JumpTrue;
        public byte JumpFalse;
        public uint Value;
    }

    [StructLayout(LayoutKind.Sequential)]
    private unsafe struct SocketProgram
    {
        public ushort Length;
        public SocketFilter* Filter;
    }
}
