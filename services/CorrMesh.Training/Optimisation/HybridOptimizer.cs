using CorrMesh.Vision.Execution;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace CorrMesh.Training.Optimisation;

/// <summary>Muon for the weight matrices of transformer blocks, AdamW for everything else.</summary>
/// <remarks>
/// Muon (Jordan et al. 2024) replaces a matrix' momentum by the nearest matrix with orthonormal rows, found with five steps
/// of a quintic Newton-Schulz iteration. Updates are scaled by 0.2 * sqrt(max(rows, columns)) so that their typical entry is
/// that of an AdamW update and both can share a learning rate (Liu et al. 2025, "Muon is scalable for LLM training").
/// A qkv matrix is treated as three. All state is in <see cref="State"/>, so that a run can be stopped and resumed exactly.
/// </remarks>
public sealed class HybridOptimizer : IOptimizer
{
    private const double Momentum = 0.95;
    private static readonly AdamConstants Adam = new(0.9, 0.99, 1e-8);
    private const int NewtonSchulzSteps = 5;

    private readonly ScalarType muonType;
    private readonly List<(string Name, Parameter Parameter)> matrices = [];
    private readonly List<(string Name, Parameter Parameter)> others = [];

    /// <param name="parameters">Trainable parameters by name; the names of blocks' matrices begin with "blocks.".</param>
    /// <param name="useMuon">False gives AdamW for all of them.</param>
    /// <param name="muonType">What Muon's iteration computes in; it was made for bfloat16.</param>
    public HybridOptimizer(IEnumerable<(string Name, Parameter Parameter)> parameters, bool useMuon = true, ScalarType muonType = ScalarType.Float32)
    {
        this.muonType = muonType;
        foreach ((string name, Parameter parameter) in parameters)
        {
            bool matrix = useMuon && parameter.dim() == 2 && name.StartsWith("blocks.", StringComparison.Ordinal);
            (matrix ? matrices : others).Add((name, parameter));
            State[$"{name}.momentum"] = torch.zeros_like(parameter).DetachFromDisposeScope();
            if (!matrix) State[$"{name}.variance"] = torch.zeros_like(parameter).DetachFromDisposeScope();
        }
    }

    /// <summary>Momenta and variances by parameter name; owned by the optimizer.</summary>
    public Dictionary<string, Tensor> State { get; } = [];

    /// <summary>Takes one step from the parameters' gradients and clears them.</summary>
    /// <param name="step">Counts from 1; sets the bias correction of AdamW.</param>
    public void Step(int step, UpdateSettings settings)
    {
        using var noGrad = torch.no_grad();
        using var scope = torch.NewDisposeScope();
        foreach ((string name, Parameter parameter) in others) UpdateByAdam(name, parameter, step, settings);
        UpdateByMuon(settings);
    }

    private void UpdateByAdam(string name, Parameter parameter, int step, UpdateSettings settings)
    {
        if (parameter.grad is not { } gradient) return;
        bool decays = parameter.dim() >= 2 && name.EndsWith("weight", StringComparison.Ordinal);
        DecoupledAdam.Update(parameter, gradient, State[$"{name}.momentum"], State[$"{name}.variance"], step, Adam, settings.LearningRate, decays ? settings.WeightDecay : 0);
        gradient.zero_();
    }

    // Matrices of one shape are orthogonalised together: one batched product instead of many small ones.
    private void UpdateByMuon(UpdateSettings settings)
    {
        var directions = new List<(Tensor Target, Tensor Direction)>();
        foreach ((string name, Parameter parameter) in matrices)
        {
            if (parameter.grad is not { } gradient) continue;
            Tensor momentum = State[$"{name}.momentum"];
            momentum.Scale(Momentum).Accumulate(gradient, 1 - Momentum);
            Tensor direction = gradient.Times(1 - Momentum).Accumulate(momentum, Momentum);   // Nesterov
            int parts = name.EndsWith("qkv.weight", StringComparison.Ordinal) ? 3 : 1;
            Tensor[] targets = parameter.chunk(parts), pieces = direction.chunk(parts);
            for (int i = 0; i < parts; i++) directions.Add((targets[i], pieces[i]));
        }

        foreach (var group in directions.GroupBy(d => (Math.Min(d.Direction.shape[0], d.Direction.shape[1]), Math.Max(d.Direction.shape[0], d.Direction.shape[1]))))
        {
            (Tensor Target, Tensor Direction)[] members = [.. group];
            bool[] transposed = [.. members.Select(m => m.Direction.shape[0] > m.Direction.shape[1])];
            Tensor stacked = torch.stack(members.Select((m, i) => transposed[i] ? m.Direction.t() : m.Direction));
            Tensor orthogonal = Orthogonalise(stacked, muonType);
            double scale = settings.LearningRate * 0.2 * Math.Sqrt(group.Key.Item2);
            for (int i = 0; i < members.Length; i++)
            {
                Tensor update = transposed[i] ? orthogonal[i].t() : orthogonal[i];
                members[i].Target.Scale(1 - settings.LearningRate * settings.WeightDecay).Accumulate(update, -scale);
            }
        }

        foreach ((_, Parameter parameter) in matrices) parameter.grad?.zero_();
    }

    /// <summary>The approximately orthonormal polar factor of each matrix.</summary>
    /// <param name="matrices">[K, rows, columns] with rows at most columns.</param>
    /// <param name="computeType">What the iteration computes in.</param>
    /// <returns>[K, rows, columns] of the matrices' type; singular values between about 0.7 and 1.2.</returns>
    public static Tensor Orthogonalise(Tensor matrices, ScalarType computeType = ScalarType.Float32)
    {
        const double a = 3.4445, b = -4.7750, c = 2.0315;   // steepest at zero while staying bounded (Jordan 2024)
        using var scope = torch.NewDisposeScope();
        Tensor x = (matrices / (matrices * matrices).sum([-2, -1], true).sqrt().Plus(1e-7)).to_type(computeType);
        for (int i = 0; i < NewtonSchulzSteps; i++)
        {
            Tensor gram = x.matmul(x.transpose(-1, -2));
            x = x.Times(a).Plus(gram.Times(b).Plus(gram.matmul(gram).Times(c)).matmul(x));
        }
        return x.to_type(matrices.dtype).MoveToOuterDisposeScope();
    }

    public void Dispose()
    {
        foreach (Tensor tensor in State.Values) tensor.Dispose();
    }
}
