using CorrMesh.Protos.Training.V1;

namespace CorrMesh.Hosting.Clients;

/// <summary>Which calls may be sent again when it is not known whether the first one arrived: all but those that make something new each time.</summary>
public static class Repetition
{
    // What makes a job without a request_id, and what goes back one version further each time.
    private static readonly HashSet<string> Making =
    [
        .. new[] { "CreateFinetuneJob", "EvaluateModel", "RollBackAdapter" }.Select(name => $"/{TrainingService.Descriptor.FullName}/{TrainingService.Descriptor.FindMethodByName(name).Name}"),
    ];

    /// <summary>Whether a call may be repeated whatever its message holds.</summary>
    /// <param name="path">As in HTTP/2: service and method.</param>
    public static bool IsHarmless(string path) => !Making.Contains(path);

    /// <summary>Whether this very request may be repeated.</summary>
    public static bool IsHarmless<TRequest>(TRequest request) =>
        request is not (CreateFinetuneJobRequest { RequestId: "" } or EvaluateModelRequest { RequestId: "" } or RollBackAdapterRequest { Digest: "" });
}
