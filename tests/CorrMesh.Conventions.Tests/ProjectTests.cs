using System.Text.Json;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using CorrMesh.Hosting;
using Xunit;

namespace CorrMesh.Conventions.Tests;

public sealed partial class ProjectTests
{
    private static readonly string[] Modules = [.. MeshTopology.Services.Select(service => $"CorrMesh.{char.ToUpperInvariant(service.Name[0])}{service.Name[1..]}")];

    [Fact]
    public void Modules_OfTheTopology_HaveAProjectEach() => Assert.All(Modules, module => Assert.Contains(module, ProjectGraph.All.Keys));

    [Fact]
    public void Modules_AllTheyReference_HoldsNoOtherModule() =>
        Assert.All(Modules, module => Assert.DoesNotContain(ProjectGraph.Closure(module), other => other.Name != module && Modules.Contains(other.Name)));

    [Theory]
    [InlineData("CorrMesh.Hosting")]
    [InlineData("CorrMesh.Protos")]
    [InlineData("CorrMesh.Gateway")]
    [InlineData("CorrMesh.Gateway.Host")]
    [InlineData("CorrMesh.Matching")]
    [InlineData("CorrMesh.Pose")]
    public void Slim_AllTheyReference_HoldsNoTorch(string name)
    {
        foreach (Project project in ProjectGraph.Closure(name))
        {
            Assert.NotEqual("CorrMesh.Vision", project.Name);
            Assert.DoesNotContain(project.Packages, package => IsTorch(package.Attribute("Include")!.Value));
        }
    }

    [Fact]
    public void Torch_IsReferenced_ByVisionAlone() =>
        Assert.Equal(["CorrMesh.Vision"], ProjectGraph.All.Values.Where(project => project.Packages.Any(package => IsTorch(package.Attribute("Include")!.Value))).Select(project => project.Name));

    [Fact]
    public void Product_NeverReferences_Tests() =>
        Assert.All(
            ProjectGraph.All.Values.Where(project => !project.File.StartsWith("tests/", StringComparison.Ordinal)),
            project => Assert.DoesNotContain(ProjectGraph.Closure(project.Name), other => other.File.StartsWith("tests/", StringComparison.Ordinal)));

    [Fact]
    public void Solution_Lists_EveryProject()
    {
        string[] listed = [.. SolutionProject().Matches(Repository.Read("Mesh.sln")).Select(match => match.Groups[1].Value.Replace('\\', '/')).Order(StringComparer.Ordinal)];
        Assert.Equal(ProjectGraph.All.Values.Select(project => project.File).Order(StringComparer.Ordinal), listed);
    }

    [Fact]
    public void Packages_Versions_AreCentral()
    {
        var central = XDocument.Load(Repository.PathOf("Directory.Packages.props")).Descendants("PackageVersion").Select(package => package.Attribute("Include")!.Value).ToHashSet();
        Assert.All(ProjectGraph.All.Values.SelectMany(project => project.Packages), package =>
        {
            Assert.Contains(package.Attribute("Include")!.Value, central);
            Assert.Null(package.Attribute("Version") ?? package.Attribute("VersionOverride"));
        });
    }

    // Goal: the switch to CUDA must hold although its packages are too large to restore here. Method: the build evaluates the
    // project with the switch and prints its references.
    [Theory]
    [InlineData("cuda", "TorchSharp-cuda-linux")]
    [InlineData("cpu", "TorchSharp,libtorch-cpu-linux-x64")]
    public void TorchBackend_Switched_ReferencesItsPackagesOnly(string backend, string expected)
    {
        (int code, string output, string error) = Repository.Run(
            "dotnet", "msbuild", "services/CorrMesh.Vision/CorrMesh.Vision.csproj", $"-p:TorchBackend={backend}", "-getItem:PackageReference", "-nologo");
        Assert.True(code == 0, output + error);
        using JsonDocument document = JsonDocument.Parse(output);
        var names = document.RootElement.GetProperty("Items").GetProperty("PackageReference").EnumerateArray().Select(item => item.GetProperty("Identity").GetString()!);
        Assert.Equal(expected.Split(',').Order(StringComparer.Ordinal), names.Where(IsTorch).Order(StringComparer.Ordinal));
    }

    private static bool IsTorch(string package) => package.Contains("torch", StringComparison.OrdinalIgnoreCase);

    [GeneratedRegex(@"""([^""]+\.csproj)""")]
    private static partial Regex SolutionProject();
}
