using System.Diagnostics;
using CorrMesh.Hosting.Supervision;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace CorrMesh.Hosting.Tests.Supervision;

/// <summary>Supervision of small shell scripts in place of services.</summary>
public sealed class SupervisorTests : IDisposable
{
    // Notes its start and its stop in the journal, is ready at once, and stops at SIGTERM or when its input ends.
    private const string Serve = """echo "start $1 $$" >> "$0"; trap 'echo "stop $1 $$" >> "$0"; exit 0' TERM; echo ready; while read -r line; do :; done; echo "end $1 $$" >> "$0" """;

    private readonly string journal = Path.GetTempFileName();
    private readonly StringWriter log = new();

    private static CancellationToken Test => TestContext.Current.CancellationToken;

    public void Dispose() => File.Delete(journal);

    [Fact]
    public async Task StartAndStop_ThreeServices_GoInOrderAndBack()
    {
        await using Supervisor supervisor = Supervise(Child("a"), Child("b"), Child("c"));
        Assert.Equal(0, await supervisor.StartAsync(Test));
        await supervisor.StopAsync(Test);
        Assert.Equal(["start a", "start b", "start c", "stop c", "stop b", "stop a"], Journal().Select(entry => $"{entry.What} {entry.Name}"));
        Assert.Contains("a | ready", TextOfLog(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Killed_Child_IsStartedAgain()
    {
        await using Supervisor supervisor = Supervise(Child("a"), Child("b"));
        Assert.Equal(0, await supervisor.StartAsync(Test));
        int first = Journal().Single(entry => entry is { What: "start", Name: "a" }).Pid;
        Process.GetProcessById(first).Kill();
        await UntilAsync(() => Journal().Count(entry => entry is { What: "start", Name: "a" }) == 2);
        Assert.Single(Journal(), entry => entry is { What: "start", Name: "b" });
    }

    // Goal: a child that needs a shell to end it with the supervisor is looked after even when somebody has killed that shell. Method: the shell is the process whose command line ends in the child's number.
    [Fact]
    public async Task Killed_ChildWhoseGuardIsGone_IsStartedAgain()
    {
        await using Supervisor supervisor = Supervise(Child("a") with { WatchesInput = false });
        Assert.Equal(0, await supervisor.StartAsync(Test));
        int pid = Journal().Single().Pid;
        using Process guard = Process.GetProcesses().Single(process => CommandLineOf(process).EndsWith($"\0{pid}\0", StringComparison.Ordinal));
        guard.Kill();
        await UntilAsync(() => CommandLineOf(guard).Length == 0);
        Process.GetProcessById(pid).Kill();
        await UntilAsync(() => Journal().Count(entry => entry.What == "start") == 2);
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(1, 0)]
    [InlineData(2, 1)]
    [InlineData(3, 2)]
    [InlineData(4, 4)]
    [InlineData(5, 8)]
    [InlineData(6, 10)]
    [InlineData(1000, 10)]
    public void DelayAfter_ShortLives_DoublesUpToTenSeconds(int shortLives, int seconds) =>
        Assert.Equal(TimeSpan.FromSeconds(seconds), Supervisor.DelayAfter(shortLives));

    [Fact]
    public async Task Start_ChildRefuses_EndsAllWithItsMessageAndCode()
    {
        await using Supervisor supervisor = Supervise(Child("a"), Child("b", "echo 'port: 70000 given' >&2; exit 2"), Child("c"));
        Assert.Equal(2, await supervisor.StartAsync(Test));
        Assert.Contains("b | port: 70000 given", TextOfLog(), StringComparison.Ordinal);
        Assert.Equal(["start a", "stop a"], Journal().Select(entry => $"{entry.What} {entry.Name}"));
    }

    [Fact]
    public async Task Start_ChildEndsWellBeforeItIsReady_IsAFailure()
    {
        await using Supervisor supervisor = Supervise(Child("a", "exit 0"));
        Assert.Equal(1, await supervisor.StartAsync(Test));
    }

    // Goal: a rolling restart leaves no moment without a process, and spares what cannot share its port. Method: the journal's order.
    [Fact]
    public async Task ReplaceAll_EachInTurn_StartsTheReplacementBeforeTheOldOneStops()
    {
        await using Supervisor supervisor = Supervise(Child("store") with { IsReplaceable = false }, Child("a"), Child("b"));
        Assert.Equal(0, await supervisor.StartAsync(Test));
        await supervisor.ReplaceAllAsync();
        (string What, string Name, int Pid)[] entries = [.. Journal()];
        Assert.Equal(["start store", "start a", "start b", "start a", "stop a", "start b", "stop b"], entries.Select(entry => $"{entry.What} {entry.Name}"));
        Assert.Equal((entries[1].Pid, entries[2].Pid), (entries[4].Pid, entries[6].Pid));
        Process.GetProcessById(entries[3].Pid).Kill();   // the replacement is looked after as the one before it was
        await UntilAsync(() => Journal().Count(entry => entry is { What: "start", Name: "a" }) == 3);
    }

    [Fact]
    public async Task ReplaceAll_ReplacementRefuses_TheOldOneGoesOn()
    {
        // Ready the first time only.
        await using Supervisor supervisor = Supervise(Child("a", $"""grep -q 'start a' "$0" && exit 2; {Serve}"""), Child("b"));
        Assert.Equal(0, await supervisor.StartAsync(Test));
        await supervisor.ReplaceAllAsync();
        Assert.Equal(["start a", "start b"], Journal().Select(entry => $"{entry.What} {entry.Name}"));
        Assert.False(Process.GetProcessById(Journal().First().Pid).HasExited);
    }

    [Fact]
    public async Task Stop_ChildDoesNotStop_IsKilledAtTheLimit()
    {
        await using Supervisor supervisor = Supervise(TimeSpan.FromMilliseconds(200), Child("a", "trap '' TERM; echo ready; while :; do sleep 0.05; done"));
        Assert.Equal(0, await supervisor.StartAsync(Test));
        await supervisor.StopAsync(Test);
    }

    // Goal: whoever hurries is obeyed. Method: a child that stops at the second request only.
    [Fact]
    public async Task Stop_Hurried_AsksAgain()
    {
        await using Supervisor supervisor = Supervise(Child("a", """trap 'n=$((n+1)); [ $n -ge 2 ] && exit 0' TERM; echo ready; while :; do sleep 0.05; done"""));
        Assert.Equal(0, await supervisor.StartAsync(Test));
        using var hurry = new CancellationTokenSource();
        Task stop = supervisor.StopAsync(hurry.Token);
        await Task.Delay(300, Test);
        Assert.False(stop.IsCompleted);
        await hurry.CancelAsync();
        await stop;
    }

    [Fact]
    public async Task Terminal_Interrupt_DoesNotReachChildren()
    {
        await using Supervisor supervisor = Supervise(Child("a"));
        Assert.Equal(0, await supervisor.StartAsync(Test));
        int pid = Journal().Single().Pid;
        // Field 6 of /proc/PID/stat is the session, after "(name) state parent group".
        string[] fields = (await File.ReadAllTextAsync($"/proc/{pid}/stat", Test)).Split(')')[^1].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal($"{pid}", fields[3]);
    }

    private Supervisor Supervise(params ChildSpec[] specs) => Supervise(TimeSpan.FromSeconds(20), specs);

    private Supervisor Supervise(TimeSpan stopLimit, params ChildSpec[] specs) => new(specs, TextWriter.Synchronized(log), NullLogger.Instance, TimeProvider.System, stopLimit);

    private ChildSpec Child(string name, string script = Serve) => new(name, name, ["sh", "-c", script, journal, name], line => line == "ready", "nowhere");

    // Of an ended process it is empty.
    private static string CommandLineOf(Process process)
    {
        try { return File.ReadAllText($"/proc/{process.Id}/cmdline"); }
        catch (IOException) { return ""; }
    }

    private string TextOfLog() => log.ToString();

    private IEnumerable<(string What, string Name, int Pid)> Journal() => File.ReadAllLines(journal).Select(line => line.Split(' ')).Select(parts => (parts[0], parts[1], int.Parse(parts[2], System.Globalization.CultureInfo.InvariantCulture)));

    private static async Task UntilAsync(Func<bool> condition)
    {
        while (!condition()) await Task.Delay(20, Test);
    }
}
