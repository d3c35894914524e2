using System.Diagnostics;
using CorrMesh.Protos.Common.V1;
using CorrMesh.Protos.Pose.V1;
using Google.Protobuf;

namespace CorrMesh.Evaluation.Pose;

/// <summary>A real object: made from every fifth extracted frame with its pose (the mesh gives depth), looked for in the others and in the video.</summary>
internal static class FolderRun
{
    // Every so many of the extracted frames is one of the object's; video frames so near one of them are left out.
    private const int EveryReference = 5, References = 8, Apart = 6;

    public static async Task<FolderResult> RunAsync(ServedPoses served, PosedFolder folder, PoseArguments asked)
    {
        int[] references = [.. folder.Extracted.Where((_, i) => i % EveryReference == 0).Take(References)];
        var config = new ObjectConfig { Id = "evaluated", MeshUnitM = folder.UnitMetres, Spec = asked.Spec };
        long started = Stopwatch.GetTimestamp();
        ObjectInfo made = await served.CreateAsync(
            config,
            [
                .. ServedPoses.MeshParts("", File.ReadAllBytes(folder.MeshPath)),
                .. references.Select(frame => new CreateObjectRequest
                {
                    Picture = new ObjectPicture { Image = new Image { Encoded = ByteString.CopyFrom(folder.Picture(frame)) }, Camera = folder.WireCamera, ObjectToCamera = ServedPoses.Write(folder.Poses[frame]) },
                }),
            ]).ConfigureAwait(false);
        TimeSpan onboarding = Stopwatch.GetElapsedTime(started);

        var single = new List<FrameResult>();
        foreach (int frame in folder.Extracted.Except(references))
        {
            var answer = await served.Client.EstimatePoseAsync(new EstimatePoseRequest { Image = new Image { Encoded = ByteString.CopyFrom(folder.Picture(frame)) }, Camera = folder.WireCamera, Objects = { config.Id } });
            single.Add(FrameResult.Of(folder, frame, answer.Poses[0], answer.Timings));
        }
        IReadOnlyList<FrameResult> stream = folder.VideoPath is null ? [] : await StreamAsync(served, folder, config.Id, references).ConfigureAwait(false);
        return new FolderResult(made, onboarding, references, single, stream);
    }

    private static async Task<IReadOnlyList<FrameResult>> StreamAsync(ServedPoses served, PosedFolder folder, string id, int[] references)
    {
        using var call = served.Client.StreamPoses();
        await call.RequestStream.WriteAsync(new StreamPosesRequest
        {
            Config = new StreamPosesConfig { Objects = { id }, Camera = folder.WireCamera, Policy = new StreamPolicy { Mode = StreamPolicy.Types.Mode.All } },
        }).ConfigureAwait(false);
        var sending = Task.Run(async () =>
        {
            int frame = -1;
            foreach (byte[] pixels in VideoFrames.Read(folder.VideoPath!, folder.Width, folder.Height))
            {
                frame++;
                if (!folder.Poses.ContainsKey(frame) || references.Any(reference => Math.Abs(reference - frame) < Apart)) continue;
                var image = new Image { Raw = new RawImage { Format = PixelFormat.Rgb8, Width = (uint)folder.Width, Height = (uint)folder.Height, Data = UnsafeByteOperations.UnsafeWrap(pixels) } };
                await call.RequestStream.WriteAsync(new StreamPosesRequest { Frame = new Frame { Sequence = (ulong)frame + 1, Image = image } }).ConfigureAwait(false);
            }
            await call.RequestStream.CompleteAsync().ConfigureAwait(false);
        });
        var results = new List<FrameResult>();
        while (await call.ResponseStream.MoveNext(CancellationToken.None).ConfigureAwait(false))
        {
            FramePoses poses = call.ResponseStream.Current.Poses ?? throw new InvalidDataException($"every frame to be answered needed, a drop report came: {call.ResponseStream.Current.Drop}");
            results.Add(FrameResult.Of(folder, (int)poses.Sequence - 1, poses.Poses[0].Pose, poses.Timings) with { Event = poses.Poses[0].Event, IsGuided = poses.Poses[0].Guided });
        }
        await sending.ConfigureAwait(false);
        return results;
    }
}

/// <summary>What became of one frame.</summary>
internal sealed record FrameResult(int Frame, PoseOff Off, ObjectPose Answer, PoseTimings Timings, TrackEvent Event = TrackEvent.Unspecified, bool IsGuided = false)
{
    public static FrameResult Of(PosedFolder folder, int frame, ObjectPose answer, PoseTimings timings) =>
        new(frame, answer.Best is { } best ? folder.Compare(frame, ServedPoses.Read(best.ObjectToCamera)) : PoseOff.Nothing, answer, timings);
}

/// <summary>What became of a folder.</summary>
internal sealed record FolderResult(ObjectInfo Object, TimeSpan Onboarding, int[] References, IReadOnlyList<FrameResult> Single, IReadOnlyList<FrameResult> Stream);
