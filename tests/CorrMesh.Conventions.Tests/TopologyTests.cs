using CorrMesh.Gateway.Proxy;
using CorrMesh.Hosting;
using CorrMesh.Hosting.Health;
using Xunit;
using YamlDotNet.Core;
using YamlDotNet.Serialization;

namespace CorrMesh.Conventions.Tests;

/// <summary>Services, targets and ports are said in four places; the host's table decides.</summary>
public sealed class TopologyTests
{
    public static TheoryData<string> Services => [.. MeshTopology.Services.Select(service => service.Name)];

    [Fact]
    public void Compose_Services_AreThoseOfTheTableAndRedis() => Assert.Equal(Names.Append("redis").Order(StringComparer.Ordinal), Compose.Keys.Order(StringComparer.Ordinal));

    [Fact]
    public void Tye_Services_AreThoseOfTheTable() => Assert.Equal(Names, Tye.Keys.Order(StringComparer.Ordinal));

    [Theory]
    [MemberData(nameof(Services))]
    public void Compose_Service_HasTheTablesTargetPortsAndNeeds(string name)
    {
        MeshService expected = MeshTopology.Get(name);
        var service = Compose[name];
        Assert.Contains($"--target={name}", List(service["command"]));
        Assert.Equal([$"{expected.GrpcPort}", $"{expected.HttpPort}"], List(service["expose"]));
        // What an image holds is named in the Dockerfile's stage; each program checks its own health.
        var build = Map(service["build"]);
        string stage = Stage((string)build["target"]), program = name == MeshTopology.Gateway ? "CorrMesh.Gateway.Host.dll" : "CorrMesh.Host.dll";
        Assert.Contains($"""ENTRYPOINT ["dotnet", "{program}"]""", stage, StringComparison.Ordinal);
        Assert.Equal(["CMD", "dotnet", program, HealthCheck.Command, $"{expected.HttpPort}"], List(Map(service["healthcheck"])["test"]));
        IEnumerable<string> needs = service.TryGetValue("depends_on", out object? value) ? Map(value).Keys.Except(["redis"]) : [];
        Assert.Equal(expected.Needs.Order(StringComparer.Ordinal), needs.Order(StringComparer.Ordinal));
        var environment = Map(service["environment"]);
        foreach (MeshService other in MeshTopology.Services.Where(other => other.Contracts.Count > 0))
            Assert.Equal($"http://{other.Name}:{other.GrpcPort}", environment[$"CorrMesh__Services__{other.Name}"]);
    }

    // Goal: nothing in a container can do more than serve, and only the gateway is reached from outside, from this machine alone.
    [Fact]
    public void Compose_EveryService_IsHardenedAndOnlyTheGatewayPublished()
    {
        Assert.All(Compose, entry =>
        {
            Assert.Equal("true", entry.Value["read_only"]);
            Assert.Equal(["ALL"], List(entry.Value["cap_drop"]));
            Assert.Equal(["mesh"], List(entry.Value["networks"]));
            Assert.True(entry.Value.ContainsKey("healthcheck"));
            Assert.Equal(entry.Key == MeshTopology.Gateway, entry.Value.ContainsKey("ports"));
        });
        Assert.All(List(Compose[MeshTopology.Gateway]["ports"]), port => Assert.StartsWith("127.0.0.1:", port, StringComparison.Ordinal));
        Assert.All(["all", "gateway"], target => Assert.Contains("USER $APP_UID", Stage(target), StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Services))]
    public void Tye_Service_HasTheTablesTargetAndPorts(string name)
    {
        MeshService expected = MeshTopology.Get(name);
        var service = Tye[name];
        Assert.Equal($"--target={name}", service["args"]);
        var ports = ((List<object>)service["bindings"]).Select(Map).ToDictionary(binding => (string)binding["name"], binding => (string)binding["port"]);
        Assert.Equal(new Dictionary<string, string> { ["grpc"] = $"{expected.GrpcPort}", ["http"] = $"{expected.HttpPort}" }, ports);
        Assert.Contains(ProjectGraph.All.Values, project => project.File == (string)service["project"]);
    }

    [Fact]
    public void GatewayRoutes_Contracts_GoToTheServiceThatHasThem()
    {
        var expected = MeshTopology.Services.SelectMany(service => service.Contracts, (service, contract) => (Path: $"/{contract.FullName}/{{method}}", Service: service.Name));
        Assert.Equal(expected, GrpcProxy.Routes);
    }

    // The lines of one stage of the Dockerfile.
    private static string Stage(string target)
    {
        string text = Repository.Read("deploy/Dockerfile");
        int from = text.IndexOf($" AS {target}\n", StringComparison.Ordinal), to = text.IndexOf("\nFROM ", from + 1, StringComparison.Ordinal);
        Assert.True(from >= 0, target);
        return to < 0 ? text[from..] : text[from..to];
    }

    private static IEnumerable<string> Names => MeshTopology.Services.Select(service => service.Name).Order(StringComparer.Ordinal);

    private static Dictionary<string, Dictionary<string, object>> Compose =>
        Map(Yaml("docker-compose.yml")["services"]).ToDictionary(entry => entry.Key, entry => Map(entry.Value));

    private static Dictionary<string, Dictionary<string, object>> Tye =>
        ((List<object>)Yaml("tye.yaml")["services"]).Select(Map).ToDictionary(service => (string)service["name"]);

    private static Dictionary<string, object> Yaml(string file)
    {
        using var reader = new StringReader(Repository.Read(file));
        return new DeserializerBuilder().Build().Deserialize<Dictionary<string, object>>(new MergingParser(new Parser(reader)));
    }

    private static Dictionary<string, object> Map(object node) => ((Dictionary<object, object>)node).ToDictionary(entry => (string)entry.Key, entry => entry.Value);

    private static IEnumerable<string> List(object node) => ((List<object>)node).Cast<string>();
}
