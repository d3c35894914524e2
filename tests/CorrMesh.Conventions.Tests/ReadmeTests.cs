using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Reflection;
using System.Text.RegularExpressions;
using CorrMesh.Features;
using CorrMesh.Gateway;
using CorrMesh.Hosting.Options;
using CorrMesh.Pose;
using CorrMesh.Training;
using Xunit;

namespace CorrMesh.Conventions.Tests;

/// <summary>What README names exists, and what can be configured stands in it.</summary>
public sealed partial class ReadmeTests
{
    private static readonly Assembly[] WithOptions = [typeof(MeshLimits).Assembly, typeof(FeatureOptions).Assembly, typeof(GatewayOptions).Assembly, typeof(TrainingOptions).Assembly, typeof(PoseOptions).Assembly];

    public static TheoryData<string> Options =>
        [.. from assembly in WithOptions from type in assembly.GetTypes() where Section(type) is not null from property in Settable(type) select $"{Section(type)}:{property.Name}"];

    [Fact]
    public void Links_Local_LeadToFiles()
    {
        string[] links = [.. Link().Matches(Repository.Read("README.md")).Select(match => match.Groups[1].Value).Where(link => !link.Contains("://", StringComparison.Ordinal) && link[0] != '#')];
        Assert.NotEmpty(links);
        Assert.All(links, link => Assert.True(Path.Exists(Repository.PathOf(link.Split('#')[0])), link));
    }

    [Fact]
    public void Commands_FilesOfTheRepository_AreThere()
    {
        string[] files = [.. CodeBlock().Matches(Repository.Read("README.md")).SelectMany(block => RepositoryPath().Matches(block.Groups[1].Value)).Select(match => match.Groups[1].Value.TrimEnd('.')).Distinct()];
        Assert.Contains("deploy/run", files);
        Assert.All(files, file => Assert.True(Path.Exists(Repository.PathOf(file)), file));
    }

    // Goal: an option that exists is one that a reader finds, with what it is unless set and what it may be. Method: reflection over
    // every options class; its row in README's table must hold the default and both bounds as one would type them.
    [Theory]
    [MemberData(nameof(Options))]
    public void ConfigurationTable_Option_StandsWithDefaultAndRange(string key)
    {
        (Type type, PropertyInfo property) = WithOptions.SelectMany(assembly => assembly.GetTypes()).Where(type => Section(type) is not null)
            .SelectMany(Settable, (type, property) => (type, property)).Single(pair => $"{Section(pair.type)}:{pair.property.Name}" == key);
        string row = Assert.Single(Repository.Read("README.md").Split('\n'), line => line.StartsWith($"| `{key}` |", StringComparison.Ordinal));
        string[] cells = [.. row.Split('|').Select(cell => cell.Trim())];
        string unlessSet = Typed(property.GetValue(Activator.CreateInstance(type)));
        Assert.Equal(unlessSet.Length > 0 ? $"`{unlessSet}`" : "", cells[2]);
        if (property.GetCustomAttribute<RangeAttribute>() is { } range) Assert.Equal($"{Typed(range.Minimum)} to {Typed(range.Maximum)}", cells[3]);
        Assert.NotEmpty(cells[4]);
    }

    private static string? Section(Type type) => type is { IsPublic: true, IsAbstract: false }
        ? type.GetField("Section")?.GetRawConstantValue() as string
        : null;

    // What is worked out from other options is none.
    private static IEnumerable<PropertyInfo> Settable(Type type) => type.GetProperties().Where(property => property.CanWrite);

    private static string Typed(object? value) => value is TimeSpan time
        ? time.ToString(@"hh\:mm\:ss\.FFFFFFF", CultureInfo.InvariantCulture).TrimEnd('.')
        : Convert.ToString(value, CultureInfo.InvariantCulture)!;

    [GeneratedRegex(@"\]\(([^)\s]+)\)")]
    private static partial Regex Link();

    [GeneratedRegex(@"```(?:sh|bash|console|python)\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex CodeBlock();

    [GeneratedRegex(@"(?<![\w/.:-])(?:\./)?((?:deploy|tests|services|protos|gateway)/[\w./-]+)")]
    private static partial Regex RepositoryPath();
}
