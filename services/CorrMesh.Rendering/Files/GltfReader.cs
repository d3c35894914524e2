using System.Numerics;
using CorrMesh.Rendering.Meshes;
using SharpGLTF.Schema2;
using SharpGLTF.Validation;
using Material = CorrMesh.Rendering.Meshes.Material;
using Texture = CorrMesh.Rendering.Meshes.Texture;

namespace CorrMesh.Rendering.Files;

/// <summary>glTF 2.0 and GLB through SharpGLTF: the default scene's meshes, laid out by their nodes.</summary>
internal static class GltfReader
{
    public static TriangleMesh Read(ReadOnlyMemory<byte> content, MeshResources resources, MeshFileLimits limits, ByteBudget budget)
    {
        GltfScan.Check(content, limits);
        try
        {
            ReadContext context = ReadContext.Create(name => new ArraySegment<byte>(resources.Read(Uri.UnescapeDataString(name), budget)));
            context.Validation = ValidationMode.Skip;   // strict mode refuses files that every viewer shows; what is used is checked below
            using var stream = new MemoryStream(content.ToArray(), writable: false);
            return new Reading(context.ReadSchema2(stream), limits).Run();
        }
        catch (ModelException e)
        {
            bool isUnsupported = e.Message.Contains("xtension", StringComparison.Ordinal);
            throw new MeshRejectedException(isUnsupported ? MeshRejection.UnsupportedFeature : MeshRejection.Corrupt, $"mesh glTF: {e.Message}", e);
        }
        // Where a view, offset or type does not fit its buffer, the library's readers fail as plain code does, in any way.
        catch (Exception e) when (e is not (MeshRejectedException or OutOfMemoryException))
        {
            throw new MeshRejectedException(MeshRejection.Corrupt, $"mesh glTF: {e.Message}", e);
        }
    }

    private sealed class Reading(ModelRoot model, MeshFileLimits limits)
    {
        private readonly List<Vector3> positions = [], normals = [], colours = [];
        private readonly List<Vector2> textureCoordinates = [];
        private readonly List<int> indices = [];
        private readonly List<MeshPart> parts = [];
        private readonly TextureCache textures = new(limits);
        private readonly Dictionary<SharpGLTF.Schema2.Material, Material> materials = [];
        private readonly Material plain = new();
        private bool hasColours, hasTextureCoordinates;

        public TriangleMesh Run()
        {
            Scene? scene = model.DefaultScene ?? (model.LogicalScenes.Count > 0 ? model.LogicalScenes[0] : null);
            var open = new Stack<(Node Node, Matrix4x4 Parent)>();
            foreach (Node root in scene is null ? model.LogicalNodes.Where(node => node.VisualParent is null) : scene.VisualChildren) open.Push((root, Matrix4x4.Identity));
            int nodes = 0;
            while (open.TryPop(out (Node Node, Matrix4x4 Parent) next))
            {
                limits.CheckNodes("nodes", ++nodes);
                Matrix4x4 toScene = next.Node.LocalMatrix * next.Parent;
                foreach (Node child in next.Node.VisualChildren) open.Push((child, toScene));
                if (next.Node.Mesh is not { } mesh) continue;
                foreach (MeshPrimitive primitive in mesh.Primitives) Add(primitive, toScene);
            }
            return new TriangleMesh(
                [.. positions], [.. indices], parts, [.. normals], hasTextureCoordinates ? [.. textureCoordinates] : null, hasColours ? [.. colours] : null, Vector3.UnitY);
        }

