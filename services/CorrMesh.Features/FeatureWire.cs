using CorrMesh.Features.Store;
using CorrMesh.Hosting.Options;
using CorrMesh.Models;
using CorrMesh.Protos.Common.V1;
using CorrMesh.Protos.Features.V1;
using CorrMesh.Vision.Features;

namespace CorrMesh.Features;

/// <summary>Maps and models as the contract describes them.</summary>
public static class FeatureWire
{
    public static FeatureMapReference ToReference(this StoredMap map)
    {
        FeatureMap tokens = map.Map;
        return new FeatureMapReference
        {
            FeaturesKey = map.Key,
            ImageSize = new ImageSize { Width = (uint)map.ImageWidth, Height = (uint)map.ImageHeight },
            Grid = new TokenGrid
            {
                Columns = (uint)tokens.X.Count,
                Rows = (uint)tokens.Y.Count,
                FirstCentre = map.FromMap(Rounded(tokens.X.CentreOf(0)), Rounded(tokens.Y.CentreOf(0))),
                StepXPx = map.TokenStep().X,
                StepYPx = map.TokenStep().Y,
            },
            Channels = (uint)tokens.Channels,
            Region = new Rectangle { X = (uint)map.Region.X, Y = (uint)map.Region.Y, Width = (uint)map.Region.Width, Height = (uint)map.Region.Height },
            Identity = new ModelIdentity
            {
                Model = map.Identity.Model,
                ModelDigest = map.Identity.ModelDigest,
                Adapter = map.Identity.Adapter,
                AdapterDigest = map.Identity.AdapterDigest,
            },
        };
    }

    /// <summary>Distance between neighbouring token centres, pixels of the oriented image.</summary>
    public static (double X, double Y) TokenStep(this StoredMap map) => (Rounded(1.0 / map.Map.X.Scale), Rounded(1.0 / map.Map.Y.Scale));

    // The axes are float32, as the paper's code has them; 1e-4 px hides their last bits (14 instead of 13.9999994).
    private static double Rounded(double px) => Math.Round(px, 4);

    public static ListModelsResponse ToResponse(this ModelCatalog catalog, MeshLimits limits)
    {
        var response = new ListModelsResponse { DefaultModel = catalog.DefaultModel, MinTokens = (uint)limits.MinTokens, MaxTokens = (uint)limits.MaxTokens };
        foreach (ModelEntry entry in catalog.Models)
        {
            var model = new Model
            {
                Name = entry.Name,
                Digest = entry.Digest,
                PatchSize = (uint)entry.PatchSize,
                Width = (uint)entry.Width,
                Depth = (uint)entry.Depth,
                DefaultTokens = (uint)entry.DefaultTokens,
            };
            model.Adapters.Add(entry.Adapters.Select(a => new Adapter { Name = a.Name, Digest = a.Digest }));
            response.Models.Add(model);
        }

        return response;
    }
}
