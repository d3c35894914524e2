using System.Globalization;

namespace CorrMesh.Evaluation.OnePose;

/// <summary>What `onepose` was asked to do.</summary>
/// <param name="Data">The folder that holds lowtexture_test_data and sfm_output.</param>
/// <param name="Model">Path, or null for the built-in one.</param>
/// <param name="Adapter">Path of a fine-tuning, or null.</param>
/// <param name="Heads">Attention heads, 1 to 64, or null for widths of 64.</param>
/// <param name="Reference">Path of the table that the paper's script writes, or null.</param>
/// <param name="IsStrict">A missed must is a failure.</param>
/// <param name="Threads">Of the search, 1 to 256.</param>
/// <param name="Name">Of the written results: letters, digits, - and _.</param>
internal sealed record OnePoseArguments(string Data, string? Model, string? Adapter, int? Heads, string? Reference, bool IsStrict, int Threads, string Name)
{
    public const string Help = "DIR [--model PATH] [--adapter PATH] [--heads N] [--reference CSV] [--strict] [--threads 2] [--name onepose]   one-shot poses on OnePose-LowTex, as the paper's script counts them";

    /// <exception cref="ArgumentException">An argument is unknown, incomplete or out of its range.</exception>
    public static OnePoseArguments Parse(string[] arguments)
    {
        var asked = new OnePoseArguments("", null, null, null, null, false, 2, "onepose");
        for (int i = 0; i < arguments.Length; i++)
        {
            string option = arguments[i];
            asked = option switch
            {
                "--strict" => asked with { IsStrict = true },
                "--model" => asked with { Model = Value() },
                "--adapter" => asked with { Adapter = Value() },
                "--heads" => asked with { Heads = Number(1, 64) },
                "--reference" => asked with { Reference = Value() },
                "--threads" => asked with { Threads = Number(1, 256) },
                "--name" => asked with { Name = ResultsFolder.RequireName(option, Value()) },
                _ when asked.Data.Length == 0 && !option.StartsWith('-') => asked with { Data = option },
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
        if (asked.Data.Length == 0) throw new ArgumentException($"DIR: needed, none given; there are {Help}");
        if (asked.IsStrict && asked.Reference is null) throw new ArgumentException("--strict: --reference needed, what to compare with");
        return asked;
    }
}
