using CorrMesh.Gateway.OpenApi;
using CorrMesh.Hosting.Errors;
using CorrMesh.Hosting.Options;
using CorrMesh.Protos.Training.V1;
using Microsoft.AspNetCore.Http;
using Microsoft.OpenApi;

namespace CorrMesh.Gateway.Http;

/// <summary>The form of `POST /v1/jobs`. Of the recipe's bounds it knows the types alone: what a number may be is the training service's to say.</summary>
internal static class JobForm
{
    private static readonly (string Name, string Range, Action<FinetuneRecipe, uint> Set)[] WholeNumbers =
    [
        ("conv_layers", "3 x 3 convolutions after the model, 0 to 3. Absent: 1.", (recipe, value) => recipe.ConvLayers = value),
        ("lora_rank", "Rank of the additions to q and v, 1 to 64. Absent: 4.", (recipe, value) => recipe.LoraRank = value),
        ("lora_blocks", "Last blocks that are adapted, 0 to the model's depth. Absent: 4.", (recipe, value) => recipe.LoraBlocks = value),
        ("iterations", "Steps, one pair of views each, 0 to 1000000. Absent: 10000.", (recipe, value) => recipe.Iterations = value),
        ("tokens", "Tokens on the long side of a view, 8 to 160. Absent: 80.", (recipe, value) => recipe.Tokens = value),
        ("keypoints", "Points drawn from the object in each view, 16 to 10000. Absent: 3000.", (recipe, value) => recipe.Keypoints = value),
        ("pool_size", "Augmented variants of each view while cache_trunk is on, 1 to 256. Absent: 16.", (recipe, value) => recipe.PoolSize = value),
        ("seed", "Decides initial values, pairs, points and augmentations, 0 to 2147483647. Absent: 42.", (recipe, value) => recipe.Seed = value),
    ];

    private static readonly (string Name, string Range, Action<FinetuneRecipe, double> Set)[] Numbers =
    [
        ("learning_rate", "AdamW's, 1e-8 to 0.1. Absent: 1e-5.", (recipe, value) => recipe.LearningRate = value),
        ("weight_decay", "Decoupled decay, 0 to 1. Absent: 1e-4.", (recipe, value) => recipe.WeightDecay = value),
        ("clip_norm", "Largest L2 norm of all gradients together, 0.001 to 1e6. Absent: 1.", (recipe, value) => recipe.ClipNorm = value),
        ("max_angle", "Largest rotation between the two views of a pair, degrees, 1 to 180. Absent: 120.", (recipe, value) => recipe.MaxAngle = value),
    ];

    private static readonly (string Name, string Meaning, Action<FinetuneRecipe, bool> Set)[] Switches =
    [
        ("augment", "true or false: whether views are changed as the paper's are. Absent: true.", (recipe, value) => recipe.Augment = value),
        ("cache_trunk", "true or false: keep what the model's frozen blocks make of a view; several times faster. Absent: false.", (recipe, value) => recipe.CacheTrunk = value),
        ("backdrops", "true or false: another random scene behind the object in each augmented view, in place of black. Absent: false.", (recipe, value) => recipe.Backdrops = value),
    ];

    private static readonly string[] Texts =
    [
        "model", "display_name", "request_id", "view_count", "measure_count", "publish_as", "objects_of_jobs", "made_object_count", "loss", .. WholeNumbers.Select(field => field.Name), .. Numbers.Select(field => field.Name), .. Switches.Select(field => field.Name),
    ];

    /// <summary>The fields as the API document shows them.</summary>
    public static FormField[] Fields(MeshLimits limits) =>
    [
        .. MeshFields.Fields(limits),
        FormField.Model,
        FormField.Text("display_name", "A name for people, at most 100 characters."),
        FormField.Text("request_id", "Makes the call safe to repeat: 1 to 128 characters of your choice, new for each job."),
        FormField.Text("view_count", "Pictures that are rendered of the mesh, 8 to 128; not with views. Absent: 42."),
        FormField.Text("measure_count", "How often views that are not trained on are measured on the way, 0 to 100. Absent: 10."),
        FormField.Text("publish_as", "The name to publish the adapter under if the gate accepts it. Where there are API keys, an admin's is needed for it. Absent: none."),
        FormField.Text("objects_of_jobs", "Further objects to train on: ids of earlier jobs that have them, separated by commas, at most 100."),
        FormField.Text("made_object_count", "Procedural objects to train on as well, 0 to 1000, drawn by the seed. Absent: 0."),
        FormField.Text("loss", $"What a step minimises: {string.Join(", ", JobNames.Losses.Keys)}. Absent: smooth_ap, the paper's."),
        .. WholeNumbers.Select(field => new FormField(field.Name, false, new OpenApiSchema { Type = JsonSchemaType.Integer, Description = field.Range })),
        .. Numbers.Select(field => new FormField(field.Name, false, new OpenApiSchema { Type = JsonSchemaType.Number, Description = field.Range })),
        .. Switches.Select(field => new FormField(field.Name, false, new OpenApiSchema { Type = JsonSchemaType.Boolean, Description = field.Meaning })),
    ];

    /// <exception cref="FieldException">A text is no such thing as it should be.</exception>
    /// <exception cref="TooLargeException">The files do not fit into a message.</exception>
    public static async Task<CreateFinetuneJobRequest> ReadAsync(HttpRequest request, MeshLimits limits)
    {
        var form = await MeshFields.ReadAsync(request, [], Texts, limits).ConfigureAwait(false);
        var call = new CreateFinetuneJobRequest
        {
            RequestId = MeshFields.RequestId(form),
            DisplayName = form.Text("display_name") ?? "",
            Model = form.Text("model") ?? "",
            Recipe = Recipe(form),
            PublishAs = form.Text("publish_as") ?? "",
        };
        if (form.Text("view_count") is { } views) call.ViewCount = FormValues.Whole("view_count", views);
        if (form.Text("objects_of_jobs") is { } jobs) call.ObjectsOfJobs.AddRange(jobs.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries));
        if (form.Text("made_object_count") is { } made) call.MadeObjectCount = FormValues.Whole("made_object_count", made);
        if (form.Text("measure_count") is { } measurements) call.MeasureCount = FormValues.Whole("measure_count", measurements);
        (MeshUpload? mesh, ViewsUpload? posed, string? job) = MeshFields.Source(form);
        if (job is not null) call.MeshOfJob = job;
        else if (posed is not null) call.Views = posed;
        else call.Mesh = mesh;
        FormValues.CheckFits(call, posed is null ? "mesh" : "views", posed is null ? "a mesh and its resources" : "views", limits);
        return call;
    }

    private static FinetuneRecipe Recipe(MultipartForm form)
    {
        var recipe = new FinetuneRecipe();
        if (form.Text("loss") is { } loss)
            recipe.Loss = JobNames.Losses.TryGetValue(loss, out var known) ? known : throw new FieldException("loss", $"one of {string.Join(", ", JobNames.Losses.Keys)} needed, '{FormValues.Shorten(loss)}' given");
        foreach (var (name, _, set) in WholeNumbers)
            if (form.Text(name) is { } text) set(recipe, FormValues.Whole(name, text));
        foreach (var (name, _, set) in Numbers)
            if (form.Text(name) is { } text) set(recipe, FormValues.Number(name, text));
        foreach (var (name, _, set) in Switches)
            if (form.Text(name) is { } text) set(recipe, bool.TryParse(text, out bool value) ? value : throw new FieldException(name, $"true or false needed, '{FormValues.Shorten(text)}' given"));
        return recipe;
    }
}
