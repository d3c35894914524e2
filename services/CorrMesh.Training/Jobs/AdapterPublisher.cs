using CorrMesh.Hosting.Data;
using CorrMesh.Hosting.Errors;
using CorrMesh.Models;
using CorrMesh.Training.Measuring;
using Microsoft.Extensions.Logging;

namespace CorrMesh.Training.Jobs;

/// <summary>Gives names to adapters that the gate has accepted. Whoever serves features sees a new name within a second.</summary>
public sealed class AdapterPublisher(JobStore store, TimeProvider time, ILogger<AdapterPublisher> logger)
{
    private DataDirectory Data => new(store.Data);

    private AdapterNames Names => new(Data);

    /// <summary>Every name, in order.</summary>
    public IReadOnlyList<AdapterManifest> List() => Names.List();

    /// <summary>Makes a name mean a job's adapter; a name that does already is left as it is.</summary>
    /// <param name="name">Of the form that <see cref="DataDirectory.IsId"/> knows.</param>
    /// <exception cref="JobConditionException">The job has not succeeded, the gate did not accept its adapter, or the model has other weights by now.</exception>
    /// <exception cref="IOException">The data directory cannot be written.</exception>
    public AdapterManifest Publish(JobFolder folder, JobManifest job, string name)
    {
        if (job is not { State: JobState.Succeeded, Result: { } result })
            throw new JobConditionException(JobConditionException.JobNotSucceeded, $"job: a job that has succeeded needed, '{job.Id}' is {job.State.ToString().ToLowerInvariant()}");
        return Publish(folder, job, result, name);
    }

    /// <summary>Likewise, while the job's success is not yet written.</summary>
    internal AdapterManifest Publish(JobFolder folder, JobManifest job, JobResult result, string name)
    {
        if (result.Verdict is not { } verdict)
            throw new JobConditionException(JobConditionException.AdapterRefused, $"job: '{job.Id}' was trained before there was a gate; evaluate its adapter and publish that job's");
        if (!verdict.IsAccepted) throw new JobConditionException(JobConditionException.AdapterRefused, $"job: the gate refused the adapter of '{job.Id}': {string.Join("; ", verdict.Reasons)}");
        if (verdict.Settings with { Threads = 1 } != EvaluationSettings.Gate with { Threads = 1 })
            throw new JobConditionException(JobConditionException.AdapterRefused, $"job: the gate's settings needed, '{job.Id}' measured with others");
        var builtIn = new DataDirectory(AppContext.BaseDirectory);
        string now = new ModelCatalog(builtIn, Data, job.Model).Model(job.Model).Digest;
        if (now != job.ModelDigest) throw new JobConditionException(JobConditionException.ModelChanged, $"job: an adapter of sha256:{now} needed, the weights of '{job.Model}' now, one of sha256:{job.ModelDigest} given");
        AdapterManifest published = ModelImport.AddAdapter(builtIn, Data, name, folder.AdapterOf(job), job.Model, job.Id, time);
        JobLog.Published(logger, name, result.Digest, job.Id);
        return published;
    }

    /// <summary>Makes a name mean one of its other adapters.</summary>
    /// <param name="digest">64 hex digits; empty for the one published before the present one.</param>
    /// <exception cref="NotFoundException">There is no such name, or it never meant that adapter.</exception>
    /// <exception cref="JobConditionException">There is no earlier one, or its model or its file has been removed: nothing could be served under the name.</exception>
    public AdapterManifest RollBack(string name, string digest)
    {
        try
        {
            AdapterManifest now = Names.RollBack(name, digest, RequireUsable);
            JobLog.Published(logger, name, now.Digest["sha256:".Length..], "an earlier version");
            return now;
        }
        catch (NoEarlierVersionException exception)
        {
            throw new JobConditionException(JobConditionException.NoEarlierVersion, exception.Message);
        }
    }

    private void RequireUsable(AdapterVersion version)
    {
        if (!ModelCatalog.Has(new DataDirectory(AppContext.BaseDirectory), Data, version.Model))
            throw new JobConditionException(JobConditionException.ModelChanged, $"digest: the model '{version.Model}' of {version.Digest} needed, it has been removed");
        if (!File.Exists(Data.BlobPath(version.Digest["sha256:".Length..])))
            throw new JobConditionException(JobConditionException.AdapterDamaged, $"digest: the file of {version.Digest} needed, it has been removed");
    }
}
