import AviaryFormats
import AviaryTensor
import Testing

/// Against what PyPI's `gguf` makes of the same blocks (Fixtures/quantised.py), bit for bit.
@Suite struct DequantiseTests {
  private static let recorded = Result {
    try SafetensorsFile(path: #filePath.split(separator: "/").dropLast().reduce("") { $0 + "/" + $1 } + "/Fixtures/quantised.safetensors")
  }

  @Test(arguments: DType.quantised) func everyBitIsGgmls(_ dtype: DType) throws {
    let file = try Self.recorded.get()
    let blocks = try #require(try file.tensor("\(dtype).blocks"))
    let wanted = try #require(try file.tensor("\(dtype).floats")).elements(Float.self)
    #expect(blocks.shape[1] == dtype.blockBytes)
    #expect(wanted.count == blocks.shape[0] * dtype.blockElements)
    var found = [Float](repeating: 0, count: wanted.count)
    withExtendedLifetime(blocks.pages) { found.withUnsafeMutableBufferPointer { Dequantise.blocks(dtype, blocks.bytes, into: $0) } }
    // A NaN's bits are the processor's choice.
    let differing = zip(found, wanted).enumerated().filter { $1.0.bitPattern != $1.1.bitPattern && !($1.0.isNaN && $1.1.isNaN) }.map(\.offset)
    #expect(differing.isEmpty, "\(differing.count) of \(wanted.count) differ, the first at \(differing.first ?? 0)")
  }

  @Test func whatIsNoWholeBlockIsLeftAlone() {
    var floats = [Float](repeating: 7, count: 40)
    let bytes = [UInt8](repeating: 0, count: 17 + 18)
    bytes.withUnsafeBytes { raw in floats.withUnsafeMutableBufferPointer { Dequantise.blocks(.q4_0, raw, into: $0) } }
    #expect(floats == [Float](repeating: 0, count: 32) + [Float](repeating: 7, count: 8))
    bytes.withUnsafeBytes { raw in floats.withUnsafeMutableBufferPointer { Dequantise.blocks(.f32, raw, into: $0) } }
    #expect(floats[39] == 7)
  }
}
