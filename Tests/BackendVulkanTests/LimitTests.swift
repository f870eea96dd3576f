import AviaryTensor
import TensorTestSupport
import Testing

@testable import BackendVulkan

/// Devices with less than this one has, and the ways that other kinds of devices take.
struct LimitTests {
  /// Products, tables, attention and elementwise work whose operands are larger than a binding.
  static func large() -> (Graph, Values) {
    let shapes: [(Shape, DType)] = [([100, 64], .f16), ([100], .f32), ([64, 100], .f32), ([64], .f32)]
    let weights = shapes.enumerated().map { Weight(slot: Int32($0.offset), shape: $0.element.0, dtype: $0.element.1) }
    let graph = Graph(weights: WeightShapes(weights))
    let w = weights.map { graph.use($0) }
    let x = w[0].gatherRows(graph.input(0, [40], .i32)).rmsNorm(w[3], epsilon: 1e-5)
    let y = (x.matmul(w[0]) + w[1]).unary(.silu)
    let z = x + y.matmul(w[2])
    let q = z.reshaped(1, 40, 4, 16)
    let bias = graph.input(1, [1, 4, 40, 40], .f32)
    graph.output(q.attention(q, q, Attention(scale: 0.25), bias: bias))
    graph.output(.concat([z, z * 0.5], axis: 0).softmax())
    graph.output(graph.iota(3000))
    let ids = (0..<40).map { Double($0 * 37 % 100) }
    let given = shapes.enumerated().map { bytes(Given.pattern($0.element.0, $0.offset).values.map { $0 / 4 }, $0.element.1) }
    return (graph, Values(weights: given, inputs: [bytes(ids, .i32), bytes(Given.pattern([1, 4, 40, 40]).values)]))
  }

  @Test(arguments: [11_264, 16_384]) func operandsLargerThanABindingGoInParts(_ bytes: Int) throws {
    let (graph, values) = Self.large()
    for usesGPUForms in [false, true] {
      let machine = try Rig.machine {
        $0.largestBinding = bytes
        $0.usesGPUForms = usesGPUForms
      }
      #expect(try Rig.agrees(machine, graph, values))
    }
  }

