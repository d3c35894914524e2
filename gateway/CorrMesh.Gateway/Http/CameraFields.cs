using System.Text.Json;
using CorrMesh.Gateway.OpenApi;
using CorrMesh.Hosting.Errors;
using CorrMesh.Protos.Common.V1;

namespace CorrMesh.Gateway.Http;

/// <summary>A form's camera: four numbers, or JSON where the lens distorts.</summary>
internal static class CameraFields
{
    public const string Json = """{"fx":,"fy":,"cx":,"cy":} with "distortion" (k1 k2 p1 p2 [k3 [k4 k5 k6 [s1 s2 s3 s4]]]) or "fisheye" (k1 k2 k3 k4) of OpenCV where there is one""";

    private static readonly string[] Numbers = ["fx", "fy", "cx", "cy"];

    public static string[] Names { get; } = [.. Numbers, "camera"];

    /// <summary>The fields as the API document shows them.</summary>
    public static FormField[] Fields =>
    [
        FormField.Number("fx", "Focal length along x, pixels, above 0. All four of fx, fy, cx and cy, or camera."),
        FormField.Number("fy", "Focal length along y, pixels, above 0."),
        FormField.Number("cx", "Column of the principal point, pixels; the centre of the top-left pixel is (0, 0)."),
        FormField.Number("cy", "Row of the principal point, pixels."),
        FormField.Text("camera", $"Instead of the four numbers: JSON, {Json}."),
    ];

    /// <returns>The camera, and whether the form has it as JSON.</returns>
    /// <exception cref="FieldException">There is none, it is given twice, or it is no such thing.</exception>
    public static (Camera Camera, bool IsJson) Read(MultipartForm form, JsonSerializerOptions json)
    {
        bool hasNumbers = Numbers.Any(name => form.Text(name) is not null);
        if (FormJson.Read<CameraBody>(form, "camera", json) is { } body)
            return hasNumbers ? throw new FieldException("camera", "one of camera and fx, fy, cx, cy allowed, both given") : (body.ToCamera("camera"), true);
        if (!hasNumbers) throw new FieldException("camera", "a camera needed (fx, fy, cx and cy, or camera), none given");
        return (new Camera { Fx = Number("fx"), Fy = Number("fy"), Cx = Number("cx"), Cy = Number("cy") }, false);

        double Number(string name) => FormValues.Number(name, form.Text(name) ?? throw new FieldException(name, "a number needed, none given"));
    }
}
