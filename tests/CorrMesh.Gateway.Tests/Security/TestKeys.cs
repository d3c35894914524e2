using CorrMesh.Hosting.Security;

namespace CorrMesh.Gateway.Tests.Security;

/// <summary>A data directory with a key file: a user's key and an admin's.</summary>
internal sealed class TestKeys : IDisposable
{
    public const string Wrong = "cm_wrong-wrong-wrong-wrong-wrong-wrong-wrong-w";

    public TestKeys()
    {
        (var user, User) = ApiKey.Create("someone", KeyRole.User, null, null, TimeProvider.System);
        (var admin, Admin) = ApiKey.Create("operator", KeyRole.Admin, null, null, TimeProvider.System);
        Write(user, admin);
    }

    public string Directory { get; } = System.IO.Directory.CreateTempSubdirectory("corrmesh-keys-").FullName;

    public string File => Path.Combine(Directory, ApiKeys.DefaultFile);

    public string User { get; }

    public string Admin { get; }

    public (string, string) Setting => ("CorrMesh:Data:Directory", Directory);

    public void Write(params ApiKey[] keys) => new KeyFile(1, keys).Write(File);

    public void Dispose() => System.IO.Directory.Delete(Directory, recursive: true);
}
