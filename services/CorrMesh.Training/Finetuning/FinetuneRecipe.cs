using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;
using CorrMesh.Vision.Adapters;
using CorrMesh.Vision.Backbones;

namespace CorrMesh.Training.Finetuning;

/// <summary>What a fine-tuning step minimises.</summary>
public enum FinetuneLoss
{
    /// <summary>The paper's: <see cref="SmoothApLoss"/>.</summary>
    SmoothAp,

    /// <summary><see cref="ContrastiveLoss"/>.</summary>
    Contrastive,

    /// <summary>Differentiable Procrustes: <see cref="ProcrustesLoss"/>.</summary>
    Procrustes,
}

/// <summary>How an adapter is trained on a frozen backbone. The defaults are the paper's, and its ablations are other values of these fields.</summary>
/// <remarks>With views, thread count and CPU model the recipe determines the result bit by bit. Messages name fields as the wire does.</remarks>
public sealed record FinetuneRecipe
{
    private static readonly JsonSerializerOptions Json = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, Converters = { new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower) } };

    /// <summary>What a step minimises.</summary>
    public FinetuneLoss Loss { get; init; } = FinetuneLoss.SmoothAp;

    /// <summary>3 x 3 convolutions after the backbone, 0 to <see cref="Adapter.MaxRefineLayers"/>.</summary>
    public int ConvLayers { get; init; } = 1;

    /// <summary>Rank of the additions to q and v, 1 to 64.</summary>
    public int LoraRank { get; init; } = 4;

    /// <summary>Last blocks that are adapted, 0 to 48; not more than the backbone has.</summary>
    public int LoraBlocks { get; init; } = 4;

    /// <summary>AdamW's, 1e-8 to 0.1; constant.</summary>
    public double LearningRate { get; init; } = 1e-5;

    /// <summary>Decoupled decay of every trained parameter, 0 to 1.</summary>
    public double WeightDecay { get; init; } = 1e-4;

    /// <summary>Largest L2 norm of all gradients together, 1e-3 to 1e6; longer ones are scaled down to it.</summary>
    public double ClipNorm { get; init; } = 1;

    /// <summary>Steps, one pair of views each, 0 to 1,000,000. The paper: 100 epochs of 100.</summary>
    public int Iterations { get; init; } = 10_000;

    /// <summary>Tokens on the long side of a view, 8 to 160. The paper: 640 px / 8.</summary>
    public int Tokens { get; init; } = 80;

    /// <summary>How many of the source's objects are trained on, the first ones, 1 to 100,000; 0 for all of them.</summary>
    public int ObjectCount { get; init; }

    /// <summary>Names of the objects that are trained on; empty for those that <see cref="ObjectCount"/> says. At most 10,000, each once.</summary>
    public IReadOnlyList<string> Objects { get; init; } = [];

    /// <summary>Points drawn from the object in each view, 16 to 10,000.</summary>
    public int Keypoints { get; init; } = 3000;

    /// <summary>Largest rotation between the two views of a pair, degrees, 1 to 180.</summary>
    public double MaxAngle { get; init; } = 120;

    /// <summary>Whether views are changed by the source's augmentations.</summary>
    public bool Augment { get; init; } = true;

    /// <summary>Whether another random scene stands behind the object in each augmented view; the paper's views are black there. Only with <see cref="Augment"/>.</summary>
    public bool Backdrops { get; init; }

    /// <summary>Keep the frozen blocks' output: augmentations come from a pool, and each of its variants passes the frozen blocks once. The paper's recipe does not.</summary>
    public bool CacheTrunk { get; init; }

    /// <summary>Augmented variants of each view while <see cref="CacheTrunk"/> is on, 1 to 256.</summary>
    public int PoolSize { get; init; } = 16;

    /// <summary>What <see cref="CacheTrunk"/> may keep, bytes, 0 to 1 TiB. Variants that do not fit are computed again, to the same bits.</summary>
    public long CacheBytes { get; init; } = 1L << 30;

    /// <summary>Decides initial values, pairs, points and augmentations, 0 to 2,147,483,647.</summary>
    public int Seed { get; init; } = 42;

    /// <summary>Threads of the network, 1 to 256; another number gives other last bits.</summary>
    public int Threads { get; init; } = 1;

    /// <summary>Every fault of the recipe at once: field, bound, value.</summary>
    public IReadOnlyList<string> Faults()
    {
        var faults = new List<string>();
        if (!Enum.IsDefined(Loss)) faults.Add($"loss: one of {string.Join(", ", Enum.GetNames<FinetuneLoss>())} needed, {(int)Loss} given");
        Range("conv_layers", ConvLayers, 0, Adapter.MaxRefineLayers);
        Range("lora_rank", LoraRank, 1, 64);
        Range("lora_blocks", LoraBlocks, 0, 48);
        if (ConvLayers == 0 && LoraBlocks == 0) faults.Add("conv_layers: at least 1 needed where lora_blocks is 0 (there would be nothing to train), 0 given");
        Range("learning_rate", LearningRate, 1e-8, 0.1);
        Range("weight_decay", WeightDecay, 0, 1);
        Range("clip_norm", ClipNorm, 1e-3, 1e6);
        Range("iterations", Iterations, 0, 1_000_000);
        Range("tokens", Tokens, 8, 160);
        Range("object_count", ObjectCount, 0, 100_000);
        if (Objects.Count > 10_000) faults.Add($"objects: at most 10000 allowed, {Objects.Count} given");
        if (Objects.Count > 0 && ObjectCount > 0) faults.Add($"object_count: 0 needed where objects are named, {ObjectCount} given");
        if (Objects.GroupBy(name => name).FirstOrDefault(group => group.Count() > 1) is { } twice) faults.Add($"objects: each once needed, '{twice.Key}' given {twice.Count()} times");
        Range("keypoints", Keypoints, 16, 10_000);
        Range("max_angle", MaxAngle, 1, 180);
        Range("pool_size", PoolSize, 1, 256);
        Range("cache_bytes", CacheBytes, 0, 1L << 40);
        Range("seed", Seed, 0, int.MaxValue);
        Range("threads", Threads, 1, 256);
        return faults;

        // Written so that a NaN is a fault.
        void Range<T>(string field, T value, T low, T high) where T : System.Numerics.INumber<T>
        {
            if (!(value >= low && value <= high)) faults.Add($"{field}: {low} to {high} needed, {value} given");
        }
    }

    /// <exception cref="ArgumentException">The recipe has faults; the message holds all of them.</exception>
    public void Validate()
    {
        IReadOnlyList<string> faults = Faults();
        if (faults.Count > 0) throw new ArgumentException(string.Join("; ", faults));
    }

    /// <summary>Validates, also against the backbone.</summary>
    /// <exception cref="ArgumentException">The recipe has faults or asks for more than the backbone has; the message says what.</exception>
    public void Validate(VisionTransformerConfig backbone)
    {
        Validate();
        if (LoraBlocks > backbone.Depth) throw new ArgumentException($"lora_blocks: at most {backbone.Depth} needed for this backbone, {LoraBlocks} given");
        if (LoraBlocks > 0 && LoraRank > backbone.Width) throw new ArgumentException($"lora_rank: at most {backbone.Width} needed for this backbone, {LoraRank} given");
    }

    /// <summary>SHA-256 of everything that decides what a step does; a run goes on only from checkpoints of the same. How many steps there are and how much is cached do not count.</summary>
    public string Digest() => Convert.ToHexStringLower(SHA256.HashData(JsonSerializer.SerializeToUtf8Bytes(this with { Iterations = 0, CacheBytes = 0 }, Json)));

    /// <summary>The recipe as JSON, snake_case names.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, Json);
}
