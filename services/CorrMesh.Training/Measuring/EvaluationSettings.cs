using System.Numerics;

namespace CorrMesh.Training.Measuring;

/// <summary>How a model is measured on an object. With the object, thread count and CPU model they determine the figures bit by bit; another seed gives other views.</summary>
public sealed record EvaluationSettings
{
    /// <summary>What a gate measures with: coarse enough for a verdict within a minute, at one thread, of a network such as the built-in one.</summary>
    /// <remarks>
    /// Features are computed for 12 views of 9 objects twice; at 28 tokens that is half of the work at 40. More points would cost time and leave the noise, which is that of the views.
    /// </remarks>
    public static EvaluationSettings Gate { get; } = new() { Tokens = 28, PointCount = 250 };

    /// <summary>Views of the object, 3 to 32: their maps are held together.</summary>
    public int ViewCount { get; init; } = 12;

    /// <summary>Views turned further against each other than this make no pair, degrees, 1 to 180.</summary>
    public double MaxAngle { get; init; } = 60;

    /// <summary>Side of a rendered view, pixels, 64 to 2048.</summary>
    public int Size { get; init; } = 512;

    /// <summary>Tokens on the long side of a view, 8 to 160.</summary>
    public int Tokens { get; init; } = 40;

    /// <summary>Points of a pair at most, 16 to 262,144; where both views see more, so many are drawn from them.</summary>
    public int PointCount { get; init; } = 500;

    /// <summary>Decides views, backgrounds and points, 0 to 2,147,483,647.</summary>
    public int Seed { get; init; } = 1;

    /// <summary>Threads of network, renderer and search, 1 to 256.</summary>
    public int Threads { get; init; } = 1;

    /// <summary>Every fault at once: field, bound, value.</summary>
    public IReadOnlyList<string> Faults()
    {
        var faults = new List<string>();
        Range("view_count", ViewCount, 3, 32);
        Range("max_angle", MaxAngle, 1, 180);
        Range("size", Size, 64, 2048);
        Range("tokens", Tokens, 8, 160);
        Range("point_count", PointCount, 16, 262_144);
        Range("seed", Seed, 0, int.MaxValue);
        Range("threads", Threads, 1, 256);
        return faults;

        // Written so that a NaN is a fault.
        void Range<T>(string field, T value, T low, T high) where T : INumber<T>
        {
            if (!(value >= low && value <= high)) faults.Add($"{field}: {low} to {high} needed, {value} given");
        }
    }

    /// <exception cref="ArgumentException">There are faults; the message holds all of them.</exception>
    public void Validate()
    {
        IReadOnlyList<string> faults = Faults();
        if (faults.Count > 0) throw new ArgumentException(string.Join("; ", faults));
    }
}
