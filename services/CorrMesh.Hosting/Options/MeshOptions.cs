using System.Collections;
using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace CorrMesh.Hosting.Options;

/// <summary>Options that are bound from a section, validated at start, and reported all at once.</summary>
public static class MeshOptions
{
    /// <summary>Binds a section to an options class; the value is injectable as itself and as <see cref="IOptions{T}"/>.</summary>
    /// <remarks>
    /// A key in the section without a property is a fault, so that a typing error cannot pass for a setting. With a fault nothing is
    /// registered, and the mesh refuses to start with the faults of all sections of all modules.
    /// </remarks>
    /// <typeparam name="T">A class with data annotations; <see cref="IValidatableObject"/> for what spans properties.</typeparam>
    public static IHostApplicationBuilder AddMeshOptions<T>(this IHostApplicationBuilder builder, string section)
        where T : class, new()
    {
        string[] faults;
        try
        {
            var value = builder.Configuration.GetSection(section).Get<T>(binder => binder.ErrorOnUnknownConfiguration = true) ?? new T();
            faults = [.. Validate(value, section)];
            if (faults.Length == 0)
            {
                builder.Services.AddSingleton(value);
                builder.Services.AddSingleton(Microsoft.Extensions.Options.Options.Create(value));
            }
        }
        catch (InvalidOperationException exception)
        {
            faults = [$"{section}: {exception.Message}"];
        }

        builder.Services.AddSingleton(new SectionFaults(faults));
        return builder;
    }

    /// <summary>Every fault of every section that the collection's options were bound from.</summary>
    internal static IEnumerable<string> Faults(IServiceCollection services) =>
        services.Select(service => service.ImplementationInstance).OfType<SectionFaults>().SelectMany(section => section.Faults);

    internal static IEnumerable<string> Validate(object options, string section)
    {
        var results = new List<ValidationResult>();
        Validator.TryValidateObject(options, new ValidationContext(options), results, validateAllProperties: true);
        return from result in results
               from member in result.MemberNames.DefaultIfEmpty("")
               select $"{section}{(member.Length > 0 ? ":" + member : "")}: {result.ErrorMessage?.TrimEnd('.')}{Given(options, member)}";
    }

    private static string Given(object options, string member) => options.GetType().GetProperty(member)?.GetValue(options) switch
    {
        null => "",
        string text => $", '{text}' given",
        IEnumerable => "",
        var value => $", {value} given",
    };

    private sealed record SectionFaults(IReadOnlyList<string> Faults);
}
