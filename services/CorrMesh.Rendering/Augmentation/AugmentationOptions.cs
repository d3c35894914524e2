namespace CorrMesh.Rendering.Augmentation;

/// <summary>How pictures are changed for training. The defaults are what the paper's public code uses.</summary>
public sealed record AugmentationOptions
{
    /// <summary>How often a picture is shifted, scaled and turned, 0 to 1.</summary>
    public float GeometricProbability { get; init; } = 0.5f;

    /// <summary>Greatest shift to either side, as a fraction of the edge.</summary>
    public float ShiftLimit { get; init; } = 0.25f;

    /// <summary>Greatest change of scale: 1 less this to 1 plus this.</summary>
    public float ScaleLimit { get; init; } = 0.25f;

    /// <summary>Greatest turn to either side, degrees.</summary>
    public float RotateLimitDegrees { get; init; } = 45;

    /// <summary>How often each change of colour happens, 0 to 1; they are drawn one by one.</summary>
    public float ColourProbability { get; init; } = 0.5f;

    /// <summary>Variance of the Gaussian noise, squared levels of 8 bits: least and greatest.</summary>
    public (float Least, float Greatest) NoiseVariance { get; init; } = (10, 50);

    /// <summary>Sensor noise: shift of the hue, as a fraction of the circle; least and greatest.</summary>
    public (float Least, float Greatest) IsoColourShift { get; init; } = (0.01f, 0.05f);

    /// <summary>Sensor noise: strength; least and greatest.</summary>
    public (float Least, float Greatest) IsoIntensity { get; init; } = (0.1f, 0.5f);

    /// <summary>Clip limit of the local equalisation, 1 to this.</summary>
    public float ClipLimit { get; init; } = 4;

    /// <summary>Greatest change of brightness (of the range) and of contrast (a factor) to either side.</summary>
    public float BrightnessContrastLimit { get; init; } = 0.2f;

    /// <summary>Black off the object, whatever was there before.</summary>
    public bool IsBackgroundBlack { get; init; } = true;
}
