using Xunit;

namespace CorrMesh.Features.Tests.Support;

/// <summary>Tensors are counted in the whole process, so tests that make or count them run one after another.</summary>
[CollectionDefinition(Collection)]
public sealed class LiveTensors
{
    public const string Collection = "live tensors";
}
