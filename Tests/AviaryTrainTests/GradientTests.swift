import AviaryTensor
import AviaryTrain
import TensorTestSupport
import Testing

/// Every rule against central differences in f64, on odd shapes.
@Suite struct GradientTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let check: @Sendable () throws -> Double?

    init(_ name: String, _ inputs: [Given], weights: [Given] = [], _ body: @escaping @Sendable (_ x: [Tensor], _ w: [Tensor]) -> Tensor) {
      testDescription = name
      check = { try GradientCheck(inputs, weights: weights, body).error() }
    }
  }

  @Test(arguments: moves + elementwise + reductions + products + norms + attention + spatial)
  func agreesWithDifferences(_ test: Case) throws {
    let error = try #require(try test.check(), "no gradient")
    #expect(error < 1e-6)
  }

  static let moves: [Case] = [
    Case("reshape and permute", [.noise([3, 5, 2])]) { x, _ in x[0].permuted(2, 0, 1).reshaped(6, 5) },
    Case("slice", [.noise([5, 3])]) { x, _ in x[0].slice(0, 1..<4) },
    Case("slice by three", [.noise([11, 3])]) { x, _ in x[0].slice(0, 2..<10, step: 3) },
    Case("slice by two to the end", [.noise([2, 7])]) { x, _ in x[0].slice(1, 0..<7, step: 2) },
    Case("expand", [.noise([1, 3, 1])]) { x, _ in x[0].expanded(to: [4, 3, 5]) },
    Case("expand with new axes", [.noise([5])]) { x, _ in x[0].expanded(to: [2, 3, 5]) },
    Case("concat", [.noise([2, 3]), .noise([2, 1]), .noise([2, 4])]) { x, _ in .concat(x + [x[0]], axis: 1) },
    Case("pad", [.noise([3, 2])]) { x, _ in x[0].padded(0, before: 2, after: 1, value: 7) },
    Case("gatherRows", [.ids([2, 3], [4, 0, 4, 1, 4, 2])], weights: [.noise([5, 3])]) { x, w in w[0].gatherRows(x[0]) },
    Case("gatherRows of a cube", [.noise([4, 2, 3]), .ids([3], [3, 3, 0])]) { x, _ in x[0].gatherRows(x[1]) },
    Case("scatterRows", [.noise([5, 3]), .noise([2, 3], seed: 2), .ids([2], [4, 1])]) { x, _ in x[0].scatterRows(x[1], at: x[2]) },
    Case("scatterAddRows", [.noise([5, 3]), .noise([3, 3], seed: 2), .ids([3], [4, 1, 4])]) { x, _ in x[0].scatterAddRows(x[1], at: x[2]) },
    Case("select", [.noise([3, 5]), .noise([3, 5], seed: 2), .noise([5], seed: 3)]) { x, _ in
      x[0].binary(.less, x[2]).select(x[0], x[1].unary(.square))
    },
    Case("clamp", [.noise([17])]) { x, _ in x[0].clamped(-0.5, 0.75) },
    Case("contiguous, used twice", [.noise([3, 2])]) { x, _ in x[0].transposed().contiguous() * x[0].transposed() },
    Case("topK", [.noise([3, 7])]) { x, _ in x[0].topK(3, indices: false) },
  ]

  static let elementwise: [Case] =
    UnaryKind.allCases.filter { ![.floor, .ceil, .round].contains($0) }.map { kind in
      let isPositive = [UnaryKind.sqrt, .rsqrt, .log, .reciprocal].contains(kind)
      return Case("\(kind)", [isPositive ? .noise([3, 7], in: 0.3...3) : .noise([3, 7], in: -3...3)]) { x, _ in x[0].unary(kind) }
    } + [BinaryKind.add, .subtract, .multiply, .divide, .maximum, .minimum, .power].map { kind in
      Case("\(kind)", [.noise([3, 5], in: 0.3...2), .noise([5], seed: 4, in: 0.3...2)]) { x, _ in x[0].binary(kind, x[1]) }
    }

  static let reductions: [Case] =
    [ReduceKind.sum, .mean, .max].flatMap { kind in
      (0..<3).map { axis in Case("\(kind) over \(axis)", [.noise([3, 5, 2])]) { x, _ in x[0].reduce(kind, axis: axis) } }
    } + [
      Case("cumsum", [.noise([3, 5])]) { x, _ in x[0].cumsum(axis: 0) },
      Case("softmax", [.noise([3, 7])]) { x, _ in x[0].softmax() },
    ]

  static let products: [Case] = [
    Case("linear", [.noise([2, 3, 5])], weights: [.noise([7, 5]), .noise([7], seed: 9)]) { x, w in x[0].matmul(w[0]) + w[1] },
    Case("one row", [.noise([5])], weights: [.noise([3, 5])]) { x, w in x[0].matmul(w[0]) },
    Case("plain", [.noise([4, 5])], weights: [.noise([5, 3])]) { x, w in x[0].matmul(w[0], transposed: false) },
    Case("batched", [.noise([2, 3, 4, 5]), .noise([2, 3, 7, 5], seed: 2)]) { x, _ in x[0].matmul(x[1]) },
    Case("batched plain", [.noise([3, 4, 5]), .noise([3, 5, 2], seed: 2)]) { x, _ in x[0].matmul(x[1], transposed: false) },
    Case("a part of a weight", [.noise([3, 5])], weights: [.noise([9, 5])]) { x, w in x[0].matmul(w[0].slice(0, 2..<6)) },
    Case("tied", [.ids([3], [1, 4, 1])], weights: [.noise([6, 5])]) { x, w in w[0].gatherRows(x[0]).matmul(w[0]) },
  ]

  static let norms: [Case] = [
    Case("layerNorm", [.noise([3, 7])], weights: [.noise([7], seed: 2), .noise([7], seed: 3)]) { x, w in x[0].layerNorm(w[0], w[1], epsilon: 1e-3) },
    Case("rmsNorm", [.noise([2, 3, 7])], weights: [.noise([7], seed: 2)]) { x, w in x[0].rmsNorm(w[0], epsilon: 1e-3) },
    Case("groupNorm", [.noise([2, 6, 3, 2])], weights: [.noise([6], seed: 2), .noise([6], seed: 3)]) { x, w in
      x[0].groupNorm(w[0], w[1], groups: 3, epsilon: 1e-3)
    },
    Case("rope", [.noise([5, 3, 6]), .ids([5], [0, 1, 2, 9, 4])]) { x, _ in
      x[0].rope(RoPE(rotary: 4), positions: x[1], inverseFrequencies: x[1].graph.iota(2, start: 1).cast(.f32) * 0.3)
    },
    Case("interleaved rope", [.noise([5, 1, 4]), .ids([5], [3, 1, 0, 9, 4])]) { x, _ in
      var spec = RoPE(rotary: 4)
      (spec.interleaved, spec.scale) = (true, 1.25)
      return x[0].rope(spec, positions: x[1], inverseFrequencies: x[1].graph.iota(2, start: 1).cast(.f32) * 0.3)
    },
  ]

  private static func attend(_ name: String, _ shape: (b: Int, tq: Int, tk: Int, hq: Int, hk: Int), positions: [Int]? = nil, bias: Given? = nil, _ change: @escaping @Sendable (inout Attention) -> Void = { _ in }) -> Case {
    let (d, dv) = (3, 5)
    var inputs: [Given] = [
      .noise([shape.b, shape.tq, shape.hq, d]), .noise([shape.b, shape.tk, shape.hk, d], seed: 2), .noise([shape.b, shape.tk, shape.hk, dv], seed: 3),
    ]
    if let positions { inputs.append(.ids([shape.b, shape.tq], positions)) }
    if let bias { inputs.append(bias) }
    let (hasPositions, hasBias) = (positions != nil, bias != nil)
    return Case(name, inputs) { x, _ in
      var spec = Attention(scale: 0.6)
      change(&spec)
      return x[0].attention(x[1], x[2], spec, positions: hasPositions ? x[3] : nil, bias: hasBias ? x[x.count - 1] : nil)
    }
  }

  static let attention: [Case] = [
    attend("attention", (2, 3, 5, 4, 4)),
    attend("grouped queries", (2, 3, 5, 6, 2)),
    attend("causal", (2, 4, 4, 2, 1), positions: [0, 1, 2, 3, 0, 1, 2, 3]),
    attend("window", (1, 5, 5, 2, 2), positions: [0, 1, 2, 3, 4]) { $0.window = 2 },
    attend("softcap", (1, 3, 4, 2, 2)) { $0.softcap = 0.7 },
    attend("bias of all heads", (2, 3, 5, 4, 2), bias: .noise([1, 1, 3, 5], seed: 5)),
    attend("bias of each head", (2, 3, 5, 4, 2), positions: [4, 4, 2, 4, 3, 4], bias: .noise([2, 4, 3, 5], seed: 5)),
    attend("keys that nobody sees", (1, 2, 3, 2, 2), positions: [2, 0]),
  ]

  /// Queries whose bias hides every key have zeros, and pass nothing back.
  @Test func blindQueries() throws {
    let hidden = Given([1, 1, 2, 3], [0, -.infinity, 0, -.infinity, -.infinity, -.infinity])
    let graph = Graph()
    let q = graph.input(0, [1, 2, 1, 3], .f32)
    let (k, v, bias) = (graph.input(1, [1, 3, 1, 3], .f32), graph.input(2, [1, 3, 1, 3], .f32), graph.input(3, [1, 1, 2, 3], .f32))
    let y = q.attention(k, v, Attention(scale: 1), bias: bias)
    let gradients = Gradients.append(of: [(y, graph.scalar(1).expanded(to: y.shape))], by: [q, k, v])
    for gradient in gradients { graph.output(try #require(gradient)) }
    let values = Values(inputs: [Given.noise([1, 2, 1, 3]), .noise([1, 3, 1, 3], seed: 2), .noise([1, 3, 1, 3], seed: 3), hidden].map { bytes($0.values) })
    let found = try run(graph, values).outputs
    #expect(found[0][3...].allSatisfy { $0 == 0 })
    #expect(found[1][3..<6].allSatisfy { $0 == 0 } && found[2][3..<6].allSatisfy { $0 == 0 })
    #expect(found.joined().allSatisfy { $0.isFinite })
  }

  /// Samples whose scores are too many to be at hand at once have the gradients that each has alone.
  @Test func samplesOfALargeBatch() throws {
    let (t, heads, d) = (515, 2, 3)
    #expect(heads * t * t * 4 > 2 << 20)
    func gradients(_ samples: Range<Int>) throws -> [[Double]] {
      let graph = Graph()
      func shape(_ width: Int) -> Shape { [samples.count, t, heads, width] }
      let (q, k, v) = (graph.input(0, shape(d), .f32), graph.input(1, shape(d), .f32), graph.input(2, shape(2), .f32))
      let positions = graph.input(3, [samples.count, t], .i32)
      let y = q.attention(k, v, Attention(scale: 0.6), positions: positions)
      for gradient in Gradients.append(of: [(y, y)], by: [q, k, v]) { graph.output(try #require(gradient)) }
      func noise(_ width: Int, _ seed: UInt64) -> [UInt8] {
        let each = t * heads * width
        return bytes(Array(Given.noise([3, t, heads, width], seed: seed).values[samples.lowerBound * each..<samples.upperBound * each]))
      }
      let places = samples.flatMap { sample in (0..<t).map { Double($0 / (sample + 1)) } }
      return try run(graph, Values(inputs: [noise(d, 1), noise(d, 2), noise(2, 3), bytes(places, .i32)])).outputs
    }
    let (all, alone) = (try gradients(0..<3), try (0..<3).map { try gradients($0..<$0 + 1) })
    for i in 0..<3 {
      let isSame = all[i] == alone.flatMap { $0[i] }  // thousands of numbers, which nobody wants to read
      #expect(isSame)
    }
  }

  private static func convolve(_ name: String, _ x: Shape, _ kernel: Shape, _ change: @escaping @Sendable (inout Conv2D) -> Void = { _ in }) -> Case {
    Case("conv2d \(name)", [.noise(x)], weights: [.noise(kernel, seed: 6)]) { x, w in
      var spec = Conv2D()
      change(&spec)
      return x[0].conv2d(w[0], spec)
    }
  }

  static let spatial: [Case] = [
    convolve("plain", [2, 3, 5, 4], [4, 3, 3, 2]),
    convolve("of patches", [2, 3, 7, 6], [5, 3, 3, 2]) { ($0.strideH, $0.strideW) = (3, 2) },
    convolve("padded, with strides", [1, 2, 6, 7], [3, 2, 3, 3]) {
      ($0.strideH, $0.strideW, $0.top, $0.left, $0.bottom, $0.right) = (2, 3, 1, 2, 0, 1)
    },
    convolve("in groups", [1, 4, 5, 5], [6, 2, 2, 3]) { ($0.groups, $0.top, $0.left) = (2, 1, 1) },
    convolve("dilated", [1, 2, 7, 6], [2, 2, 2, 3]) { ($0.dilationH, $0.dilationW, $0.strideH) = (3, 2, 2) },
    Case("mean pool", [.noise([2, 2, 5, 7])]) { x, _ in
      var spec = Pool2D(.mean, kernel: 3, stride: 2)
      (spec.padH, spec.padW) = (1, 1)
      return x[0].pool2d(spec)
    },
    Case("max pool", [.noise([2, 2, 6, 7])]) { x, _ in
      var spec = Pool2D(.max, kernel: 3, stride: 2)
      spec.padH = 1
      return x[0].pool2d(spec)
    },
    Case("nearest", [.noise([1, 2, 3, 5])]) { x, _ in x[0].resize2d(Resize2D(.nearest), height: 7, width: 4) },
    Case("bilinear", [.noise([1, 2, 3, 5])]) { x, _ in x[0].resize2d(Resize2D(.bilinear), height: 7, width: 4) },
    Case("bicubic", [.noise([2, 1, 3, 4])]) { x, _ in x[0].resize2d(Resize2D(.bicubic), height: 5, width: 7) },
  ]

  /// Blocks that are computed again give the same gradients, from nodes of their own.
  @Test func recomputed() throws {
    let check = GradientCheck([.noise([3, 5])], weights: [.noise([7, 5]), .noise([5, 7], seed: 2)], recompute: true) { x, w in
      x[0] + x[0].matmul(w[0]).unary(.gelu).matmul(w[1])
    }
    let error = try #require(try check.error())
    #expect(error < 1e-6)
  }

  /// Nothing is recorded for what no target depends on.
  @Test func onlyTheWayToTheTargets() throws {
    let graph = Graph()
    let (x, y) = (graph.input(0, [3], .f32), graph.input(1, [3], .f32))
    let z = x.unary(.exp) + y
    let gradients = Gradients.append(of: [(z, graph.scalar(1).expanded(to: [3]))], by: [y, graph.input(2, [3], .f32)])
    #expect(gradients[0] != nil && gradients[1] == nil)
    #expect(graph.nodes.filter { $0.op == .binary(.multiply) }.isEmpty)
  }
}
