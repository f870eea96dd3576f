import AviaryCore
import AviaryTensor
import CoreTestSupport
import Testing

struct WeightLoaderTests {
  /// Loads by a list of names and shapes.
  static func load(_ source: MemoryWeights, _ wanted: [(String, Shape)], map: NameMap = NameMap(), on backend: any Backend = Reference()) throws -> ([Weight], ModelWeights) {
    try Weights.load(.checkpoint(source, map), on: backend) { (w) throws(AviaryError) in
      var taken: [Weight] = []
      for (name, shape) in wanted { taken.append(try w.weight(name, shape)) }
      return taken
    }
  }

  static func floats(_ weights: ModelWeights, _ slot: Int32, on backend: any Backend = Reference()) throws -> [Float] {
    let slice = weights.slices[Int(slot)]
    var bytes = [UInt8](repeating: 0, count: slice.byteCount)
    try bytes.withUnsafeMutableBytes { try backend.download(slice, into: $0) }
    return bytes.withUnsafeBytes { raw in (0..<raw.count / 4).map { raw.loadUnaligned(fromByteOffset: $0 * 4, as: Float.self) } }
  }

  @Test func everythingThatIsWrongIsOneError() throws {
    var source = MemoryWeights()
    try source.add("a.weight", [2, 3], [Float](repeating: 1, count: 6))
    try source.add("b.weight", [4], [1, 2, 3, 4])
    try source.add("left.over", [1], [1])
    expectError(
      .weights, "2 tensors missing or of another shape", "1 that the model does not know", "a.weight: [2, 3], wanted [3, 2]", "c.weight: missing, wanted [5]",
      "left.over: not used by this model"
    ) {
      _ = try Self.load(source, [("a.weight", [3, 2]), ("b.weight", [4]), ("c.weight", [5])])
    }
  }

  @Test func theTableOfManyWrongTensorsIsShort() throws {
    var source = MemoryWeights()
    for index in 0..<40 { try source.add("x.\(index)", [1], [0]) }
    expectError(.weights, "30 tensors missing", "40 that the model", "and 18 more\n", "and 28 more not used") {
      _ = try Self.load(source, (0..<30).map { ("y.\($0)", [1]) })
    }
  }

  @Test func aRankThatDiffersIsAnotherShape() throws {
    var source = MemoryWeights()
    try source.add("a", [6], [Float](repeating: 0, count: 6))
    expectError(.weights, "a: [6], wanted [6, 1]") { _ = try Self.load(source, [("a", [6, 1])]) }
  }

  @Test func twoNamesForOneTensorAreRefused() throws {
    var source = MemoryWeights()
    try source.add("model.a", [1], [1])
    try source.add("text.a", [1], [2])
    expectError(.weights, "model.a", "text.a", "both stand for text.a", "one of them") {
      _ = try Self.load(source, [("text.a", [1])], map: NameMap([.prefix("model.", "text.")]))
    }
  }

  @Test func ignoredNamesAreNotLeftOver() throws {
    var source = MemoryWeights()
    try source.add("a", [1], [1])
    try source.add("b.position_ids", [1], .i64, bytes: [UInt8](repeating: 0, count: 8))
    let map = NameMap([.ignoreSuffix("position_ids")])
    #expect(try Self.load(source, [("a", [1])], map: map).1.names == ["a"])
  }

  /// 1.5 in bf16 and f16, 2.5 in f64.
  @Test(arguments: [(DType.bf16, [UInt8]([0xc0, 0x3f])), (.f16, [0x00, 0x3e]), (.f64, [0, 0, 0, 0, 0, 0, 0xf8, 0x3f])]) func vectorsBecomeF32(dtype: DType, bytes: [UInt8]) throws {
    var source = MemoryWeights()
    try source.add("norm", [2], dtype, bytes: bytes + bytes)
    let (taken, weights) = try Self.load(source, [("norm", [2])])
    #expect(taken[0].dtype == .f32)
    #expect(try Self.floats(weights, taken[0].slot) == [1.5, 1.5])
  }

  @Test func matricesKeepTheirTypeAndTheirPages() throws {
    var source = MemoryWeights()
    try source.add("m", [1, 2], .bf16, bytes: [0xc0, 0x3f, 0x00, 0x40])
    let (taken, weights) = try Self.load(source, [("m", [1, 2])])
    #expect(taken[0].dtype == .bf16)
    #expect(weights.byteCount == 4)
    #expect(weights.parameterCount == 2)
    // Adopted, not copied: the slice's memory is the source's.
    let page = try source.tensor("m")?.pages.bytes.baseAddress
    let buffer = try #require(weights.slices[0].buffer as? HostBuffer)
    #expect(UnsafeRawPointer(buffer.bytes.baseAddress) == page)
  }

  @Test(arguments: [1, 2, 3]) func misalignedMatricesAreCopied(shift: Int) throws {
    var source = MemoryWeights()
    let values: [Float] = [1, -2, 3.5, 4, 5, 6]
    try source.add("m", [2, 3], values, shift: shift)
    let (taken, weights) = try Self.load(source, [("m", [2, 3])])
    #expect(try Self.floats(weights, taken[0].slot) == values)
    #expect(weights.slices[0].offset % 4 == 0)
  }

