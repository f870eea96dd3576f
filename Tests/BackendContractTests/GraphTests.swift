import AviaryTensor
import TensorTestSupport
import Testing

/// Whole graphs, memory and errors on every backend.
@Suite struct GraphTests {
  @Test(arguments: BackendUnderTest.all, 0..<100) func randomGraphs(_ under: BackendUnderTest, _ seed: Int) throws {
    let backend = try under.make()
    let random = RandomGraph(seed: UInt64(seed) + 1000)
    try runChecked(random.graph, random.values, on: backend)
    let found = try run(random.graph, random.values, on: backend)
    let wanted = try run(random.graph, random.values, on: Reference(), Lowering.Options(fuse: false))
    for (x, y) in zip(found.outputs, wanted.outputs) { #expect(areClose(x, y, absolute: 1e-3, relative: 1e-3)) }
  }

  @Test(arguments: BackendUnderTest.all) func bytesComeBackAsTheyWere(_ under: BackendUnderTest) throws {
    let backend = try under.make()
    let buffer = try backend.allocate(300)
    var bytes = [UInt8](repeating: 9, count: 300)
    try transfer(&bytes) { raw throws(AviaryError) in try backend.download(BufferSlice(buffer), into: raw) }
    #expect(bytes.allSatisfy { $0 == 0 }, "new memory is zeroed")
    var part: [UInt8] = (0..<128).map { UInt8($0 + 1) }
    try transfer(&part) { raw throws(AviaryError) in try backend.upload(UnsafeRawBufferPointer(raw), to: BufferSlice(buffer, offset: 64, byteCount: 128)) }
    try transfer(&bytes) { raw throws(AviaryError) in try backend.download(BufferSlice(buffer), into: raw) }
    #expect(Array(bytes[64..<192]) == part)
    #expect(bytes[..<64].allSatisfy { $0 == 0 } && bytes[192...].allSatisfy { $0 == 0 })
  }

  @Test(arguments: BackendUnderTest.all) func slicesBeyondABufferAreRefused(_ under: BackendUnderTest) throws {
    let backend = try under.make()
    let buffer = try backend.allocate(64)
    var bytes = [UInt8](repeating: 0, count: 128)
    for slice in [BufferSlice(buffer, offset: 32, byteCount: 64), BufferSlice(buffer, offset: -1, byteCount: 8), BufferSlice(buffer, offset: .max, byteCount: 8)] {
      #expect(throws: AviaryError.self) {
        try transfer(&bytes) { raw throws(AviaryError) in try backend.download(slice, into: raw) }
      }
    }
  }

  @Test(arguments: BackendUnderTest.all) func adoptedPagesAreReadInPlace(_ under: BackendUnderTest) throws {
    let backend = try under.make()
    let pages = try HostBuffer(zeroed: 4096)
    pages.bytes.copyBytes(from: bytes([1, 2, 3, 4]))
    guard let buffer = try backend.adopt(UnsafeRawBufferPointer(pages.bytes), owner: pages) else { return }
    #expect(buffer.byteCount == 4096)
    var found = [UInt8](repeating: 0, count: 16)
    try transfer(&found) { raw throws(AviaryError) in try backend.download(BufferSlice(buffer, offset: 0, byteCount: 16), into: raw) }
    #expect(found == bytes([1, 2, 3, 4]))
  }

  @Test(arguments: BackendUnderTest.all, [-1, 5, Int(Int32.max), Int(Int32.min)]) func idsOutOfRangeAreAnError(_ under: BackendUnderTest, _ id: Int) throws {
    let backend = try under.make()
    for way in 0..<3 {
      let error = #expect(throws: AviaryError.self) {
        try evaluate([.pattern([5, 3]), Given([2], [0, Double(id)], .i32), .pattern([2, 3])], on: backend) { x, _ in
          [x[0].gatherRows(x[1]), x[0].scatterRows(x[2], at: x[1]), x[0].scatterAddRows(x[2], at: x[1])][way]
        }
      }
      #expect(error?.kind == .request)
    }
  }

  @Test(arguments: BackendUnderTest.all) func cancelledRunsAndSmallBindingsAreErrors(_ under: BackendUnderTest) throws {
    let backend = try under.make()
    let graph = Graph()
    graph.output(graph.input(0, [1000], .f32).unary(.exp))
    let plan = Lowering.lower(graph, for: backend.capabilities)
    let bytes = [UInt8](repeating: 0, count: 4000)
    try bytes.withUnsafeBytes { raw in
      let flag = CancellationFlag()
      flag.cancel()
      let whole = Bindings(weights: [], inputs: [raw], arena: BufferSlice(try backend.allocate(plan.arenaBytes)))
      let cancelled = #expect(throws: AviaryError.self) { try backend.execute(plan, whole, flag) }
      #expect(cancelled?.kind == .cancelled)
      let small = Bindings(weights: [], inputs: [UnsafeRawBufferPointer(rebasing: raw[..<3996])], arena: whole.arena)
      let refused = #expect(throws: AviaryError.self) { try backend.execute(plan, small, CancellationFlag()) }
      #expect(refused?.kind == .internal)
    }
  }

  /// Runs a throwing body on an array's bytes.
  private func transfer(_ bytes: inout [UInt8], _ body: (UnsafeMutableRawBufferPointer) throws(AviaryError) -> Void) throws {
    try bytes.withUnsafeMutableBytes { raw in try body(raw) }
  }
}
