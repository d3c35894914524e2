using Xunit;

namespace CorrMesh.Features.Tests.Support;

/// <summary>Waiting for what happens in the background.</summary>
internal static class Eventually
{
    /// <summary>Looks again and again until it holds; after a minute it never will.</summary>
    public static async Task HoldsAsync(Func<bool> condition, string claim)
    {
        for (int i = 0; i < 12_000; i++)
        {
            if (condition()) return;
            await Task.Delay(5, TestContext.Current.CancellationToken);
        }

        Assert.Fail($"does not come to hold: {claim}");
    }
}
