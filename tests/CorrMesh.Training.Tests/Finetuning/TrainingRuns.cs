using Xunit;

namespace CorrMesh.Training.Tests.Finetuning;

/// <summary>Tests that count tensors or set the number of Torch's threads run one after another.</summary>
[CollectionDefinition(Collection)]
public sealed class TrainingRuns
{
    public const string Collection = "training runs";
}
