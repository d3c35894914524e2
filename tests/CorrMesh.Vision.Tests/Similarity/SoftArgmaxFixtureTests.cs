using CorrMesh.TestKit;
using CorrMesh.Vision.Features;
using CorrMesh.Vision.Similarity;
using Xunit;

namespace CorrMesh.Vision.Tests.Similarity;

public sealed class SoftArgmaxFixtureTests
{
    // Goal: the trajectories of the paper's tracker. Method: sample each query in its frame, find it in every frame. Its
    // coordinates are corner-origin already: a token's centre is 7 + 7 i. Tolerance: 0.02 px, the fixture's own.
    [Fact]
    public void Find_TrackerQueries_FollowThePublishedTrajectories()
    {
        int checkedCount = 0;
        foreach (var fixture in SharedData.Family("tracker_"))
        {
            var config = fixture.Meta.GetProperty("config");
            int width = config.GetProperty("video_w").GetInt32(), height = config.GetProperty("video_h").GetInt32();
            float stride = config.GetProperty("stride").GetInt32(), radius = config.GetProperty("argmax_radius").GetSingle();
            float offset = -config.GetProperty("patch_size").GetInt32() / 2 / stride;
            var features = fixture.Array("features.npy");   // [T, C, h, w]
            int frames = features.Shape[0], channels = features.Shape[1], high = features.Shape[2], wide = features.Shape[3];
            var maps = Enumerable.Range(0, frames).Select(t => new FeatureMap(
                width, height, new TokenAxis(wide, 1 / stride, offset), new TokenAxis(high, 1 / stride, offset), channels,
                ChannelsLast(features.Floats().AsSpan(t * channels * high * wide, channels * high * wide), channels))).ToArray();
            var grams = maps.Select(map => TokenGram.Create(map)).ToArray();
            foreach (var queryFrame in fixture.Meta.GetProperty("query_frames").EnumerateArray())
            {
                string prefix = $"frame{queryFrame.GetInt32():00}";
                var queries = fixture.Array($"{prefix}_query_points.npy");   // [N, 3] x, y, t
                float[] expected = fixture.Array($"{prefix}_trajectories.npy").Floats();   // [N, T, 2]
                float[] points = [.. queries.Floats().Where((_, i) => i % 3 < 2)];
                float[] descriptors = KeypointSampler.Sample(maps[queryFrame.GetInt32()], points, normalise: false);
                for (int t = 0; t < frames; t++)
                {
                    var found = SoftArgmax.Find(grams[t], descriptors, radius);
                    for (int i = 0; i < found.Length; i++, checkedCount++)
                    {
                        Assert.Equal(expected[((i * frames) + t) * 2], found[i].X, 0.02f);
                        Assert.Equal(expected[(((i * frames) + t) * 2) + 1], found[i].Y, 0.02f);
                    }
                }
            }
        }

        Assert.True(checkedCount > 0);
    }

    private static float[] ChannelsLast(ReadOnlySpan<float> planes, int channels)
    {
        var values = new float[planes.Length];
        int tokens = planes.Length / channels;
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = planes[(i % channels * tokens) + (i / channels)];
        }

        return values;
    }
}
