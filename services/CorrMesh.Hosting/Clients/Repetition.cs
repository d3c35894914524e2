using CorrMesh.Protos.Training.V1;

namespace CorrMesh.Hosting.Clients;

/// <summary>Which calls may be sent again when it is not known whether the first one arrived: all but those that make something new each time.</summary>
public static class Repetition
{
    private static readonly string CreateFinetuneJob =
        $"/{TrainingService.Descriptor.FullName}/{TrainingService.Descriptor.FindMethodByName(nameof(CreateFinetuneJob)).Name}";

    /// <summary>Whether a call may be repeated whatever its message holds.</summary>
    /// <param name="path">As in HTTP/2: service and method.</param>
    public static bool IsHarmless(string path) => path != CreateFinetuneJob;

    /// <summary>Whether this very request may be repeated.</summary>
    public static bool IsHarmless<TRequest>(TRequest request) => request is not CreateFinetuneJobRequest { RequestId: "" };
}