  @Test func aTypeThatNoProductReadsIsNamed() throws {
    var source = MemoryWeights()
    try source.add("m", [1, 2], .i64, bytes: [UInt8](repeating: 0, count: 16))
    expectError(.weights, "m: stored as i64", "one of bf16, f16, f32") { _ = try Self.load(source, [("m", [1, 2])]) }
  }

  @Test func quantisedMatricesStayAndQuantisedVectorsBecomeF32() throws {
    var source = MemoryWeights()
    // Scale 1 and thirty-two sixes, which stand for -2 in q4_0.
    let block = [0x00, 0x3c] + [UInt8](repeating: 0x66, count: 16)
    try source.add("m", [2, 32], .q4_0, bytes: block + block, shift: 1)
    try source.add("v", [32], .q4_0, bytes: block)
    let (taken, weights) = try Self.load(source, [("m", [2, 32]), ("v", [32])])
    #expect(taken.map(\.dtype) == [.q4_0, .f32])
    #expect(weights.slices[0].byteCount == 36)
    #expect(try Self.floats(weights, taken[1].slot) == [Float](repeating: -2, count: 32))
  }

  /// A backend that does not read the type gets half-precision floats.
  @Test func quantisedMatricesAreExpandedWhereNobodyReadsThem() throws {
    var source = MemoryWeights()
    let block = [0x00, 0x3c] + [UInt8](repeating: 0x66, count: 16)
    try source.add("m", [2, 32], .q4_0, bytes: block + block)
    let backend = ScarceBackend(allocations: 9, weightTypes: [.f32, .f16])
    let (taken, weights) = try Self.load(source, [("m", [2, 32])], on: backend)
    #expect(taken[0].dtype == .f16)
    var bytes = [UInt8](repeating: 0, count: 128)
    try bytes.withUnsafeMutableBytes { try backend.download(weights.slices[0], into: $0) }
    // -2 in half precision.
    #expect(bytes == [UInt8](repeating: 0, count: 64).flatMap { _ in [0x00, 0xc0] as [UInt8] })
  }

  @Test func quantisedRowsFillBlocks() throws {
    var source = MemoryWeights()
    try source.add("m", [2, 16], .q4_0, bytes: [UInt8](repeating: 0, count: 18))
    expectError(.weights, "m: q4_0 in rows of 16", "blocks of 32") { _ = try Self.load(source, [("m", [2, 16])]) }
  }

  @Test func tensorsOfNoBytesLoad() throws {
    var source = MemoryWeights()
    try source.add("empty", [0, 4], .f32, bytes: [])
    #expect(try Self.load(source, [("empty", [0, 4])]).1.byteCount == 0)
  }

  @Test func aTensorTakenTwiceIsOneSlot() throws {
    var source = MemoryWeights()
    try source.add("m", [1, 2], [1, 2])
    let (taken, weights) = try Self.load(source, [("m", [1, 2]), ("m", [1, 2])])
    #expect(taken[0] == taken[1])
    #expect(weights.slices.count == 1)
  }

  @Test func scopesJoinNames() throws {
    var source = MemoryWeights()
    try source.add("a.0.b.weight", [1], [7])
    _ = try Weights.load(.checkpoint(source, NameMap()), on: Reference()) { (w) throws(AviaryError) in
      let scope = w["a"][0]["b"]
      #expect(scope.prefix == "a.0.b")
      #expect(scope.path.description == "a.0.b")
      #expect(scope[""].prefix == "a.0.b")
      #expect(scope.has("weight"))
      #expect(!scope.has("bias"))
      #expect(!w["a"].isEmpty)
      #expect(w["c"].isEmpty)
      #expect(try scope.storedShape("weight") == [1])
      #expect(try scope.storedShape("bias") == nil)
      #expect(try scope.optional("bias", [1]) == nil)
      return try scope.weight("weight", [1])
    }
  }

  @Test func randomWeightsAreTheSameForASeed() throws {
    func load(_ seed: UInt64) throws -> [Float] {
      let (weight, weights) = try Weights.load(.random(.f32, seed: seed), on: Reference()) { (w) throws(AviaryError) in try w.weight("m", [3, 5]) }
      return try Self.floats(weights, weight.slot)
    }
    #expect(try load(1) == load(1))
    #expect(try load(1) != load(2))
    #expect(try load(1).allSatisfy { $0.isFinite && $0 != 0 })
  }

  /// The error of a backend without memory reaches the caller as it is.
  @Test func aBackendWithoutMemoryIsAnError() throws {
    var source = MemoryWeights()
    try source.add("norm", [2], .bf16, bytes: [0, 0, 0, 0])
    for call in 0..<2 {
      let backend = ScarceBackend(allocations: call)
      expectError(.memory, "no allocation left") {
        _ = try Weights.load(.checkpoint(source, NameMap()), on: backend) { (w) throws(AviaryError) in
          _ = try w.constant("table", [1, 2], [2])
          return try w.weight("norm", [2])
        }
      }
    }
  }
}
