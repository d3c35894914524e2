namespace CorrMesh.Vision.Weights;

/// <summary>Checks a pickle's result before anyone walks it recursively.</summary>
internal static class PickleGraph
{
    /// <summary>Refuses cycles and nesting beyond a depth. Linear in the containers and their items; needs no stack of its own.</summary>
    /// <exception cref="FormatException">A container holds itself, or containers nest deeper than allowed.</exception>
    public static void Check(object? root, int maxDepth)
    {
        var heights = new Dictionary<object, int>(ReferenceEqualityComparer.Instance);      // 0 while open, then 1 + the highest child
        var open = new Stack<(object Container, IEnumerator<object?> Items)>();
        Enter(root);
        while (open.TryPeek(out var top))
        {
            if (open.Count > maxDepth) throw TooDeep(maxDepth);
            if (top.Items.MoveNext())
            {
                object? item = top.Items.Current;
                if (item is null || !heights.TryGetValue(item, out int height)) Enter(item);
                else if (height == 0) throw new FormatException("a container that holds itself is not allowed");
                continue;
            }
            open.Pop();
            int tallest = 0;
            foreach (object? item in Items(top.Container)!)
                if (item is not null && heights.TryGetValue(item, out int height)) tallest = Math.Max(tallest, height);
            if (tallest + 1 > maxDepth) throw TooDeep(maxDepth);
            heights[top.Container] = tallest + 1;
        }

        void Enter(object? item)
        {
            if (Items(item) is not { } items) return;
            heights[item!] = 0;
            open.Push((item!, items.GetEnumerator()));
        }
    }

    private static FormatException TooDeep(int maxDepth) => new($"containers nested more than {maxDepth} deep are not allowed");

    private static IEnumerable<object?>? Items(object? value) => value switch
    {
        PickleTuple tuple => tuple.Items,
        PickleList list => list.Items,
        PickleDictionary dictionary => dictionary.Items.Values,
        _ => null,
    };
}
