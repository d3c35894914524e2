using CorrMesh.Gateway.OpenApi;
using CorrMesh.Hosting.Errors;
using CorrMesh.Protos.Common.V1;
using Google.Protobuf;

namespace CorrMesh.Gateway.Http;

/// <summary>A form's depth images: 16-bit PNGs with one unit for all.</summary>
internal static class DepthFields
{
    public const string Unit = "depth_unit_m", Content = "a grey PNG of 16 bits and of the picture's size; 0: not known";

    public static FormField UnitField => FormField.Number(Unit, "Metres of one unit of the depth, above 0 and at most 1. Absent: 0.001, millimetres.");

    /// <param name="form">The form.</param>
    /// <param name="name">What it calls the depth.</param>
    /// <returns>One for each file, in order.</returns>
    /// <exception cref="FieldException">A file is empty, or the unit is none or without depth.</exception>
    public static DepthImage[] Read(MultipartForm form, string name)
    {
        bool hasUnit = form.Text(Unit) is not null;
        if (!form.HasFile(name)) return hasUnit ? throw new FieldException(Unit, $"only with {name} allowed") : [];
        // The contract's 0 stands for its default.
        double unit = hasUnit ? FormValues.Number(Unit, form.Text(Unit)!) is var given and not 0 ? given : throw new FieldException(Unit, "above 0 and at most 1 allowed, 0 given") : 0;
        return [.. form.Files(name).Select(file => new DepthImage { Png = file, UnitM = unit })];
    }
}
