using Xunit;

namespace CorrMesh.Hosting.Tests;

public sealed class MeshHostTests
{
    [Fact]
    public async Task Run_StoppedAfterReady_PrintsTheAddressesAndReturnsZero()
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        var output = new ReadyWriter(stop);

        int code = await MeshHost.RunAsync(["--port-base", "0", "--target=features"], [new FakeModule()], output, TextWriter.Null, stop.Token);

        Assert.Equal(0, code);
        Assert.Matches(@"^ready features\.http=http://127\.0\.0\.1:[1-9]\d+ features\.grpc=http://127\.0\.0\.1:[1-9]\d+ features\.admin=http://127\.0\.0\.1:[1-9]\d+\n$", output.ToString());
    }

    [Theory]
    [InlineData("--target=pose", "--target: all, features allowed, 'pose' given")]
    [InlineData("--http-port", "--http-port: a value (N) needed, none given")]
    [InlineData("--http-port=eighty", "--http-port: a whole number needed, 'eighty' given")]
    [InlineData("--verbose", "--verbose: no such option")]
    [InlineData("--set=Path=/", "--set: CorrMesh:Section:Key=VALUE or Logging:...=VALUE needed, 'Path=/' given")]
    [InlineData("--set=CorrMesh:Limits:Points=0", "CorrMesh:Limits:Points: ")]
    public async Task Run_WrongArguments_SaysWhatIsWrongAndReturnsTwo(string argument, string expected)
    {
        var error = new StringWriter();

        int code = await MeshHost.RunAsync([argument], [new FakeModule()], TextWriter.Null, error, TestContext.Current.CancellationToken);

        Assert.Equal(2, code);
        Assert.Contains(expected, error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_SeveralWrongArguments_AllAreReported()
    {
        var error = new StringWriter();

        await MeshHost.RunAsync(["--x", "--y", "--grpc-port=z"], [new FakeModule()], TextWriter.Null, error, TestContext.Current.CancellationToken);

        Assert.All(["--x: ", "--y: ", "--grpc-port: "], fault => Assert.Contains(fault, error.ToString(), StringComparison.Ordinal));
    }

    [Fact]
    public async Task Run_Help_ListsEveryOptionOfDeployRun()
    {
        var output = new StringWriter();

        int code = await MeshHost.RunAsync(["--help"], [new FakeModule()], output, TextWriter.Null, TestContext.Current.CancellationToken);

        Assert.Equal(0, code);
        Assert.All(["--http-port N", "--grpc-port N", "--data DIR", "--threads N", "--help"], option => Assert.Contains(option, output.ToString(), StringComparison.Ordinal));
    }

    [Fact]
    public async Task Run_ModuleCannotStart_SaysWhyAndReturnsOne()
    {
        var error = new StringWriter();
        var module = new FakeModule { OnAddServices = _ => throw new InvalidDataException("weights: cut short") };

        int code = await MeshHost.RunAsync(["--port-base=0"], [module], TextWriter.Null, error, TestContext.Current.CancellationToken);

        Assert.Equal(1, code);
        Assert.Equal("cannot start: weights: cut short\n", error.ToString());
    }

    [Fact]
    public async Task Run_PortTaken_SaysSoAndReturnsOne()
    {
        await using var first = await new FakeModule().StartAsync();
        int taken = first.Endpoints[0].Grpc.Port;
        var error = new StringWriter();

        int code = await MeshHost.RunAsync([$"--port-base={taken - 1}"], [new FakeModule()], TextWriter.Null, error, TestContext.Current.CancellationToken);

        Assert.Equal(1, code);
        Assert.Contains($"{taken}", error.ToString(), StringComparison.Ordinal);
    }

    private sealed class ReadyWriter(CancellationTokenSource stop) : StringWriter
    {
        public override async Task WriteLineAsync(string? value)
        {
            await base.WriteLineAsync(value);
            await stop.CancelAsync();
        }
    }
}
