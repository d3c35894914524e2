using CorrMesh.Gateway.Proxy;
using CorrMesh.Hosting;
using Xunit;
using YamlDotNet.Core;
using YamlDotNet.Serialization;

namespace CorrMesh.Conventions.Tests;

/// <summary>Services, targets and ports are said in four places; the host's table decides.</summary>
public sealed class TopologyTests
{
    public static TheoryData<string> Services => [.. MeshTopology.Services.Select(service => service.Name)];

    [Fact]
    public void Compose_Services_AreThoseOfTheTable() => Assert.Equal(Names, Compose.Keys.Order(StringComparer.Ordinal));

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
        Assert.Equal(["CMD", "/app/check", $"{expected.HttpPort}"], List(Map(service["healthcheck"])["test"]));
        Assert.Equal(expected.Needs.Order(StringComparer.Ordinal), service.TryGetValue("depends_on", out object? needs) ? Map(needs).Keys.Order(StringComparer.Ordinal) : []);
        // Loopback is all that the host listens on, and it is one only where the network is shared.
        Assert.Equal("host", service["network_mode"]);
        Assert.True(File.Exists(Repository.PathOf((string)Map(service["build"])["dockerfile"])));
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
