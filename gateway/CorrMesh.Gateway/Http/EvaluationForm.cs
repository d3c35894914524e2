using CorrMesh.Gateway.OpenApi;
using CorrMesh.Hosting.Errors;
using CorrMesh.Hosting.Options;
using CorrMesh.Protos.Training.V1;
using Microsoft.AspNetCore.Http;
using Microsoft.OpenApi;

namespace CorrMesh.Gateway.Http;

/// <summary>The form of `POST /v1/evaluations`. What a number may be is the training service's to say.</summary>
internal static class EvaluationForm
{
    private static readonly (string Name, string Range, Action<EvaluationSettings, uint> Set)[] WholeNumbers =
    [
        ("view_count", "Views of an object, 3 to 32. Absent: 12.", (settings, value) => settings.ViewCount = value),
        ("tokens", "Tokens on the long side of a view, 8 to 160. Absent: 28.", (settings, value) => settings.Tokens = value),
        ("point_count", "Points of a pair at most, 16 to 262144. Absent: 250.", (settings, value) => settings.PointCount = value),
        ("seed", "Decides views, backgrounds and points of the own object, 0 to 2147483647. Absent: 1.", (settings, value) => settings.Seed = value),
    ];

    private static readonly string[] Adapters = ["adapter", "adapter_of_job", "adapter_name"];

    private static readonly string[] Texts = ["adapter_of_job", "adapter_name", "model", "display_name", "request_id", "max_angle", .. WholeNumbers.Select(field => field.Name)];

    /// <summary>The fields as the API document shows them.</summary>
    public static FormField[] Fields(MeshLimits limits) =>
    [
        FormField.File("adapter", "The adapter: the paper's .ckpt or a .safetensors. This, adapter_of_job or adapter_name."),
        FormField.Text("adapter_of_job", "The id of a job that has succeeded, for its adapter; its mesh or views are measured unless there are others."),
        FormField.Text("adapter_name", "The name of a published adapter."),
        .. MeshFields.Fields(limits),
        FormField.Text("model", "The model that an adapter given as a file belongs to. Absent: the default."),
        FormField.Text("display_name", "A name for people, at most 100 characters."),
        FormField.Text("request_id", "Makes the call safe to repeat: 1 to 128 characters of your choice, new for each job."),
        .. WholeNumbers.Select(field => new FormField(field.Name, false, new OpenApiSchema { Type = JsonSchemaType.Integer, Description = field.Range })),
        new FormField("max_angle", false, new OpenApiSchema { Type = JsonSchemaType.Number, Description = "Views turned further against each other make no pair, degrees, 1 to 180. Absent: 60." }),
    ];

    /// <exception cref="FieldException">A text is no such thing as it should be, or what must be given once is not.</exception>
    /// <exception cref="TooLargeException">The files do not fit into a message.</exception>
    public static async Task<EvaluateModelRequest> ReadAsync(HttpRequest request, MeshLimits limits)
    {
        var form = await MeshFields.ReadAsync(request, ["adapter"], Texts, limits).ConfigureAwait(false);
        var call = new EvaluateModelRequest
        {
            RequestId = MeshFields.RequestId(form),
            DisplayName = form.Text("display_name") ?? "",
            Model = form.Text("model") ?? "",
            Settings = Settings(form),
        };
        string[] given = [.. Adapters.Where(name => form.HasFile(name) || form.Text(name) is not null)];
        if (given.Length != 1)
            throw new FieldException("adapter", $"one of adapter (a file), adapter_of_job and adapter_name needed, {(given.Length == 0 ? "none" : string.Join(" and ", given))} given");
        if (form.Text("adapter_of_job") is { } made) call.AdapterOfJob = made;
        else if (form.Text("adapter_name") is { } name) call.AdapterName = name;
        else call.AdapterContent = form.File("adapter");
        // The job that made the adapter has an object.
        if (call.AdapterOfJob.Length == 0 || MeshFields.IsIn(form))
        {
            (MeshUpload? mesh, ViewsUpload? views, string? job) = MeshFields.Source(form);
            if (job is not null) call.MeshOfJob = job;
            else if (views is not null) call.Views = views;
            else call.Mesh = mesh;
        }
        FormValues.CheckFits(call, call.Views is not null ? "views" : call.Mesh is not null ? "mesh" : "adapter", "an adapter and its object", limits);
        return call;
    }

    // Without any, the gate's own settings hold.
    private static EvaluationSettings? Settings(MultipartForm form)
    {
        var settings = new EvaluationSettings();
        foreach (var (name, _, set) in WholeNumbers)
            if (form.Text(name) is { } text) set(settings, FormValues.Whole(name, text));
        if (form.Text("max_angle") is { } angle) settings.MaxAngle = FormValues.Number("max_angle", angle);
        return settings.CalculateSize() == 0 ? null : settings;
    }
}