        private void Add(MeshPrimitive primitive, Matrix4x4 toScene)
        {
            if (primitive.DrawPrimitiveType is not (PrimitiveType.TRIANGLES or PrimitiveType.TRIANGLE_STRIP or PrimitiveType.TRIANGLE_FAN)) return;
            if (primitive.GetVertexAccessor("POSITION") is not { } accessor) return;
            int first = positions.Count, firstIndex = indices.Count, count = accessor.Count;
            limits.CheckVertices((long)first + count);
            limits.CheckFaces(((long)firstIndex + (primitive.IndexAccessor?.Count ?? count)) / 3);
            foreach (Vector3 position in accessor.AsVector3Array()) positions.Add(Vector3.Transform(position, toScene));

            bool isFlat = primitive.GetVertexAccessor("NORMAL") is null;   // the format says: no normals, flat faces
            AddNormals(primitive, toScene, count);
            Material material = Convert(primitive.Material, out int coordinateSet);
            IList<Vector2>? given = primitive.GetVertexAccessor($"TEXCOORD_{coordinateSet}")?.AsVector2Array();
            Require("TEXCOORD", given?.Count, count);
            hasTextureCoordinates |= given is not null;
            IList<Vector4>? tints = primitive.GetVertexAccessor("COLOR_0")?.AsColorArray();
            Require("COLOR_0", tints?.Count, count);
            hasColours |= tints is not null;
            for (int i = 0; i < count; i++)
            {
                textureCoordinates.Add(given is null ? Vector2.Zero : given[i]);
                colours.Add(tints is null ? Vector3.One : new Vector3(tints[i].X, tints[i].Y, tints[i].Z));
            }
            foreach ((int a, int b, int c) in primitive.GetTriangleIndices())
            {
                if (a < 0 || b < 0 || c < 0 || a >= count || b >= count || c >= count)
                    throw new MeshRejectedException(MeshRejection.IndexOutOfRange, $"mesh face {indices.Count / 3}: vertex 0 to {count - 1} needed, {Math.Max(a, Math.Max(b, c))} given");
                indices.Add(first + a);
                indices.Add(first + b);
                indices.Add(first + c);
            }
            limits.CheckFaces(indices.Count / 3);
            if (indices.Count > firstIndex) parts.Add(new MeshPart(firstIndex, indices.Count - firstIndex, material, isFlat));
        }

        private void AddNormals(MeshPrimitive primitive, Matrix4x4 toScene, int count)
        {
            IList<Vector3>? given = primitive.GetVertexAccessor("NORMAL")?.AsVector3Array();
            Require("NORMAL", given?.Count, count);
            // Normals go by the inverse transpose; a node that flattens its mesh has none, and the faces tell.
            bool isRegular = Matrix4x4.Invert(toScene, out Matrix4x4 inverse);
            Matrix4x4 byTranspose = Matrix4x4.Transpose(inverse);
            for (int i = 0; i < count; i++) normals.Add(given is null || !isRegular ? Vector3.Zero : Vector3.TransformNormal(given[i], byTranspose));
        }

        private static void Require(string name, int? given, int expected)
        {
            if (given is { } length && length < expected) throw new MeshRejectedException(MeshRejection.Corrupt, $"mesh {name}: {expected} values needed, {length} given");
        }

        private Material Convert(SharpGLTF.Schema2.Material? from, out int coordinateSet)
        {
            coordinateSet = 0;
            if (from is null) return plain;
            MaterialChannel? channel = from.FindChannel("BaseColor") ?? from.FindChannel("Diffuse");
            coordinateSet = channel?.TextureCoordinate ?? 0;
            if (materials.TryGetValue(from, out Material? known)) return known;
            Vector4 colour = channel?.Color ?? Vector4.One;
            Material made = new()
            {
                Name = from.Name ?? "",
                BaseColour = Vector3.Clamp(new Vector3(colour.X, colour.Y, colour.Z), Vector3.Zero, Vector3.One),
                Pattern = channel is { Texture: { } texture } ? Pattern(texture) : null,
                Roughness = Factor(from, "RoughnessFactor", 1),
                Metallic = Factor(from, "MetallicFactor", 0),
            };
            // A metal mirrors its surroundings, of which there are none here: half of its light stays scattered, or it would be black.
            made = made with { Metallic = made.Metallic / 2 };
            materials.Add(from, made);
            return made;
        }

        private Texture Pattern(SharpGLTF.Schema2.Texture texture)
        {
            Image image = texture.PrimaryImage ?? throw new MeshRejectedException(MeshRejection.UnsupportedFeature, $"mesh texture {texture.LogicalIndex}: a PNG or JPEG image needed, none given");
            return textures.Get($"image {image.LogicalIndex}", Wrap(texture.Sampler?.WrapS), Wrap(texture.Sampler?.WrapT), () => image.Content.Content);
        }

        private static TextureWrap Wrap(TextureWrapMode? mode) => mode switch
        {
            TextureWrapMode.CLAMP_TO_EDGE => TextureWrap.Clamp,
            TextureWrapMode.MIRRORED_REPEAT => TextureWrap.Mirror,
            _ => TextureWrap.Repeat,
        };

        private static float Factor(SharpGLTF.Schema2.Material from, string name, float otherwise)
        {
            if (from.FindChannel("MetallicRoughness") is not { } channel) return otherwise;
            // A texture decides where there is one; it is not read.
            if (channel.Texture is not null && name == "MetallicFactor") return 0;
            foreach (IMaterialParameter parameter in channel.Parameters)
                if (parameter.Name == name && parameter.Value is float value) return Math.Clamp(value, 0, 1);
            return otherwise;
        }
    }
}