  @Test func whatCannotBeDividedIsAnErrorThatNamesTheOperation() throws {
    let graph = Graph()
    graph.output(graph.input(0, [1, 1, 64, 64], .f32).pool2d(Pool2D(.max, kernel: 2, stride: 2)))
    let machine = try Rig.machine { $0.largestBinding = 4096 }
    let error = #expect(throws: AviaryError.self) {
      try run(graph, Values(inputs: [bytes([Double](repeating: 0, count: 4096))]), on: VulkanBackend(machine))
    }
    #expect(error?.kind == .limit)
    #expect(error?.description.contains("pool2d") == true)
  }

  @Test(arguments: [1, 3]) func wideDispatchesAreLooped(_ groups: Int) throws {
    let (graph, values) = Self.large()
    #expect(try Rig.agrees(try Rig.machine { $0.largestGroupCount = groups }, graph, values))
  }

  @Test(arguments: [64, 256, 4096]) func oddAlignmentsAreHonoured(_ alignment: Int) throws {
    let (graph, values) = Self.large()
    #expect(try Rig.agrees(try Rig.machine { $0.offsetAlignment = alignment }, graph, values))
  }

  /// A discrete device's memory has no address on the host.
  @Test func memoryIsReachedThroughStaging() throws {
    let machine = try Rig.machine { $0.isStaged = true }
    let backend = VulkanBackend(machine)
    let count = 9 << 20
    let buffer = try backend.allocate(count)
    var given = [UInt8](repeating: 0, count: count)
    for i in given.indices { given[i] = UInt8(truncatingIfNeeded: i &* 31 &+ i >> 13) }
    var found = [UInt8](repeating: 1, count: count)
    try found.withUnsafeMutableBytes { try backend.download(BufferSlice(buffer), into: $0) }
    #expect(found.allSatisfy { $0 == 0 }, "new memory is zeroed")
    try given.withUnsafeBytes { try backend.upload($0, to: BufferSlice(buffer)) }
    try found.withUnsafeMutableBytes { try backend.download(BufferSlice(buffer), into: $0) }
    #expect(found == given)
    let (graph, values) = Self.large()
    #expect(try Rig.agrees(machine, graph, values))
  }

  @Test(arguments: 0..<12) func randomGraphsInTheFormsOfGPUs(_ seed: Int) throws {
    let machine = try Self.gpuForms.get()
    let random = RandomGraph(seed: UInt64(seed) + 5000)
    #expect(try Rig.agrees(machine, random.graph, random.values))
  }

  /// Products and tables of quantised weights in every form, in parts where these are larger than a binding.
  @Test(arguments: Planes.types, [false, true]) func quantisedWeightsInEveryForm(_ dtype: DType, _ isLarge: Bool) throws {
    for form in 0..<3 {
      let machine = try Rig.machine {
        $0.usesGPUForms = form == 1
        $0.avoidsShuffles = form == 2
        if isLarge { $0.largestBinding = 90 * 2 * dtype.blockBytes * 4 / 5 }
      }
      for rows in [1, 3, 9] {
        let (graph, values) = Self.quantised(dtype, rows)
        #expect(try Rig.agrees(machine, graph, values), "form \(form), \(rows) rows")
      }
    }
  }

  /// A table's rows, multiplied by a part of it and by all of another matrix.
  static func quantised(_ dtype: DType, _ rows: Int) -> (Graph, Values) {
    let width = 2 * dtype.blockElements
    let weights = [Weight(slot: 0, shape: [90, width], dtype: dtype), Weight(slot: 1, shape: [41, width], dtype: dtype)]
    let graph = Graph(weights: WeightShapes(weights))
    let table = graph.use(weights[0])
    let x = table.gatherRows(graph.input(0, [rows], .i32))
    graph.output(x.matmul(table.slice(0, 3..<80)))
    graph.output((x * 0.5).matmul(graph.use(weights[1])).unary(.silu))
    var random = SeededGenerator(11)
    let given = weights.map { randomBlocks($0.shape.elements, dtype, using: &random) }
    return (graph, Values(weights: given, inputs: [bytes((0..<rows).map { Double($0 * 37 % 90) }, .i32)]))
  }

  static let gpuForms = Result { () throws(AviaryError) in try Rig.machine { $0.usesGPUForms = true } }

  /// Weights in a file may start anywhere; a file's pages are read where they are.
  @Test(arguments: [0, 8, 4], [DType.f16, .f32, .bf16]) func mappedWeightsMayStartAtOddPlaces(_ offset: Int, _ dtype: DType) throws {
    let backend = VulkanBackend(try Rig.machine())
    let pages = try HostBuffer(zeroed: 65536)
    let shape: Shape = [70, 40]
    let matrix = Given.pattern(shape)
    let stored = bytes(matrix.values, dtype)
    let start = 4096 * 3 + offset
    UnsafeMutableRawBufferPointer(rebasing: pages.bytes[start..<start + stored.count]).copyBytes(from: stored)
    let buffer = try #require(try backend.adopt(UnsafeRawBufferPointer(pages.bytes), owner: pages))
    let weight = Weight(slot: 0, shape: shape, dtype: dtype)
    for rows in [1, 3, 9] {
      let graph = Graph(weights: WeightShapes([weight]))
      graph.output(graph.input(0, [rows, 40], .f32).matmul(graph.use(weight)))
      let given = bytes(Given.pattern([rows, 40], 8).values)
      let plan = Lowering.lower(graph, for: backend.capabilities)
      let arena = try backend.allocate(plan.arenaBytes)
      try given.withUnsafeBytes { raw in
        let bindings = Bindings(weights: [BufferSlice(buffer, offset: start, byteCount: stored.count)], inputs: [raw], arena: BufferSlice(arena))
        try CheckedExecution.execute(plan, bindings, on: backend)
      }
    }
  }
}
