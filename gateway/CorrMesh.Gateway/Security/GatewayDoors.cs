using System.Net;
using CorrMesh.Gateway.Http;
using CorrMesh.Gateway.Proxy;
using CorrMesh.Hosting.Options;
using CorrMesh.Hosting.Security;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Primitives;
using Code = Google.Rpc.Code;

namespace CorrMesh.Gateway.Security;

/// <summary>What a request meets before any route: headers, hosts, origins, gRPC-Web, keys.</summary>
internal static class GatewayDoors
{
    // The page has no inline script or style, and nothing of it comes from elsewhere. `/docs` sets a policy of its own.
    private const string OnlyFromHere =
        "default-src 'self'; img-src 'self' data: blob:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

    // What gRPC-Web and the API say in headers; browsers hide them from pages elsewhere unless told not to.
    private static readonly string[] Exposed =
        ["grpc-status", "grpc-message", "grpc-status-details-bin", "grpc-encoding", "grpc-accept-encoding", "Features-Shape", "Features-Key", "Retry-After"];

    public static IServiceCollection AddGatewayDoors(this IServiceCollection services) => services.AddCors();

    public static void UseGatewayDoors(this IApplicationBuilder app)
    {
        var options = app.ApplicationServices.GetRequiredService<GatewayOptions>();
        var listen = app.ApplicationServices.GetRequiredService<ListenOptions>();
        var keys = app.ApplicationServices.GetRequiredService<ApiKeys>();
        app.Use(AddHeaders);
        app.UseGrpcWebAndText();
        if (IPAddress.IsLoopback(listen.IPAddress)) app.Use((context, next) => AskedForHere(context.Request.Host, options) ? next(context) : RefuseAsync(context, WrongHost));
        if (options.Origins.Count > 0)
            app.UseCors(policy => policy.WithOrigins([.. options.Origins]).WithMethods("GET", "HEAD", "POST", "PUT").AllowAnyHeader().WithExposedHeaders(Exposed).SetPreflightMaxAge(TimeSpan.FromHours(1)));
        app.Use((context, next) => MayAsk(context.Request, options) ? next(context) : RefuseAsync(context, WrongOrigin));
        app.Use(AnswerHead);
        app.Use((context, next) => Access.Of(context.Request.Path) is { } role && keys.Check(context, role) is { } refusal ? RefuseAsync(context, refusal) : next(context));
        app.Use((context, next) =>
        {
            CallerRole.Mark(context);
            return next(context);
        });
    }

    /// <summary>Turns a request away because of a field that its key does not allow.</summary>
    public static IResult Refuse(string field, string message)
    {
        const string reason = "PERMISSION_DENIED";
        GatewayMetrics.Refusals.Add(1, new KeyValuePair<string, object?>("reason", reason));
        return ProblemMiddleware.ProblemResult(new Problem(
            "about:blank", ReasonPhrases.GetReasonPhrase(StatusCodes.Status403Forbidden), StatusCodes.Status403Forbidden, $"{field}: {message}", [new ProblemField(field, message)], reason));
    }

    private static Refusal WrongHost => new(
        StatusCodes.Status400BadRequest, Code.InvalidArgument, "WRONG_HOST", "Host: localhost or a loopback address needed; CorrMesh:Gateway:AllowedHosts adds others");

    private static Refusal WrongOrigin => new(
        StatusCodes.Status403Forbidden, Code.PermissionDenied, "WRONG_ORIGIN", "Origin: pages from elsewhere may not call this gateway; CorrMesh:Gateway:AllowedOrigins lists those that may");

    private static Task AddHeaders(HttpContext context, RequestDelegate next)
    {
        // When the answer starts, since an error clears what was set before it.
        if (!context.IsGrpc())
            context.Response.OnStarting(state =>
            {
                var (request, headers) = (((HttpContext)state).Request, ((HttpContext)state).Response.Headers);
                headers.TryAdd("Content-Security-Policy", OnlyFromHere);
                headers.TryAdd("X-Content-Type-Options", "nosniff");
                headers.TryAdd("X-Frame-Options", "DENY");
                headers.TryAdd("Referrer-Policy", "no-referrer");
                headers.TryAdd("Cross-Origin-Resource-Policy", "same-origin");
                headers.TryAdd("Cross-Origin-Opener-Policy", "same-origin");
                // On localhost it would hold for every other program's port, too.
                if (request.IsHttps && !IsLocal(request.Host)) headers.TryAdd("Strict-Transport-Security", "max-age=31536000");
                return Task.CompletedTask;
            }, context);
        return next(context);
    }

    // A name that someone's DNS has pointed at this machine (DNS rebinding) would make any web page "the same origin".
    private static bool AskedForHere(HostString host, GatewayOptions options) =>
        IsLocal(host) || options.Hosts.Contains(host.Host, StringComparer.OrdinalIgnoreCase);

    private static bool IsLocal(HostString host) =>
        host.Host.Equals("localhost", StringComparison.OrdinalIgnoreCase) || (IPAddress.TryParse(host.Host.Trim('[', ']'), out var address) && IPAddress.IsLoopback(address));

    // Browsers let any page post a form anywhere; without this a page elsewhere could use the mesh, though not read its answers.
    private static bool MayAsk(HttpRequest request, GatewayOptions options) =>
        StringValues.IsNullOrEmpty(request.Headers.Origin)
        || HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method)
        || options.Origins.Contains(request.Headers.Origin.ToString(), StringComparer.OrdinalIgnoreCase)
        || (Uri.TryCreate(request.Headers.Origin, UriKind.Absolute, out var origin) && origin.Authority.Equals(request.Host.Value, StringComparison.OrdinalIgnoreCase));

    // HEAD is GET without a body; the server drops the body by the method that it read itself.
    private static async Task AnswerHead(HttpContext context, RequestDelegate next)
    {
        if (!HttpMethods.IsHead(context.Request.Method))
        {
            await next(context).ConfigureAwait(false);
            return;
        }

        context.Request.Method = HttpMethods.Get;
        try { await next(context).ConfigureAwait(false); }
        finally { context.Request.Method = HttpMethods.Head; }
    }

    private static Task RefuseAsync(HttpContext context, Refusal refusal)
    {
        GatewayMetrics.Refusals.Add(1, new KeyValuePair<string, object?>("reason", refusal.Reason));
        if (context.IsGrpc())
        {
            refusal.WriteGrpc(context.Response);
            return Task.CompletedTask;
        }

        refusal.AddHeaders(context.Response);
        return ProblemMiddleware.ProblemResult(
            new Problem("about:blank", ReasonPhrases.GetReasonPhrase(refusal.Status), refusal.Status, refusal.Message, Reason: refusal.Reason)).ExecuteAsync(context);
    }
}
