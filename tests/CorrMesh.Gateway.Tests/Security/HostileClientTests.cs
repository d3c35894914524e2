using System.Net;
using CorrMesh.TestKit.Hostile;
using Grpc.Core;
using Xunit;

namespace CorrMesh.Gateway.Tests.Security;

/// <summary>What hostile clients do, in small: the gateway survives, answers others, and keeps its memory. How fast is the benchmark's to say.</summary>
[Collection(nameof(HostileClientTests))]
public sealed class HostileClientTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static TheoryData<string, int> Small => new()
    {
        { "slow uploads", 50 },
        { "slow gRPC uploads", 200 },
        { "stream resets", 2000 },
        { "gzip bombs, gRPC", 5 },
        { "gzip bombs, HTTP", 20 },
        { "oversized headers", 50 },
        { "too many streams", 2000 },
        { "malformed frames", 300 },
    };

    [Fact]
    public async Task Small_Attacks_AreAllThereAre()
    {
        await using var mesh = await FakeMesh.StartAsync();
        Assert.Equal(new Attacks(mesh.Http.BaseAddress!, mesh.GrpcAddress).All.Keys, Small.Select(row => row.Data.Item1));
    }

    [Theory]
    [MemberData(nameof(Small))]
    public async Task Attack_WhileItGoesOn_OthersAreAnsweredAndMemoryStays(string name, int share)
    {
        await using var mesh = await FakeMesh.StartAsync();
        var attack = new Attacks(mesh.Http.BaseAddress!, mesh.GrpcAddress).All[name];
        Assert.Equal(HttpStatusCode.OK, (await mesh.Http.GetAsync("/v1/models", Token)).StatusCode);
        long before = GC.GetTotalMemory(forceFullCollection: true);
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(Token);

        Task<int> attacking = Task.Run(() => attack(share, enough.Token), Token);
        int answered = 0;
        do
        {
            using var response = await mesh.Http.GetAsync("/v1/models", Token);
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
            var models = await new Protos.Features.V1.FeatureService.FeatureServiceClient(mesh.Grpc).ListModelsAsync(new Protos.Features.V1.ListModelsRequest(), cancellationToken: Token);
            Assert.Equal("compact", models.DefaultModel);
            await Task.Delay(20, Token);
        }
        while (++answered < 50 || (!attacking.IsCompleted && !name.StartsWith("slow", StringComparison.Ordinal)));

        await enough.CancelAsync();
        Assert.InRange(await attacking, 1, share);
        Assert.InRange(GC.GetTotalMemory(forceFullCollection: true) - before, long.MinValue, 64L << 20);
    }

    [Fact]
    public async Task Connection_ResetsWithoutEnd_IsClosedByTheServer()
    {
        await using var mesh = await FakeMesh.StartAsync();
        using var connection = await RawHttp2.ConnectAsync(mesh.GrpcAddress, Token);
        int stream = 1;
        bool open = true;

        for (int i = 0; i < 200 && open; i++)
        {
            for (int j = 0; j < 100; j++, stream += 2)
            {
                connection.AddCall(stream, "/corrmesh.features.v1.FeatureService/ListModels");
                connection.AddReset(stream);
            }

            open = await connection.FlushAsync(Token);
        }

        Assert.True(!open || await connection.IsClosedWithinAsync(TimeSpan.FromSeconds(30), Token));
    }

    [Theory]
    [InlineData(40 << 10)]
    [InlineData(1 << 20)]
    public async Task Headers_TooLarge_Are431OnHttp(int size)
    {
        await using var mesh = await FakeMesh.StartAsync();
        using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/models");
        request.Headers.Add("x-large", new string('a', size));

        HttpStatusCode? status;
        try { status = (await mesh.Http.SendAsync(request, Token)).StatusCode; }
        catch (HttpRequestException) { status = null; }   // closed before all was written

        Assert.True(status is null or HttpStatusCode.RequestHeaderFieldsTooLarge, $"{status}");
    }
}

/// <summary>Alone: what memory they take is measured for the whole process.</summary>
[CollectionDefinition(nameof(HostileClientTests), DisableParallelization = true)]
public sealed class HostileClientTestsAlone;
