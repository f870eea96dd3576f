import AviaryCore
import AviaryParts
import AviaryTensor
import CoreTestSupport
import Testing

/// Weights that are stored in another type than the checkpoint's while a model runs.
struct WeightTypesTests {
  static let numbers: [Float] = [1, -2.5, 65519, 1e6, 1.00390625, 1.01171875]

  static func bits16(_ weights: ModelWeights, _ slot: Int32) throws -> [UInt16] {
    let slice = weights.slices[Int(slot)]
    var bytes = [UInt8](repeating: 0, count: slice.byteCount)
    try bytes.withUnsafeMutableBytes { try Reference().download(slice, into: $0) }
    return bytes.withUnsafeBytes { raw in (0..<raw.count / 2).map { raw.loadUnaligned(fromByteOffset: $0 * 2, as: UInt16.self) } }
  }

  @Test(arguments: [DType.f16, .bf16]) func matricesAreRoundedToNearestEvenAndVectorsStay(type: DType) throws {
    var source = MemoryWeights()
    try source.add("m", [2, 3], Self.numbers)
    try source.add("v", [6], Self.numbers)
    let (taken, weights) = try Weights.load(.checkpoint(source, NameMap()), as: WeightTypes(language: type), on: Reference()) { (w) throws(AviaryError) in
      let w = w.part(.language)
      return [try w.weight("m", [2, 3]), try w.weight("v", [6])]
    }
    #expect(taken.map(\.dtype) == [type, .f32])
    // 65519 is the last number that f16 rounds down; the two behind 1e6 lie half-way between two numbers of bf16.
    let wanted: [UInt16] = type == .f16 ? [0x3c00, 0xc100, 0x7bff, 0x7c00, 0x3c04, 0x3c0c] : [0x3f80, 0xc020, 0x4780, 0x4974, 0x3f80, 0x3f82]
    #expect(try Self.bits16(weights, taken[0].slot) == wanted)
    #expect(try WeightLoaderTests.floats(weights, taken[1].slot) == Self.numbers)
  }

  @Test func largeTensorsAreConvertedWhole() throws {
    let shape: Shape = [1025, 1031]
    var bits = [UInt16](repeating: 0, count: shape.elements)
    for i in bits.indices { bits[i] = UInt16(truncatingIfNeeded: i &* 2_654_435_761 >> 7) & 0x7fff % 0x7c00 }
    var source = MemoryWeights()
    try source.add("m", shape, .f16, bytes: bits.withUnsafeBytes { Array($0) }, shift: 2)
    let (weight, weights) = try Weights.load(.checkpoint(source, NameMap()), as: WeightTypes(adapter: .f32), on: Reference()) { (w) throws(AviaryError) in
      try w.weight("m", shape)
    }
    let floats = try WeightLoaderTests.floats(weights, weight.slot)
    #expect(floats.count == bits.count)
    #expect(zip(floats, bits).allSatisfy { $0 == float(f16: $1) })
  }

  @Test func eachPartHasItsOwnType() throws {
    let types = WeightTypes(language: .bf16, vision: .f16)
    var source = MemoryWeights()
    for name in ["eye", "bridge", "mouth"] { try source.add("\(name).m", [2, 3], Self.numbers) }
    let (taken, _) = try Weights.load(.checkpoint(source, NameMap()), as: types, on: Reference()) { (w) throws(AviaryError) in
      [try w["eye"].part(.vision)[""].weight("m", [2, 3]), try w["bridge"].weight("m", [2, 3]), try w.part(.language)["mouth"].weight("m", [2, 3])]
    }
    #expect(taken.map(\.dtype) == [.f16, .f32, .bf16])
  }

  /// What the backend has no kernels for is read where a type is asked for.
  @Test func doublesAreReadWhereATypeIsAskedFor() throws {
    var source = MemoryWeights()
    let values: [Double] = [1, 2, 3, 4]
    try source.add("m", [2, 2], .f64, bytes: values.withUnsafeBytes { Array($0) })
    let (weight, weights) = try Weights.load(.checkpoint(source, NameMap()), as: WeightTypes(adapter: .f32), on: Reference()) { (w) throws(AviaryError) in
      try w.weight("m", [2, 2])
    }
    #expect(try WeightLoaderTests.floats(weights, weight.slot) == [1, 2, 3, 4])
  }

  /// Integers are never turned into numbers of a matrix.
  @Test func integersAreRefusedAsBefore() throws {
    var source = MemoryWeights()
    try source.add("m", [2, 2], .i32, bytes: [UInt8](repeating: 1, count: 16))
    expectError(.weights, "stored as i32") {
      _ = try Weights.load(.checkpoint(source, NameMap()), as: WeightTypes(adapter: .f32), on: Reference()) { (w) throws(AviaryError) in
        try w.weight("m", [2, 2])
      }
    }
  }
}
