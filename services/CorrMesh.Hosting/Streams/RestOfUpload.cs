using System.IO.Pipelines;

namespace CorrMesh.Hosting.Streams;

/// <summary>Reads and forgets what is still sent of an upload that is refused before its end, so that its sender hears why.</summary>
/// <remarks>A call that ends while its caller writes is reset (RFC 9113 section 8.1), and many clients and proxies then tell that it was cancelled instead of its status.</remarks>
internal static class RestOfUpload
{
    // Long enough for the gaps of a bad network: a caller who pauses for longer is not in the middle of a message and hears the status. One who sends for longer is cut off.
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1), Limit = TimeSpan.FromSeconds(10);

    /// <summary>Returns at the upload's end, when nothing has come for a moment, or after a few seconds. Throws nothing.</summary>
    public static async Task PassAsync(PipeReader body, TimeProvider time, CancellationToken cancellation)
    {
        using var limit = new CancellationTokenSource(Limit, time);
        try
        {
            while (true)
            {
                using var pause = new CancellationTokenSource(Pause, time);
                using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, pause.Token, cancellation);
                ReadResult read = await body.ReadAsync(either.Token).ConfigureAwait(false);
                body.AdvanceTo(read.Buffer.End);
                if (read.IsCompleted || read.IsCanceled) return;
            }
        }
        // The caller pauses or has gone, or the service was in the middle of a message that it could not read.
        catch (Exception exception) when (exception is OperationCanceledException or IOException or InvalidOperationException)
        {
        }
    }
}
