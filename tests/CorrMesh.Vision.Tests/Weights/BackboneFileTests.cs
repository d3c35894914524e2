using CorrMesh.Vision.Backbones;
using CorrMesh.Vision.Features;
using CorrMesh.Vision.Weights;
using TorchSharp;
using Xunit;

namespace CorrMesh.Vision.Tests.Weights;

public sealed class BackboneFileTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("corrmesh-backbones-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void Load_SavedNetwork_HasItsShapeAndFeatures()
    {
        using VisionTransformer original = TinyModel.Create(TinyModel.Gated);
        string path = Save(State(original));
        using VisionTransformer loaded = BackboneFile.Load(path, heads: 2);
        Assert.Equal(TinyModel.Gated, loaded.Config);
        Assert.All(loaded.parameters(), parameter => Assert.False(parameter.requires_grad));
        PreparedImage image = PreparedImage.From(TinyModel.Picture(64, 48), InputGeometry.ForTokens(64, 48, 6));
        using var before = new FeatureModel(original);
        using var after = new FeatureModel(loaded);
        Assert.Equal(before.Extract([image])[0].Values, after.Extract([image])[0].Values);
    }

    [Fact]
    public void Load_WithoutMaskToken_IsAccepted()
    {
        using VisionTransformer original = TinyModel.Create(TinyModel.Plain);
        using VisionTransformer loaded = BackboneFile.Load(Save(State(original, name => name != "mask_token")), heads: 2);
        Assert.Equal(TinyModel.Plain, loaded.Config);
    }

    [Theory]
    [InlineData("pos_embed")]
    [InlineData("norm.bias")]
    [InlineData("blocks.2.attn.qkv.weight")]
    [InlineData("blocks.3.ls2.gamma")]
    public void Load_WithoutOneArray_NamesIt(string missing)
    {
        using VisionTransformer original = TinyModel.Create(TinyModel.Plain);
        string path = Save(State(original, name => name != missing));
        string message = Assert.Throws<WeightFileException>(() => BackboneFile.Load(path, heads: 2)).Message;
        Assert.Contains(missing, message, StringComparison.Ordinal);
        Assert.StartsWith("network.safetensors", message, StringComparison.Ordinal);
    }

    [Fact]
    public void Load_UnknownArray_NamesIt()
    {
        using VisionTransformer original = TinyModel.Create(TinyModel.Plain);
        StateDict state = State(original);
        state.Add("head.weight", WeightArray.FromFloats([1], 1));
        Assert.Contains("head.weight", Assert.Throws<WeightFileException>(() => BackboneFile.Load(Save(state), heads: 2)).Message, StringComparison.Ordinal);
    }

    // Goal: a small file cannot ask for a large network. Method: two vectors claim a width of a million (matrices of 12 TB) and the matrices are missing or tiny.
    [Fact]
    public void Load_WidthThatTheMatricesDoNotHave_IsRefusedBeforeAllocating()
    {
        const int Width = 1 << 20;
        var state = new StateDict();
        state.Add("patch_embed.proj.weight", WeightArray.FromFloats(new float[Width * 3], Width, 3, 1, 1));
        state.Add("pos_embed", WeightArray.FromFloats(new float[Width * 2], 1, 2, Width));
        state.Add("blocks.0.norm1.weight", WeightArray.FromFloats([1], 1));
        state.Add("blocks.0.mlp.fc1.weight", WeightArray.FromFloats([1], 1, 1));
        Assert.Contains("blocks.0.attn.qkv.weight", Assert.Throws<WeightFileException>(() => BackboneFile.Load(Save(state))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Load_HeadsThatDoNotDivideTheWidth_IsRefused()
    {
        using VisionTransformer original = TinyModel.Create(TinyModel.Plain);
        Assert.Contains("heads", Assert.Throws<WeightFileException>(() => BackboneFile.Load(Save(State(original)), heads: 7)).Message, StringComparison.Ordinal);
    }

    private static StateDict State(VisionTransformer network, Func<string, bool>? keep = null)
    {
        var state = new StateDict();
        foreach ((string name, var parameter) in network.named_parameters().Where(p => keep?.Invoke(p.name) ?? true)) state.Add(name, parameter.ToWeightArray());
        return state;
    }

    private string Save(StateDict state)
    {
        string path = Path.Combine(folder, "network.safetensors");
        SafeTensorsFile.Write(path, state);
        return path;
    }
}
