using System.Net;
using System.Net.Sockets;
using CorrMesh.Hosting.Options;
using CorrMesh.Hosting.Supervision;
using Microsoft.Extensions.Configuration;
using Xunit;

namespace CorrMesh.Hosting.Tests.Supervision;

public sealed class MeshSupervisorTests
{
    [Theory]
    [InlineData("--features-replicas=0", "--features-replicas: 1 to 32 allowed, 0 given")]
    [InlineData("--features-replicas=33", "--features-replicas: 1 to 32 allowed, 33 given")]
    [InlineData("--target=features", "--target: not with `mesh`")]
    [InlineData("--set=CorrMesh:Listen:Address=nowhere", "CorrMesh:Listen:Address: an IP address or localhost needed")]
    [InlineData("--set=CorrMesh:Drain:Limit=never", "CorrMesh:Drain:Limit")]
    public async Task Run_WrongArguments_SaysWhatIsWrongAndReturnsTwo(string argument, string expected)
    {
        var error = new StringWriter();
        Assert.Equal(2, await MeshSupervisor.RunAsync([argument], ["false"], TextWriter.Null, error, TestContext.Current.CancellationToken));
        Assert.Contains(expected, error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_SeveralReplicasInOneProcess_IsRefused()
    {
        var error = new StringWriter();
        Assert.Equal(2, await MeshHost.RunAsync(["--features-replicas=3"], [new FakeModule()], TextWriter.Null, error, TestContext.Current.CancellationToken));
        Assert.Contains("--features-replicas: 1 allowed in one process, 3 given", error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_PortTaken_SaysSoAndStartsNothing()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var error = new StringWriter();
        string port = $"{((IPEndPoint)taken.LocalEndpoint).Port}";
        Assert.Equal(1, await MeshSupervisor.RunAsync(["--http-port", port, "--grpc-port=0", "--port-base=0", "--redis=127.0.0.1:1"], ["false"], TextWriter.Null, error, TestContext.Current.CancellationToken));
        Assert.Contains($"port {port} of 127.0.0.1", error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Specs_ThreeReplicas_HaveTheirPortsThreadsAndAddresses()
    {
        ChildSpec[] specs = Plan("--features-replicas=3", "--threads=7", "--redis=10.0.0.7:6379");
        Assert.Equal(["features-0", "features-1", "features-2", "matching", "training", "pose", "gateway"], specs.Select(spec => spec.Name));
        Assert.All(specs, spec => Assert.Equal("http://127.0.0.1:5101,http://127.0.0.1:5111,http://127.0.0.1:5121", Setting(spec, "CorrMesh:Services:features")));
        Assert.All(specs, spec => Assert.Equal("http://127.0.0.1:5102", Setting(spec, "CorrMesh:Services:matching")));
        Assert.All(specs, spec => Assert.Equal("true", Setting(spec, "CorrMesh:Process:Supervised")));
        Assert.Equal(["5100", "5110", "5120", "5100", "5100", "5100", "5100"], specs.Select(spec => Setting(spec, "CorrMesh:Listen:PortBase")));
        Assert.Equal(["--target=features", "--target=features", "--target=features", "--target=matching", "--target=training", "--target=pose", "--target=gateway"], specs.Select(spec => spec.Command[1]));
        Assert.Equal("2", Setting(specs[0], "CorrMesh:Features:Threads"));
        Assert.Equal("10.0.0.7:6379", Setting(specs[0], "CorrMesh:Redis:Address"));
        Assert.Equal((null, "00:00:01"), (Setting(specs[0], "CorrMesh:Drain:Notice"), Setting(specs[^1], "CorrMesh:Drain:Notice")));
    }

    [Fact]
    public void Specs_ThirtyTwoReplicas_ShareNoPort()
    {
        string[] ports = [.. Plan("--features-replicas=32", "--redis=10.0.0.7:6379").SelectMany(spec => spec.Where.Split(' ')).Where(word => word.StartsWith("http://", StringComparison.Ordinal)), "http://127.0.0.1:5479"];
        Assert.Equal(2 * (32 + MeshTopology.Services.Count - 1) + 1, ports.Length);
        Assert.Distinct(ports);
    }

    [Fact]
    public void Specs_GatewayBeyondLoopback_LeavesTheRestOnLoopback()
    {
        ChildSpec[] specs = Plan("--set=CorrMesh:Listen:Address=0.0.0.0", "--set=CorrMesh:Listen:Insecure=true", "--redis=10.0.0.7:6379");
        Assert.Equal([.. Enumerable.Repeat("127.0.0.1", MeshTopology.Services.Count - 1), "0.0.0.0"], specs.Select(spec => Setting(spec, "CorrMesh:Listen:Address")));
    }

    // Goal: the password of the mesh's own Redis is for the processes that use it. Method: it is in two files and in no command line.
    [Fact]
    public void Specs_OwnRedis_HasABoundAndAPasswordThatNoCommandLineShows()
    {
        string secrets = Directory.CreateTempSubdirectory("corrmesh-secrets-").FullName;
        try
        {
            ChildSpec[] specs = Plan(secrets);
            string password = File.ReadAllText(Path.Combine(secrets, "password")), configuration = File.ReadAllText(Path.Combine(secrets, "redis.conf"));
            Assert.True(password.Length >= 32);
            Assert.All([$"requirepass {password}", "bind 127.0.0.1", "port 5479", "save \"\"", "maxmemory 512mb", "maxmemory-policy allkeys-lru"], line => Assert.Contains(line, configuration, StringComparison.Ordinal));
            Assert.All(specs, spec => Assert.DoesNotContain(spec.Command, argument => argument.Contains(password, StringComparison.Ordinal)));
            Assert.Equal("127.0.0.1:5479", Setting(specs[1], "CorrMesh:Redis:Address"));
            Assert.Equal(Path.Combine(secrets, "password"), Setting(specs[1], "CorrMesh:Redis:PasswordFile"));
            Assert.All(specs[2..], spec => Assert.Null(Setting(spec, "CorrMesh:Redis:PasswordFile")));
        }
        finally
        {
            Directory.Delete(secrets, recursive: true);
        }
    }

    // Goal: a replacement takes new connections over before the one it replaces has gone. Method: two sockets on one port, and who gets whom.
    [Fact]
    public async Task SharedPort_SecondSocket_TakesNewConnections()
    {
        using Socket first = SharedPort.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        await AcceptedByAsync(first, first);
        using Socket second = SharedPort.Bind(first.LocalEndPoint!);
        for (int i = 0; i < 20; i++) await AcceptedByAsync(second, first);
        first.Dispose();
        await AcceptedByAsync(second, second);
    }

    // Goal: a port that is held for a process to come is in nobody's way. Method: it refuses connections until it is listened on, and again after.
    [Fact]
    public async Task SharedPort_Held_TakesNoConnectionAndCanBeListenedOn()
    {
        using Socket held = SharedPort.Hold(new IPEndPoint(IPAddress.Loopback, 0));
        await RefusedAsync();
        using (Socket listening = SharedPort.Bind(held.LocalEndPoint!))
            for (int i = 0; i < 20; i++) await AcceptedByAsync(listening, held);
        await RefusedAsync();

        async Task RefusedAsync()
        {
            using var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            SocketException refused = await Assert.ThrowsAsync<SocketException>(() => client.ConnectAsync(held.LocalEndPoint!, TestContext.Current.CancellationToken).AsTask());
            Assert.Equal(SocketError.ConnectionRefused, refused.SocketErrorCode);
        }
    }

    private static async Task AcceptedByAsync(Socket expected, Socket address)
    {
        using var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await client.ConnectAsync(address.LocalEndPoint!, TestContext.Current.CancellationToken);
        using Socket accepted = await expected.AcceptAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        Assert.Equal(client.LocalEndPoint, accepted.RemoteEndPoint);
    }

    [Theory]
    [InlineData("gateway.http=http://127.0.0.1:8080 gateway.grpc=http://127.0.0.1:8081")]
    [InlineData("gateway.http=https://127.0.0.1:8080 gateway.grpc=https://127.0.0.1:8081", "--set", "CorrMesh:Tls:Certificate=mesh.pem")]
    [InlineData("gateway.http=http://127.0.0.1:8080 gateway.grpc=http://127.0.0.1:8081", "--set", "CorrMesh:Listen:Address=0.0.0.0")]
    [InlineData("gateway.http=http://[::1]:8080 gateway.grpc=http://[::1]:8081", "--set", "CorrMesh:Listen:Address=::1")]
    public void ReadyLine_Always_NamesAddressesThatCanBeCalled(string gateway, params string[] args)
    {
        string line = PlanOf(args).ReadyLine;

        Assert.EndsWith(gateway, line, StringComparison.Ordinal);
        Assert.Contains("features-0.http=http://127.0.0.1:6101 ", line, StringComparison.Ordinal);
    }

    private static ChildSpec[] Plan(params string[] args)
    {
        string secrets = args is [{ } first, ..] && first.StartsWith('/') ? first : "";
        return [.. PlanOf([.. args.Where(argument => !argument.StartsWith('/'))]).Specs(secrets)];
    }

    private static MeshPlan PlanOf(string[] args)
    {
        MeshArguments arguments = MeshArguments.Parse(args, ["features"]);
        Assert.Empty(arguments.Faults);
        IConfigurationRoot configuration = new ConfigurationBuilder().AddInMemoryCollection(arguments.Settings).Build();
        ListenOptions listen = configuration.GetSection(ListenOptions.Section).Get<ListenOptions>() ?? new ListenOptions();
        return new MeshPlan(["host"], arguments, configuration, listen, new MeshPorts(8080, 8081, 5100));
    }

    private static string? Setting(ChildSpec spec, string key) => spec.Command.LastOrDefault(argument => argument.StartsWith(key + "=", StringComparison.OrdinalIgnoreCase))?.Split('=', 2)[1];
}
