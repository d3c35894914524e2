using System.Globalization;
using CorrMesh.Training.Finetuning;

namespace CorrMesh.Evaluation.Finding;

/// <summary>What `finding` was asked to do.</summary>
/// <param name="ObjectCount">How many of <see cref="FindingPlan.Trained"/> are trained on, each in a run of its own.</param>
/// <param name="Name">Of the written results: letters, digits, - and _.</param>
/// <param name="Recipe">The paper's at 40 tokens, but for what was given.</param>
internal sealed record FindingArguments(int ObjectCount, string Name, FinetuneRecipe Recipe)
{
    public const string Help = "[--steps 1000] [--tokens 40] [--threads 1] [--objects 3] [--cache-trunk] [--name finding]   other objects before and after fine-tuning on one; takes hours, goes on where it was stopped";

    /// <exception cref="ArgumentException">An argument is unknown, incomplete or out of its range.</exception>
    public static FindingArguments Parse(string[] arguments)
    {
        var asked = new FindingArguments(FindingPlan.Trained.Count, "finding", new FinetuneRecipe { Iterations = 1000, Tokens = 40 });
        for (int i = 0; i < arguments.Length; i++)
        {
            string option = arguments[i];
            FinetuneRecipe recipe = asked.Recipe;
            asked = option switch
            {
                "--steps" => asked with { Recipe = recipe with { Iterations = Number() } },
                "--tokens" => asked with { Recipe = recipe with { Tokens = Number() } },
                "--threads" => asked with { Recipe = recipe with { Threads = Number() } },
                "--cache-trunk" => asked with { Recipe = recipe with { CacheTrunk = true } },
                "--objects" => Number() is var count && count >= 1 && count <= FindingPlan.Trained.Count
                    ? asked with { ObjectCount = count }
                    : throw new ArgumentException($"--objects: 1 to {FindingPlan.Trained.Count} needed, {count} given"),
                "--name" => asked with { Name = ResultsFolder.RequireName(option, Value()) },
                _ => throw new ArgumentException($"{option}: unknown; there are {Help}"),
            };

            string Value() => ++i < arguments.Length ? arguments[i] : throw new ArgumentException($"{option}: a value needed, none given");

            int Number()
            {
                string value = Value();
                return int.TryParse(value, CultureInfo.InvariantCulture, out int number) ? number : throw new ArgumentException($"{option}: a number needed, '{value}' given");
            }
        }
        asked.Recipe.Validate();
        return asked;
    }
}
