using CorrMesh.Features.Store;
using CorrMesh.Hosting;
using CorrMesh.Hosting.Errors;
using CorrMesh.Hosting.Options;
using CorrMesh.Hosting.Reporting;
using CorrMesh.Hosting.Streams;
using CorrMesh.Protos.Common.V1;
using CorrMesh.Protos.Features.V1;
using Grpc.Core;

namespace CorrMesh.Features;

/// <summary>Features of a live stream.</summary>
public sealed class FeatureStream(FeatureExtractor extractor, DescriptorSets descriptors, SpecResolver specs, MeshLimits limits, ModuleStatus status, FrameStream frames)
{
    public Task RunAsync(IAsyncStreamReader<StreamFeaturesRequest> requests, IServerStreamWriter<StreamFeaturesResponse> responses, CancellationToken cancellation) =>
        frames.RunAsync(Open, requests, responses, cancellation);

    private Worker Open(StreamFeaturesRequest first)
    {
        if (first.MessageCase != StreamFeaturesRequest.MessageOneofCase.Config)
            throw new FieldException("config", $"must be the first message, {(first.MessageCase == StreamFeaturesRequest.MessageOneofCase.Frame ? "a frame" : "none")} given");
        StreamFeaturesConfig config = first.Config;
        specs.Resolve(config.Spec);
        if (config.ReturnValues != DataType.Unspecified)
        {
            WireTensors.ElementSize(config.ReturnValues, "config.return_values");
            if (config.Selection is null) throw new FieldException("config.return_values", "needs a selection, none given");
        }

        if (config.Selection is not null) PointReader.Check(config.Selection, limits.Points, "config.selection");
        return new Worker(this, config);
    }

    private async Task<StreamFeaturesResponse> AnswerAsync(StreamFeaturesConfig config, Frame frame, CancellationToken cancellation)
    {
        var timer = new RequestTimer();
        var source = new FeatureSource { Image = frame.Image ?? throw new FieldException("frame.image", "needed, none given") };
        StoredMap map = await extractor.GetAsync(source, config.Spec, "frame", timer, cancellation).ConfigureAwait(false);
        var features = new FrameFeatures { Sequence = frame.Sequence, StampNs = frame.StampNs, FrameId = frame.FrameId, Reference = map.ToReference() };
        if (config.Selection is not null)
        {
            (double X, double Y)[] points = PointReader.Read(config.Selection, map, limits.Points, "config.selection");
            WireTensors.CheckFits((long)points.Length * map.Map.Channels, config.ReturnValues, limits.MessageBytes, "config.return_values");
            StoredDescriptors set = await descriptors.SampleAsync(map, points, config.Normalise, timer, cancellation).ConfigureAwait(false);
            features.DescriptorSetKey = set.Key;
            features.Values = WireTensors.Encode(set.Values, config.ReturnValues, set.Count, set.Channels);
            features.Points.Add(points.Select(p => new Point { X = p.X, Y = p.Y }));
        }

        features.Timings = timer.ToTimings();
        status.Answered(features.Timings);
        return new StreamFeaturesResponse { Features = features };
    }

    private sealed class Worker(FeatureStream stream, StreamFeaturesConfig config) : IFrameWorker<StreamFeaturesRequest, StreamFeaturesResponse>
    {
        public StreamPolicy? Policy => config.Policy;

        public string ResumeToken => config.ResumeToken;

        public FrameWork<StreamFeaturesResponse>? Take(StreamFeaturesRequest message)
        {
            if (message.MessageCase != StreamFeaturesRequest.MessageOneofCase.Frame)
                throw new FieldException("frame", $"a frame needed after the config, {(message.MessageCase == StreamFeaturesRequest.MessageOneofCase.Config ? "a second config" : "none")} given");
            return new FrameWork<StreamFeaturesResponse>(message.Frame, cancellation => stream.AnswerAsync(config, message.Frame, cancellation));
        }

        public StreamFeaturesResponse Dropped(DropReport report) => new() { Drop = report };

        public StreamFeaturesResponse WithToken(StreamFeaturesResponse answer, string resumeToken)
        {
            answer.ResumeToken = resumeToken;
            return answer;
        }
    }
}
