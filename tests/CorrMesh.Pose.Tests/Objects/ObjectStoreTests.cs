using CorrMesh.Hosting.Errors;
using CorrMesh.Pose.Objects;
using CorrMesh.Pose.Tests.Support;
using Grpc.Core;
using Xunit;

namespace CorrMesh.Pose.Tests.Objects;

public sealed class ObjectStoreTests : IDisposable
{
    private readonly Made made = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => made.Dispose();

    [Fact]
    public async Task Add_Object_IsThereForEveryStoreOfTheDirectory()
    {
        using ObjectStore one = made.Store(), other = made.Store();
        Assert.Empty(other.List());
        await AddAsync(one, "cup");
        await AddAsync(other, "box");
        foreach (ObjectStore store in new[] { one, other, made.Store() })
        {
            Assert.Equal(["box", "cup"], store.List().Select(manifest => manifest.Id));
            Assert.Equal(Made.Model().Wide.Points, store.Load(store.Get("cup")).Wide.Points);
        }
    }

    [Fact]
    public async Task Add_TakenId_IsRefusedAndChangesNothing()
    {
        using ObjectStore store = made.Store();
        ObjectManifest first = await AddAsync(store, "cup");
        var refused = await Assert.ThrowsAsync<RpcException>(() => AddAsync(store, "cup", seed: 1));
        Assert.Equal((StatusCode.AlreadyExists, "OBJECT_EXISTS"), (refused.StatusCode, refused.ErrorReason()));
        Assert.Equal(first.Archive, store.Get("cup").Archive);
    }

    [Fact]
    public async Task Add_ManyAtOnce_AreAllThere()
    {
        ObjectStore[] stores = [made.Store(), made.Store(), made.Store()];
        await Task.WhenAll(Enumerable.Range(0, 24).Select(i => Task.Run(() => AddAsync(stores[i % 3], $"object-{i:D2}", (ulong)i))));
        Assert.Equal(24, stores[0].List().Count);
        foreach (ObjectStore store in stores) store.Dispose();
    }

    // Goal: a crash before the manifest leaves nothing that anyone sees.
    [Fact]
    public void Crash_BeforeTheManifest_LeavesNoObject()
    {
        Directory.CreateDirectory(Path.Combine(made.Folder, "objects", "cup"));
        File.WriteAllText(Path.Combine(made.Folder, "objects", "cup", "manifest.json.0.tmp"), "{");
        File.WriteAllText(Path.Combine(made.Folder, "objects", "incoming-0"), "PK");
        using ObjectStore store = made.Store();
        Assert.Empty(store.List());
        Assert.Throws<NotFoundException>(() => store.Get("cup"));
    }

    [Fact]
    public async Task Delete_Object_TakesItsFileUnlessAnotherHasTheSame()
    {
        using ObjectStore store = made.Store();
        ObjectManifest one = await AddAsync(store, "one"), two = await AddAsync(store, "two");
        Assert.Equal(one.Archive, two.Archive);
        await store.DeleteAsync("one", Token);
        Assert.Equal(["two"], store.List().Select(manifest => manifest.Id));
        Assert.NotEmpty(store.Load(store.Get("two")).Pictures);
        await store.DeleteAsync("two", Token);
        Assert.Throws<FileNotFoundException>(() => store.OpenArchive(two));
        await Assert.ThrowsAsync<NotFoundException>(() => store.DeleteAsync("two", Token));
    }

    [Fact]
    public async Task Load_MoreThanThereIsRoomFor_StillGivesEach()
    {
        using ObjectStore store = made.Store(new PoseOptions { LoadedBytes = 1 << 20 });
        for (ulong i = 0; i < 4; i++) await AddAsync(store, $"o{i}", i, rows: 20_000);
        for (int round = 0; round < 2; round++)
            for (ulong i = 0; i < 4; i++)
                Assert.Equal(Made.Model(20_000, i).Wide.Points[0], store.Load(store.Get($"o{i}")).Wide.Points[0]);
    }

    [Fact]
    public async Task Load_DamagedFile_FailsAndIsReadAnewWhenMended()
    {
        using ObjectStore store = made.Store();
        ObjectManifest manifest = await AddAsync(store, "cup");
        string path = Directory.GetFiles(Path.Combine(made.Folder, "blobs"), manifest.Archive, SearchOption.AllDirectories).Single();
        byte[] whole = File.ReadAllBytes(path);
        File.WriteAllBytes(path, whole[..100]);
        Assert.ThrowsAny<InvalidDataException>(() => store.Load(manifest));
        File.WriteAllBytes(path, whole);
        Assert.NotEmpty(store.Load(manifest).Pictures);
    }

    [Fact]
    public async Task Message_OfAManifest_HoldsWhatWasKept()
    {
        using ObjectStore store = made.Store();
        await AddAsync(store, "cup");
        var message = made.Store().Get("cup").ToMessage();
        Assert.Equal(("cup", "compact", 40u, 0.3, 50u, 40u), (message.Id, message.Identity.Model, message.Tokens, message.DiameterM, message.Sampled, message.Kept));
        Assert.Equal(1, Assert.Single(message.Symmetries.Continuous).Direction.Z);
        Assert.Equal(0.1, message.Box.Greatest.X);
        Assert.Equal("millimetres", Assert.Single(message.Findings).Kind);
        Assert.Equal(1.5, message.Duration.ToTimeSpan().TotalSeconds);
    }

    private static Task<ObjectManifest> AddAsync(ObjectStore store, string id, ulong seed = 0, int rows = 20) =>
        store.AddAsync(id, Made.Model(rows, seed), archive => Made.Manifest(id, archive), Token);
}
