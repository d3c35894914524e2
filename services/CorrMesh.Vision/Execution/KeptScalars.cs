using TorchSharp;
using static TorchSharp.torch;

namespace CorrMesh.Vision.Execution;

/// <summary>Arithmetic of tensors with numbers whose native scalars live until the call has returned.</summary>
/// <remarks>
/// TorchSharp turns the number of <c>tensor * 0.5</c> into a finalizable Scalar, passes its handle on and lets go of the object. When another thread's garbage collection falls
/// between, the finalizer frees the scalar that the native call is about to read: "Unknown scalar type", or silently another number. Seen once in some ten thousand steps beside a
/// thread that allocates. Results are of the caller's dispose scope.
/// </remarks>
public static class KeptScalars
{
    /// <summary>tensor + number.</summary>
    public static Tensor Plus(this Tensor tensor, double number)
    {
        using Scalar kept = number;
        return tensor.add(kept);
    }

    /// <summary>tensor * number.</summary>
    public static Tensor Times(this Tensor tensor, double number)
    {
        using Scalar kept = number;
        return tensor.mul(kept);
    }

    /// <summary>tensor / number.</summary>
    public static Tensor Over(this Tensor tensor, double number)
    {
        using Scalar kept = number;
        return tensor.div(kept);
    }

    /// <summary>1 - tensor.</summary>
    public static Tensor OneMinus(this Tensor tensor) => tensor.neg().Plus(1);

    /// <summary>Values brought into low..high; no gradient outside.</summary>
    public static Tensor Within(this Tensor tensor, double low, double high)
    {
        using Scalar least = low, most = high;
        return tensor.clamp(least, most);
    }

    /// <summary>Where the tensor is greater than a number.</summary>
    public static Tensor IsAbove(this Tensor tensor, double number)
    {
        using Scalar kept = number;
        return tensor.gt(kept);
    }

    /// <summary>The tensor with a number where the mask is true.</summary>
    public static Tensor With(this Tensor tensor, Tensor mask, double number)
    {
        using Scalar kept = number;
        return tensor.masked_fill(mask, kept);
    }

    /// <summary>target *= number.</summary>
    /// <returns>The target.</returns>
    public static Tensor Scale(this Tensor target, double number)
    {
        using Scalar kept = number;
        return target.mul_(kept);
    }

    /// <summary>target += number.</summary>
    /// <returns>The target.</returns>
    public static Tensor Increase(this Tensor target, double number)
    {
        using Scalar kept = number;
        return target.add_(kept);
    }

    /// <summary>target += factor * other.</summary>
    /// <returns>The target.</returns>
    public static Tensor Accumulate(this Tensor target, Tensor other, double factor)
    {
        using Scalar kept = factor;
        return target.add_(other, kept);
    }

    /// <summary>target += factor * left * right.</summary>
    /// <returns>The target.</returns>
    public static Tensor AccumulateProduct(this Tensor target, Tensor left, Tensor right, double factor)
    {
        using Scalar kept = factor;
        return target.addcmul_(left, right, kept);
    }

    /// <summary>target += factor * numerator / denominator.</summary>
    /// <returns>The target.</returns>
    public static Tensor AccumulateQuotient(this Tensor target, Tensor numerator, Tensor denominator, double factor)
    {
        using Scalar kept = factor;
        return target.addcdiv_(numerator, denominator, kept);
    }
}
