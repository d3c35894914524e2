using CorrMesh.Hosting.Errors;
using CorrMesh.Protos.Common.V1;
using Google.Protobuf;
using Xunit;

namespace CorrMesh.Features.Tests;

public sealed class WireTensorsTests
{
    [Fact]
    public void Encode_F32_IsLittleEndianCOrderAndReadsBackEqual()
    {
        float[] values = [1, -2.5f, 3.14159f, 0, float.Epsilon, 1e30f];
        Tensor tensor = WireTensors.Encode(values, DataType.F32, 2, 3)!;
        Assert.Equal([2u, 3u], tensor.Shape);
        Assert.Equal([0, 0, 0x80, 0x3F], tensor.Data.Take(4));
        Assert.Equal((2, 3), (WireTensors.DecodeMatrix(tensor, 2, "t").Rows, WireTensors.DecodeMatrix(tensor, 2, "t").Columns));
        Assert.Equal(values, WireTensors.DecodeMatrix(tensor, 2, "t").Values);
    }

    [Fact]
    public void Encode_F16_ReadsBackRoundedToHalf()
    {
        float[] values = [1, -2.5f, 3.14159f, 0.1f];
        Tensor tensor = WireTensors.Encode(values, DataType.F16, 4, 1)!;
        Assert.Equal(8, tensor.Data.Length);
        Assert.Equal(values.Select(v => (float)(Half)v), WireTensors.DecodeMatrix(tensor, 4, "t").Values);
    }

    [Fact]
    public void Encode_NoFormat_GivesNothing() => Assert.Null(WireTensors.Encode([1f], DataType.Unspecified, 1));

    [Theory]
    [InlineData(DataType.Unspecified, new uint[] { 2, 3 }, 24, "t.data_type")]
    [InlineData((DataType)9, new uint[] { 2, 3 }, 24, "t.data_type")]
    [InlineData(DataType.F32, new uint[] { 6 }, 24, "t.shape")]
    [InlineData(DataType.F32, new uint[] { 1, 2, 3 }, 24, "t.shape")]
    [InlineData(DataType.F32, new uint[] { 0, 3 }, 0, "t.shape")]
    [InlineData(DataType.F32, new uint[] { 3, 0 }, 0, "t.shape")]
    [InlineData(DataType.F32, new uint[] { 5, 1 }, 20, "t.shape")]
    [InlineData(DataType.F32, new uint[] { 2, 3 }, 23, "t.data")]
    [InlineData(DataType.F32, new uint[] { 2, 3 }, 25, "t.data")]
    [InlineData(DataType.F16, new uint[] { 2, 3 }, 24, "t.data")]
    [InlineData(DataType.F32, new uint[] { 4, uint.MaxValue }, 16, "t.data")]
    public void DecodeMatrix_FormatShapeOrBytesThatDisagree_AreRefusedByName(DataType type, uint[] shape, int bytes, string field)
    {
        var tensor = new Tensor { DataType = type, Data = ByteString.CopyFrom(new byte[bytes]), Shape = { shape } };
        Assert.Equal(field, Assert.Throws<FieldException>(() => WireTensors.DecodeMatrix(tensor, 4, "t")).Violations[0].Field);
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    [InlineData(float.NegativeInfinity)]
    public void DecodeMatrix_NotFinite_IsRefusedWithItsRow(float value)
    {
        foreach (DataType type in new[] { DataType.F32, DataType.F16 })
        {
            Tensor tensor = WireTensors.Encode([0, 0, 0, value], type, 2, 2)!;
            Assert.Equal([new FieldViolation("t.data", $"finite values needed, {value} given in row 1")], Assert.Throws<FieldException>(() => WireTensors.DecodeMatrix(tensor, 4, "t")).Violations);
        }
    }

    [Fact]
    public void CheckFits_AtAndPastTheRoomOfAMessage_PassesAndRefuses()
    {
        const int message = 64 << 20, room = (64 << 20) - (1 << 20);
        WireTensors.CheckFits(room / 4, DataType.F32, message, "return_values");
        WireTensors.CheckFits(room / 2, DataType.F16, message, "return_values");
        WireTensors.CheckFits(long.MaxValue / 8, DataType.Unspecified, message, "return_values");
        Assert.Throws<FieldException>(() => WireTensors.CheckFits(room / 4 + 1, DataType.F32, message, "return_values"));
        Assert.Throws<FieldException>(() => WireTensors.CheckFits(room / 2 + 1, DataType.F16, message, "return_values"));
        WireTensors.CheckFits(1000, DataType.F32, 1 << 16, "return_values");   // small messages have room too
    }
}
