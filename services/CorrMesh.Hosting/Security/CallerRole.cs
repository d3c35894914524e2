using Grpc.Core;
using Microsoft.AspNetCore.Http;

namespace CorrMesh.Hosting.Security;

/// <summary>What the gateway tells a service of who calls, for the few calls that change the mesh by a field alone. The gateway lets no caller say it.</summary>
public static class CallerRole
{
    private const string Header = "corrmesh-caller-role", User = "user";

    /// <summary>At the gateway, once the key is checked: puts what is true in the place of what the caller said.</summary>
    public static void Mark(HttpContext context)
    {
        if (ApiKeys.IsOperator(context)) context.Request.Headers.Remove(Header);
        else context.Request.Headers[Header] = User;
    }

    /// <summary>At a service.</summary>
    /// <param name="field">That needs the role admin.</param>
    /// <exception cref="RpcException">PERMISSION_DENIED: the caller's key has the role user.</exception>
    public static void RequireOperator(ServerCallContext context, string field)
    {
        if (context.RequestHeaders.GetValue(Header) == User)
            throw new RpcException(new Status(StatusCode.PermissionDenied, $"{field}: an API key with the role admin needed, one with the role user given"));
    }
}
