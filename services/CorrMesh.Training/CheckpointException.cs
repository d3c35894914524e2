namespace CorrMesh.Training;

/// <summary>A checkpoint could not be written, or belongs to another run; the message says which, why, and what is still there.</summary>
public sealed class CheckpointException : Exception
{
    public CheckpointException() { }

    public CheckpointException(string message) : base(message) { }

    public CheckpointException(string message, Exception innerException) : base(message, innerException) { }
}
