using System.Diagnostics;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace CorrMesh.Training.Tests;

public sealed class CheckpointStoreTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("corrmesh-checkpoints-").FullName;

    private readonly Tensor tensor = torch.zeros(1000).DetachFromDisposeScope();

    private CheckpointStore Store(string run = "a", string name = "run") => new(Path.Combine(folder, name), new Dictionary<string, string> { ["run"] = run });

    private (string, Tensor)[] State => [("weights", tensor)];

    public void Dispose()
    {
        tensor.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public void Save_ManyTimes_KeepsTheLastTwoAndRestoresTheLast()
    {
        CheckpointStore store = Store();
        for (int step = 1; step <= 12; step++) SaveAt(store, step);
        Assert.Equal(["step-00000011.safetensors", "step-00000012.safetensors"], Names());
        tensor.zero_();
        RestoredRun restored = store.Restore(State);
        Assert.Equal(12, restored.Step);
        Assert.Empty(restored.Damaged);
        Assert.All(tensor.data<float>().ToArray(), value => Assert.Equal(12, value));
    }

    [Fact]
    public void Restore_NoFolder_BeginsAtZero() => Assert.Equal(0, Store().Restore(State).Step);

    // Goal: any damage to any byte is seen. Method: flip one bit at places all over the file: header, metadata (step, run), data; each time the checkpoint before is taken.
    [Fact]
    public void Restore_AnyBitFlipped_TakesTheOneBefore()
    {
        CheckpointStore store = Store();
        SaveAt(store, 1);
        SaveAt(store, 2);
        string newest = store.PathOf(2);
        byte[] sound = File.ReadAllBytes(newest);
        for (int at = 0; at < sound.Length; at += at < 500 ? 1 : 97)
        {
            byte[] damaged = [.. sound];
            damaged[at] ^= 4;
            File.WriteAllBytes(newest, damaged);
            RestoredRun restored = store.Restore(State);
            Assert.True(restored.Step == 1 && restored.Damaged.Count == 1, $"bit flipped in byte {at} of {sound.Length}: step {restored.Step}");
        }
        File.WriteAllBytes(newest, sound);
        Assert.Equal(2, store.Restore(State).Step);
    }

    [Fact]
    public void Restore_UnfinishedTemporaryFile_IsRemoved()
    {
        CheckpointStore store = Store();
        SaveAt(store, 1);
        File.WriteAllText(store.PathOf(2) + ".0123.tmp", "half");
        Assert.Equal(1, store.Restore(State).Step);
        Assert.Equal(["step-00000001.safetensors"], Names());
    }

    [Fact]
    public void Restore_AnotherRun_IsRefusedAndCopiesNothing()
    {
        SaveAt(Store(), 3);
        tensor.zero_();
        Assert.Equal("step-00000003.safetensors: a checkpoint of run b needed, a given; another run needs a folder of its own",
            Assert.Throws<CheckpointException>(() => Store("b").Restore(State)).Message);
        Assert.All(tensor.data<float>().ToArray(), value => Assert.Equal(0, value));
    }

    // Goal: a folder that cannot be written is a clear error. Method: a file lies where the folder should be.
    [Fact]
    public void Save_FolderCannotBeMade_SaysSo()
    {
        File.WriteAllText(Path.Combine(folder, "run"), "a file");
        string message = Assert.Throws<CheckpointException>(() => Store().Save(7, State)).Message;
        Assert.StartsWith($"checkpoint of step 7: {Path.Combine(folder, "run")} cannot be written: ", message);
        Assert.EndsWith("There is no earlier one.", message);
    }

    // Goal: a full disk is a clear error and loses nothing. Method: a file system of 48 KiB in memory that holds some checkpoints of 4 kB but not one more of 100 kB; once there is
    // room, the run goes on. Mounting needs root; without it the test is skipped.
    [Fact]
    public void Save_DiskFull_KeepsWhatIsThere()
    {
        string full = Directory.CreateDirectory(Path.Combine(folder, "full")).FullName;
        Assert.SkipUnless(Mount("-t", "tmpfs", "-o", "size=48k", "tmpfs", full), "mounting a small file system needs root");
        try
        {
            CheckpointStore store = Store(name: "full/run");
            SaveAt(store, 1);
            SaveAt(store, 2);
            using Tensor large = torch.zeros(25_000);
            string message = Assert.Throws<CheckpointException>(() => store.Save(3, [("weights", tensor), ("large", large)])).Message;
            Assert.Contains("cannot be written: ", message);
            Assert.Contains("space", message, StringComparison.OrdinalIgnoreCase);
            Assert.EndsWith("step-00000002.safetensors is kept.", message);
            Assert.Equal(["step-00000001.safetensors", "step-00000002.safetensors"], Names("full/run"));
            Assert.Equal(2, store.Restore(State).Step);
            SaveAt(store, 3);
            Assert.Equal(3, store.Restore(State).Step);
        }
        finally
        {
            Run("umount", full);
        }
    }

    private static bool Mount(params string[] arguments) => Environment.IsPrivilegedProcess && Run("mount", arguments);

    private static bool Run(string program, params string[] arguments)
    {
        try
        {
            using Process process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
            process.WaitForExit();
            return process.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }

    private void SaveAt(CheckpointStore store, int step)
    {
        tensor.fill_(step);
        store.Save(step, State);
    }

    private IEnumerable<string> Names(string name = "run") => Directory.GetFiles(Path.Combine(folder, name)).Select(file => Path.GetFileName(file)).Order();
}
