namespace CorrMesh.Vision.Similarity;

/// <summary>Largest eigenvalues of a symmetric positive semi-definite matrix by orthogonal iteration.</summary>
internal static class LeadingEigenvectors
{
    // Extra directions: convergence then depends on the gap to the ninth eigenvalue, not to the fourth.
    private const int ExtraDirections = 5, MaxIterations = 300;

    /// <summary>Iterates a seeded basis, with Rayleigh-Ritz rotation in every step, until the wanted vectors stand still.</summary>
    /// <param name="matrix">[size * size] symmetric.</param>
    /// <param name="size">Rows.</param>
    /// <param name="count">Vectors wanted, at most size.</param>
    /// <returns>Eigenvalues, descending, and [count, size] unit vectors; the sign makes each vector's largest entry positive.</returns>
    public static (double[] Values, float[] Vectors) Of(float[] matrix, int size, int count)
    {
        int width = Math.Min(size, count + ExtraDirections);
        var basis = new double[width][];
        var random = new Random(20250422);
        for (int i = 0; i < width; i++)
        {
            basis[i] = [.. Enumerable.Range(0, size).Select(_ => random.NextDouble() - 0.5)];
        }

        Orthonormalise(basis);
        double[] values = new double[width];
        float[] narrow = new float[width * size], product = new float[width * size];
        for (int iteration = 0; iteration < MaxIterations; iteration++)
        {
            for (int i = 0; i < width * size; i++)
            {
                narrow[i] = (float)basis[i / size][i % size];
            }

            DotProducts.Compute(narrow, matrix, size, product);   // [width, size]: each basis vector times the matrix
            var image = Enumerable.Range(0, width).Select(i => product.AsSpan(i * size, size).ToArray().Select(v => (double)v).ToArray()).ToArray();
            var (rotation, ritz) = Rotate(basis, image);
            var next = Combine(rotation, image);
            Orthonormalise(next);
            double change = 0;   // 1 - cosine of the turn; directions without variance may turn freely
            for (int i = 0; i < count; i++)
            {
                change = Math.Max(change, ritz[i] > 1e-9 * ritz[0] ? 1 - Math.Abs(Dot(next[i], basis[i])) : 0);
            }

            (basis, values) = (next, ritz);
            if (change < 1e-9)
            {
                break;
            }
        }

        var vectors = new float[count * size];
        for (int i = 0; i < count; i++)
        {
            int largest = 0;
            for (int c = 1; c < size; c++)
            {
                largest = Math.Abs(basis[i][c]) > Math.Abs(basis[i][largest]) + 1e-6 ? c : largest;
            }

            double sign = basis[i][largest] < 0 ? -1 : 1;
            for (int c = 0; c < size; c++)
            {
                vectors[(i * size) + c] = (float)(sign * basis[i][c]);
            }
        }

        return (values[..count], vectors);
    }

    /// <summary>Eigenvectors of the matrix as seen by the basis (Rayleigh-Ritz), largest first.</summary>
    private static (double[,] Rotation, double[] Values) Rotate(double[][] basis, double[][] image)
    {
        int n = basis.Length;
        var small = new double[n, n];
        for (int i = 0; i < n; i++)
        {
            for (int j = 0; j < n; j++)
            {
                small[i, j] = 0.5 * (Dot(basis[i], image[j]) + Dot(basis[j], image[i]));
            }
        }

        var vectors = Jacobi(small);
        int[] order = [.. Enumerable.Range(0, n).OrderByDescending(i => small[i, i])];
        var rotation = new double[n, n];
        for (int i = 0; i < n; i++)
        {
            for (int j = 0; j < n; j++)
            {
                rotation[i, j] = vectors[j, order[i]];
            }
        }

        return (rotation, [.. order.Select(i => small[i, i])]);
    }

    /// <summary>Cyclic Jacobi: leaves eigenvalues on the diagonal and returns eigenvectors as columns.</summary>
    private static double[,] Jacobi(double[,] a)
    {
        int n = a.GetLength(0);
        var v = new double[n, n];
        for (int i = 0; i < n; i++)
        {
            v[i, i] = 1;
        }

        for (int sweep = 0; sweep < 30; sweep++)
        {
            for (int p = 0; p < n; p++)
            {
                for (int q = p + 1; q < n; q++)
                {
                    if (Math.Abs(a[p, q]) <= 1e-15 * Math.Sqrt(Math.Abs(a[p, p] * a[q, q])) || a[p, q] == 0)
                    {
                        continue;
                    }

                    double theta = (a[q, q] - a[p, p]) / (2 * a[p, q]);
                    double t = (theta >= 0 ? 1 : -1) / (Math.Abs(theta) + Math.Sqrt((theta * theta) + 1));
                    double c = 1 / Math.Sqrt((t * t) + 1), s = t * c;
                    for (int k = 0; k < n; k++)
                    {
                        (a[k, p], a[k, q]) = ((c * a[k, p]) - (s * a[k, q]), (s * a[k, p]) + (c * a[k, q]));
                    }

                    for (int k = 0; k < n; k++)
                    {
                        (a[p, k], a[q, k]) = ((c * a[p, k]) - (s * a[q, k]), (s * a[p, k]) + (c * a[q, k]));
                        (v[k, p], v[k, q]) = ((c * v[k, p]) - (s * v[k, q]), (s * v[k, p]) + (c * v[k, q]));
                    }
                }
            }
        }

        return v;
    }

    private static double[][] Combine(double[,] rotation, double[][] image)
    {
        int n = image.Length;
        var result = new double[n][];
        for (int i = 0; i < n; i++)
        {
            result[i] = new double[image[0].Length];
            for (int j = 0; j < n; j++)
            {
                AddScaled(result[i], image[j], rotation[i, j]);
            }
        }

        return result;
    }

    /// <summary>Gram-Schmidt, twice for accuracy; a direction that vanishes is replaced by an axis.</summary>
    private static void Orthonormalise(double[][] basis)
    {
        int axis = 0;
        for (int i = 0; i < basis.Length; i++)
        {
            double before = Math.Sqrt(Dot(basis[i], basis[i]));
            while (true)
            {
                for (int pass = 0; pass < 2; pass++)
                {
                    for (int j = 0; j < i; j++)
                    {
                        AddScaled(basis[i], basis[j], -Dot(basis[i], basis[j]));
                    }
                }

                double norm = Math.Sqrt(Dot(basis[i], basis[i]));
                if (norm > 1e-10 * before && norm > 0)
                {
                    for (int c = 0; c < basis[i].Length; c++)
                    {
                        basis[i][c] /= norm;
                    }

                    break;
                }

                Array.Clear(basis[i]);
                basis[i][axis++ % basis[i].Length] = 1;
                before = 1;
            }
        }
    }

    private static void AddScaled(double[] target, double[] source, double factor)
    {
        for (int c = 0; c < target.Length; c++)
        {
            target[c] += factor * source[c];
        }
    }

    private static double Dot(double[] a, double[] b)
    {
        double sum = 0;
        for (int c = 0; c < a.Length; c++)
        {
            sum += a[c] * b[c];
        }

        return sum;
    }
}
