using System.Diagnostics;
using System.Globalization;
using CorrMesh.Features.Tests.Support;
using CorrMesh.Protos.Training.V1;
using Grpc.Core;
using Grpc.Net.Client;
using Xunit;
using Contract = CorrMesh.Protos.Training.V1.TrainingService;

namespace CorrMesh.Training.Tests.Jobs;

/// <summary>The real program as processes: features and training in one, each job's in another.</summary>
public sealed class KilledJobsTests(ITestOutputHelper output)
{
    private static readonly string Program = Path.Combine(AppContext.BaseDirectory, "CorrMesh.Host.dll");

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    // Goal: kill -9 of a job's process, of the service, or of both changes nothing but the time: the adapter is the undisturbed run's to the bit, no process is left
    // over, and the adapter can be brought in. Method: two jobs of one recipe; the second loses its process, then the service, then both, each at a moment drawn anew (the
    // seed is printed) after it has got further.
    [Fact]
    public async Task Kill_JobServiceAndBoth_AdapterIsTheUndisturbedOne()
    {
        int seed = Environment.TickCount;
        output.WriteLine($"seed {seed}");
        var random = new Random(seed);
        using TestData data = JobHost.Data();
        var service = await Service.StartAsync(data.Root, "features,training");
        try
        {
            string undisturbed = await service.CreateAsync("undisturbed"), killed = await service.CreateAsync("killed");
            await JobHost.WhenAsync(service.Client, undisturbed, job => job.State == JobState.Succeeded);
            uint step = 0;
            foreach (string target in new[] { "job", "service", "both" })
            {
                uint from = step + 1 + (uint)random.Next(6);
                Job job = await JobHost.WhenAsync(service.Client, killed, job => job.State == JobState.Succeeded || job.Progress?.Step >= from);
                Assert.Equal(JobState.Running, job.State);
                step = job.Progress.Step;
                await Task.Delay(random.Next(100), Token);
                int child = await service.WhenJobProcessAsync();
                output.WriteLine($"{target} after step {step}");
                if (target != "service") Process.GetProcessById(child).Kill();
                if (target == "job") continue;
                service.Kill();
                await EndsAsync(child);
                service = await Service.StartAsync(data.Root, "features,training");
            }

            Job done = await JobHost.WhenAsync(service.Client, killed, job => job.State is JobState.Succeeded or JobState.Failed);

            Assert.Equal((JobState.Succeeded, ""), (done.State, done.Reason));
            string file = AdapterOf(killed);
            Assert.Equal(await File.ReadAllBytesAsync(AdapterOf(undisturbed), Token), await File.ReadAllBytesAsync(file, Token));
            Assert.Null(service.JobProcess());
            using var add = Process.Start("dotnet", [Program, "add-adapter", "cube", file, "--model", "small", "--data", data.Root]);
            await add.WaitForExitAsync(Token);
            Assert.Equal(0, add.ExitCode);
        }
        finally
        {
            service.Kill();
        }

        string AdapterOf(string id) => Path.Combine(data.Root, "jobs", id, "adapter.safetensors");
    }

    // Goal: the training service computes nothing, so it must not carry Torch's gigabyte either. Method: what the process has mapped after its first answers.
    [Fact]
    public async Task Service_Alone_NeverLoadsTorch()
    {
        using TestData data = JobHost.Data();
        var service = await Service.StartAsync(data.Root, "training");
        try
        {
            Assert.Empty((await service.Client.ListJobsAsync(new ListJobsRequest(), cancellationToken: Token)).Jobs);
            await service.Client.CreateFinetuneJobAsync(JobHost.Order(), cancellationToken: Token).FailsAsync(StatusCode.Unavailable);   // features is not there

            Assert.DoesNotContain("torch", service.Maps(), StringComparison.OrdinalIgnoreCase);
        }
        finally
        {
            service.Kill();
        }
    }

    // A process whose parent is gone stays in the table until someone asks for it; it has ended nevertheless.
    private static async Task EndsAsync(int pid)
    {
        for (var patience = Stopwatch.StartNew(); patience.Elapsed < TimeSpan.FromSeconds(60); await Task.Delay(50, Token))
        {
            try
            {
                if (File.ReadAllText($"/proc/{pid}/stat").Split(") ")[1][0] == 'Z') return;
            }
            catch (IOException)
            {
                return;
            }
        }

        Assert.Fail($"process {pid} goes on without its service");
    }

    /// <summary>The host program, serving some services on free ports.</summary>
    private sealed class Service
    {
        private readonly Process process;

        private Service(Process process, Uri address)
        {
            this.process = process;
            Client = new Contract.TrainingServiceClient(GrpcChannel.ForAddress(address));
        }

        public Contract.TrainingServiceClient Client { get; }

        public static async Task<Service> StartAsync(string data, string targets)
        {
            var start = new ProcessStartInfo("dotnet", [
                Program, $"--target={targets}", "--port-base=0", $"--data={data}", "--threads=1", "--set", "CorrMesh:Features:DefaultModel=small", "--set", "CorrMesh:Training:CheckpointSteps=3",
                "--set", "CorrMesh:Retry:Retries=0", .. targets == "training" ? ["--set", "CorrMesh:Services:features=http://127.0.0.1:1"] : Array.Empty<string>(),
            ])
            { RedirectStandardOutput = true };
            start.Environment["OMP_WAIT_POLICY"] = "passive";
            Process process = Process.Start(start)!;
            string? line;
            do line = await process.StandardOutput.ReadLineAsync(Token);
            while (line is not null && !line.StartsWith("ready ", StringComparison.Ordinal));
            Assert.NotNull(line);
            return new Service(process, new Uri(line.Split(' ').Single(word => word.StartsWith("training.grpc=", StringComparison.Ordinal)).Split('=', 2)[1]));
        }

        public async Task<string> CreateAsync(string requestId) => (await Client.CreateFinetuneJobAsync(JobHost.Order(requestId), cancellationToken: Token)).Job.Id;

        /// <summary>The process of the job that is trained now; null when none is.</summary>
        public int? JobProcess()
        {
            foreach (string folder in Directory.GetDirectories("/proc").Where(folder => int.TryParse(Path.GetFileName(folder), CultureInfo.InvariantCulture, out _)))
            {
                try
                {
                    string[] stat = File.ReadAllText(Path.Combine(folder, "stat")).Split(") ")[1].Split(' ');
                    if (int.Parse(stat[1], CultureInfo.InvariantCulture) == process.Id && stat[0] != "Z") return int.Parse(Path.GetFileName(folder), CultureInfo.InvariantCulture);
                }
                catch (IOException)
                {
                    // It has ended meanwhile.
                }
            }

            return null;
        }

        /// <summary>The process of the job; after one was killed, that of the next attempt as soon as it is there.</summary>
        public async Task<int> WhenJobProcessAsync()
        {
            for (var patience = Stopwatch.StartNew(); patience.Elapsed < TimeSpan.FromMinutes(1); await Task.Delay(5, Token))
            {
                if (JobProcess() is { } child) return child;
            }

            throw new InvalidOperationException("the job that runs has no process");
        }

        public string Maps() => File.ReadAllText($"/proc/{process.Id}/maps");

        /// <summary>kill -9.</summary>
        public void Kill()
        {
            if (!process.HasExited) process.Kill();
            process.WaitForExit();
        }
    }
}
