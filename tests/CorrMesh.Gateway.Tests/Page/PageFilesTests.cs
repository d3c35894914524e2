using System.Net;
using System.Text.RegularExpressions;
using CorrMesh.TestKit;
using Xunit;

namespace CorrMesh.Gateway.Tests.Page;

public sealed partial class PageFilesTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    // Goal: the page and all it names are served from here, with a policy under which nothing else could load or run. Method: follow
    // every address in the page and every import in its scripts.
    [Fact]
    public async Task Page_EveryAddressInIt_IsServedUnderTheStrictPolicy()
    {
        await using var mesh = await FakeMesh.StartAsync();
        var waiting = new Queue<string>(["/", "/runs/some-job", "/poses"]);
        var seen = new HashSet<string> { "/", "/runs/some-job", "/poses", "/docs" };
        while (waiting.TryDequeue(out string? path))
        {
            var answer = await mesh.Http.GetAsync(path, Token);
            string text = await answer.Content.ReadAsStringAsync(Token);
            Assert.True(answer.StatusCode == HttpStatusCode.OK, path);
            string policy = answer.Headers.GetValues("Content-Security-Policy").Single();
            Assert.StartsWith("default-src 'none'; script-src 'self'; style-src 'self';", policy, StringComparison.Ordinal);
            Assert.DoesNotContain("unsafe", policy, StringComparison.Ordinal);
            Assert.Equal("nosniff", answer.Headers.GetValues("X-Content-Type-Options").Single());
            if (path is "/" or "/poses" || path.StartsWith("/runs", StringComparison.Ordinal)) Assert.DoesNotMatch(@"<script(?![^>]*src=)|<style|\sstyle=|\son\w+=|https?://", text);
            foreach (Match match in Address().Matches(text))
            {
                string found = new Uri(new Uri(mesh.Http.BaseAddress!, path), match.Groups[1].Value).AbsolutePath;
                if (!match.Groups[1].Value.StartsWith('#') && seen.Add(found)) waiting.Enqueue(found);
            }
        }

        Assert.Superset(new HashSet<string> { "/assets/page.css", "/assets/page.js", "/assets/api.js", "/assets/picture.js", "/assets/mesh.js", "/runs", "/assets/runs.css", "/assets/runs.js", "/assets/run.js", "/assets/chart.js", "/assets/events.js", "/assets/poses.css", "/assets/poses.js", "/assets/objects.js", "/assets/fields.js", "/assets/clip.js", "/assets/projection.js", "/favicon.svg" }, seen);
    }

    [Theory]
    [InlineData("/", "text/html; charset=utf-8")]
    [InlineData("/runs", "text/html; charset=utf-8")]
    [InlineData("/runs/some-job", "text/html; charset=utf-8")]
    [InlineData("/poses", "text/html; charset=utf-8")]
    [InlineData("/assets/page.js", "text/javascript; charset=utf-8")]
    [InlineData("/samples/left.jpg", "image/jpeg")]
    public async Task Page_AskedAgainWithItsTag_IsNotSentAgain(string path, string type)
    {
        await using var mesh = await FakeMesh.StartAsync();
        var first = await mesh.Http.GetAsync(path, Token);
        Assert.Equal(type, first.Content.Headers.ContentType?.ToString());
        var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.IfNoneMatch.Add(first.Headers.ETag!);

        var second = await mesh.Http.SendAsync(request, Token);

        Assert.Equal(HttpStatusCode.NotModified, second.StatusCode);
        Assert.Equal("no-cache", first.Headers.CacheControl?.ToString());
    }

    [Theory]
    [InlineData("left.jpg")]
    [InlineData("right.jpg")]
    public async Task Samples_AreTheOnesOfTheRepository(string name)
    {
        await using var mesh = await FakeMesh.StartAsync();

        Assert.Equal(await File.ReadAllBytesAsync(Path.Combine(Checkout.Root, "deploy", "samples", name), Token), await mesh.Http.GetByteArrayAsync($"/samples/{name}", Token));
    }

    [Theory]
    [InlineData("/assets/nothing.js")]
    [InlineData("/assets/../index.html")]
    [InlineData("/wwwroot/index.html")]
    [InlineData("/runs.html")]
    [InlineData("/runs/some/job")]
    [InlineData("/poses.html")]
    [InlineData("/poses/some-object")]
    public async Task Page_OtherFile_IsNotFound(string path)
    {
        await using var mesh = await FakeMesh.StartAsync();

        await (await mesh.Http.GetAsync(path, Token)).ProblemAsync(404);
    }

    [GeneratedRegex("""(?:\s(?:src|href)="|from ')([^"']+)""")]
    private static partial Regex Address();
}
