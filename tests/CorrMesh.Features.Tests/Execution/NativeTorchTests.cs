using CorrMesh.Features.Execution;
using CorrMesh.Features.Tests.Support;
using Xunit;

namespace CorrMesh.Features.Tests.Execution;

public sealed class NativeTorchTests : IDisposable
{
    private readonly TestData data = new();

    public void Dispose() => data.Dispose();

    [Fact]
    public void Probe_EmptyFolder_NamesTheFirstMissingLibrary()
    {
        (string reason, string advice) = NativeTorch.Probe(data.Root)!.Value;
        Assert.Equal($"{data.PathOf("libc10.so")} is missing", reason);
        Assert.Contains("libtorch-cpu-linux-x64", advice, StringComparison.Ordinal);
    }

    [Fact]
    public void Probe_DamagedLibrary_GivesTheLoadersOwnWords()
    {
        data.WriteFile("libc10.so", new string('x', 5000));
        (string reason, string advice) = NativeTorch.Probe(data.Root)!.Value;
        Assert.Contains("libc10.so", reason, StringComparison.Ordinal);
        Assert.Contains("ELF", reason, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', reason);
        Assert.NotEmpty(advice);
    }

    [Fact]
    public void Probe_TheProgramsOwnFolder_FindsNothingWrong() => Assert.Null(NativeTorch.Probe(AppContext.BaseDirectory));

    [Fact]
    public void Diagnose_OtherExceptions_AreNotExplained() => Assert.Null(NativeTorch.Diagnose(new InvalidDataException("damaged")));

    [Fact]
    public void Diagnose_NativeFailureInside_IsExplained() =>
        Assert.NotNull(NativeTorch.Diagnose(new InvalidOperationException("outer", new TypeInitializationException("torch", new DllNotFoundException("LibTorchSharp")))));
}
