using System.Globalization;
using CorrMesh.Training.Measuring;

namespace CorrMesh.Evaluation.Compact;

/// <summary>What `compact` was asked to do.</summary>
/// <param name="Model">Path, or null for the built-in one.</param>
/// <param name="IsStrict">A missed must is a failure.</param>
/// <param name="Threads">Of network, renderer and search, 1 to 256.</param>
/// <param name="Count">Made objects, 0 to 100,000.</param>
/// <param name="Name">Of the written results: letters, digits, - and _.</param>
internal sealed record CompactArguments(string? Model, bool IsStrict, int Threads, int Count, string Name)
{
    public const string Help = "[--model PATH] [--strict] [--threads 2] [--count 50] [--name compact]   points found on meshes and on made objects of held-out families, beside the first version";

    /// <summary>How objects are shown and searched: 40 tokens.</summary>
    public EvaluationSettings Settings => new() { Threads = Threads };

    /// <exception cref="ArgumentException">An argument is unknown, incomplete or out of its range.</exception>
    public static CompactArguments Parse(string[] arguments)
    {
        var asked = new CompactArguments(null, false, 2, 50, "compact");
        for (int i = 0; i < arguments.Length; i++)
        {
            string option = arguments[i];
            asked = option switch
            {
                "--strict" => asked with { IsStrict = true },
                "--model" => asked with { Model = Value() },
                "--threads" => asked with { Threads = Number(1, 256) },
                "--count" => asked with { Count = Number(0, 100_000) },
                "--name" => asked with { Name = ResultsFolder.RequireName(option, Value()) },
                _ => throw new ArgumentException($"{option}: unknown; there are {Help}"),
            };

            string Value() => ++i < arguments.Length ? arguments[i] : throw new ArgumentException($"{option}: a value needed, none given");

            int Number(int low, int high)
            {
                string value = Value();
                return int.TryParse(value, CultureInfo.InvariantCulture, out int number) && number >= low && number <= high
                    ? number
                    : throw new ArgumentException($"{option}: {low} to {high} needed, {value} given");
            }
        }
        return asked;
    }
}
