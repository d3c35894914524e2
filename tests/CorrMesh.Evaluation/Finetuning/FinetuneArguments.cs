using System.Globalization;
using CorrMesh.Training.Finetuning;

namespace CorrMesh.Evaluation.Finetuning;

/// <summary>What `finetune` was asked to do.</summary>
/// <param name="Mesh">Path, or null for the one of the shared data.</param>
/// <param name="Model">Path, or null for the built-in one.</param>
/// <param name="Stages">Into how many parts the run is cut to measure between them, 1 to 100.</param>
/// <param name="Name">Of the written results: letters, digits, - and _.</param>
/// <param name="Recipe">The paper's at 40 tokens, but for what was given.</param>
internal sealed record FinetuneArguments(string? Mesh, string? Model, int Stages, string Name, FinetuneRecipe Recipe)
{
    /// <exception cref="ArgumentException">An argument is unknown, incomplete or no number.</exception>
    public static FinetuneArguments Parse(string[] arguments)
    {
        var asked = new FinetuneArguments(null, null, 3, "finetune", new FinetuneRecipe { Iterations = 300, Tokens = 40 });
        for (int i = 0; i < arguments.Length; i += 2)
        {
            string option = arguments[i];
            string value = i + 1 < arguments.Length ? arguments[i + 1] : throw new ArgumentException($"{option}: a value needed, none given");
            FinetuneRecipe recipe = asked.Recipe;
            asked = option switch
            {
                "--mesh" => asked with { Mesh = value },
                "--model" => asked with { Model = value },
                "--name" => asked with { Name = ResultsFolder.RequireName(option, value) },
                "--stages" => Number<int>() is >= 1 and <= 100 and int stages ? asked with { Stages = stages } : throw new ArgumentException($"--stages: 1 to 100 needed, {value} given"),
                "--steps" => asked with { Recipe = recipe with { Iterations = Number<int>() } },
                "--tokens" => asked with { Recipe = recipe with { Tokens = Number<int>() } },
                "--learning-rate" => asked with { Recipe = recipe with { LearningRate = Number<double>() } },
                "--conv-layers" => asked with { Recipe = recipe with { ConvLayers = Number<int>() } },
                "--seed" => asked with { Recipe = recipe with { Seed = Number<int>() } },
                "--threads" => asked with { Recipe = recipe with { Threads = Number<int>() } },
                _ => throw new ArgumentException($"{option}: unknown; there are {FinetuneCommand.Help}"),
            };

            T Number<T>() where T : IParsable<T> =>
                T.TryParse(value, CultureInfo.InvariantCulture, out T? number) ? number : throw new ArgumentException($"{option}: a number needed, '{value}' given");
        }
        return asked;
    }
}
