import AviaryTensor
import Testing

@Suite struct InferenceTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let op: Op
    let operands: [(Shape, DType)]
    /// nil where the operands do not fit.
    let result: (Shape, DType)?
    var testDescription: String { "\(op) of \(operands.map { "\($0.1)\($0.0)" }) is \(result.map { "\($0.1)\($0.0)" } ?? "refused")" }

    init(_ op: Op, _ operands: [(Shape, DType)], _ result: (Shape, DType)?) { (self.op, self.operands, self.result) = (op, operands, result) }
    init(_ op: Op, _ shapes: [Shape], _ result: Shape?) { self.init(op, shapes.map { ($0, .f32) }, result.map { ($0, .f32) }) }
  }

  static let moves: [Case] = [
    Case(.permute([2, 0, 1]), [[2, 3, 4]], [4, 2, 3]), Case(.permute([0, 0, 1]), [[2, 3, 4]], nil), Case(.permute([1, 0]), [[2, 3, 4]], nil),
    Case(.permute([0, 3]), [[2, 3]], nil), Case(.concat(axis: 1), [[2, 3], [2, 4]], [2, 7]), Case(.concat(axis: 0), [[2, 3], [2, 4]], nil),
    Case(.concat(axis: 2), [[2, 3], [2, 3]], nil), Case(.pad(axis: 1, before: 1, after: 2, value: 0), [[2, 3]], [2, 6]),
    Case(.pad(axis: 1, before: -1, after: 2, value: 0), [[2, 3]], nil), Case(.pad(axis: 2, before: 1, after: 2, value: 0), [[2, 3]], nil),
    Case(.gatherRows, [([5, 3], .bf16), ([2, 2], .i32)], ([2, 2, 3], .f32)), Case(.gatherRows, [([5, 3], .i64), ([2], .i32)], ([2, 3], .i64)),
    Case(.gatherRows, [[5, 3], [2]], nil), Case(.gatherRows, [([], .f32), ([2], .i32)], nil),
    Case(.scatterRows, [([5, 3], .f16), ([2, 3], .f32), ([2], .i32)], ([5, 3], .f16)),
    Case(.scatterRows, [([5, 3], .f16), ([2, 4], .f32), ([2], .i32)], nil),
    Case(.scatterRows, [([5, 3], .f16), ([2, 3], .f32), ([3], .i32)], nil),
    Case(.scatterAddRows, [([5, 3], .f32), ([2, 3], .f32), ([2], .i32)], ([5, 3], .f32)),
    Case(.scatterAddRows, [([5, 3], .f32), ([2, 4], .f32), ([2], .i32)], nil),
    Case(.scatterAddRows, [([5, 3], .f16), ([2, 3], .f32), ([2], .i32)], nil),
  ]

  static let elementwise: [Case] = [
    Case(.unary(.exp), [[2, 3]], [2, 3]), Case(.unary(.exp), [([2], .i32)], nil), Case(.binary(.add), [[2], [3]], nil),
    Case(.binary(.add), [([2], .i32), ([2], .i32)], ([2], .i32)), Case(.binary(.add), [([2], .i32), ([2], .f32)], nil),
    Case(.binary(.add), [([2], .f16), ([2], .f16)], nil), Case(.binary(.less), [[2], [2]].map { ($0, .f32) }, ([2], .bool)),
    Case(.select, [([2], .bool), ([2], .f32), ([2], .f32)], ([2], .f32)), Case(.select, [([2], .i32), ([2], .f32), ([2], .f32)], nil),
    Case(.reduce(.argmax, axis: 1), [([2, 3], .f32)], ([2, 1], .i32)), Case(.reduce(.sum, axis: 2), [[2, 3]], nil),
    Case(.reduce(.sum, axis: -1), [[2, 3]], nil), Case(.cumsum(axis: 2), [[2, 3]], nil), Case(.softmax, [[]], nil),
    Case(.softmax, [[0, 3]], [0, 3]),
  ]

  static let products: [Case] = [
    Case(.matmul(transposed: true), [[2, 3, 4], [5, 4]], [2, 3, 5]), Case(.matmul(transposed: false), [[2, 3, 4], [2, 4, 5]], [2, 3, 5]),
    Case(.matmul(transposed: true), [[2, 3, 4], [3, 5, 4]], nil), Case(.matmul(transposed: true), [[2, 3, 4], [4, 5]], nil),
    Case(.matmul(transposed: true), [[4], [5, 4]], [5]), Case(.matmul(transposed: true), [[], [5, 4]], nil),
    Case(.matmul(transposed: true), [([3, 4], .f32), ([5, 4], .bf16)], ([3, 5], .f32)),
    Case(.matmul(transposed: true), [([3, 4], .f32), ([5, 4], .i32)], nil), Case(.swiglu, [[2, 3], [2, 3]], [2, 3]),
    Case(.swiglu, [[2, 3], [2, 4]], nil),
  ]

  static let spatial: [Case] = [
    Case(.conv2d(Conv2D()), [[1, 3, 8, 8], [6, 3, 3, 3]], [1, 6, 6, 6]), Case(.conv2d(Conv2D()), [[1, 3, 8, 8], [6, 2, 3, 3]], nil),
    Case(.conv2d(Conv2D()), [[1, 3, 2, 8], [6, 3, 3, 3]], nil),
    Case(.conv2d(changed(Conv2D()) { $0.strideH = 0 }), [[1, 3, 8, 8], [6, 3, 3, 3]], nil),
    Case(.conv2d(changed(Conv2D()) { $0.groups = 0 }), [[1, 3, 8, 8], [6, 3, 3, 3]], nil),
    Case(.pool2d(Pool2D(.max, kernel: 2, stride: 2)), [[1, 3, 8, 9]], [1, 3, 4, 4]),
    Case(.pool2d(Pool2D(.max, kernel: 2, stride: 0)), [[1, 3, 8, 9]], nil),
    Case(.pool2d(changed(Pool2D(.max, kernel: 2, stride: 2)) { $0.padH = 2 }), [[1, 3, 8, 9]], nil),
  ]

  static let layers: [Case] = [
    Case(.layerNorm(epsilon: 1), [[2, 4], [4], [4]], [2, 4]), Case(.layerNorm(epsilon: 1), [[2, 4], [4], [3]], nil),
    Case(.rmsNorm(epsilon: 1), [([2, 4], .f32), ([4], .f16)], nil), Case(.groupNorm(groups: 2, epsilon: 1), [[2, 4, 3], [4], [4]], [2, 4, 3]),
    Case(.groupNorm(groups: 3, epsilon: 1), [[2, 4, 3], [4], [4]], nil), Case(.groupNorm(groups: 0, epsilon: 1), [[2, 4, 3], [4], [4]], nil),
    Case(.rope(RoPE(rotary: 4)), [([5, 2, 6], .f32), ([5], .i32), ([2], .f32)], ([5, 2, 6], .f32)),
    Case(.rope(RoPE(rotary: 3)), [([5, 2, 6], .f32), ([5], .i32), ([1], .f32)], nil),
    Case(.rope(RoPE(rotary: 8)), [([5, 2, 6], .f32), ([5], .i32), ([4], .f32)], nil),
    Case(.attention(Attention(scale: 1)), [[1, 5, 4, 8], [1, 7, 2, 8], [1, 7, 2, 6]], [1, 5, 4, 6]),
    Case(.attention(Attention(scale: 1)), [[1, 5, 4, 8], [1, 7, 3, 8], [1, 7, 3, 6]], nil),
    Case(.attention(Attention(scale: 1)), [[1, 5, 4, 8], [1, 7, 0, 8], [1, 7, 0, 6]], nil),
    Case(.attention(changed(Attention(scale: 1)) { $0.window = 2 }), [[1, 5, 4, 8], [1, 7, 2, 8], [1, 7, 2, 6]], nil),
    Case(.attention(changed(Attention(scale: 1)) { $0.hasBias = true }), [[1, 5, 4, 8], [1, 7, 2, 8], [1, 7, 2, 6], [1, 4, 5, 7]], [1, 5, 4, 6]),
    Case(.attention(changed(Attention(scale: 1)) { $0.hasBias = true }), [[1, 5, 4, 8], [1, 7, 2, 8], [1, 7, 2, 6], [1, 3, 5, 7]], nil),
  ]

  private static func changed<T>(_ value: T, _ change: (inout T) -> Void) -> T {
    var copy = value
    change(&copy)
    return copy
  }

  @Test(arguments: moves + elementwise + products + spatial + layers) func inference(_ test: Case) {
    switch test.op.infer(test.operands.map { ($0.0, $0.1) }) {
    case .success(let found): #expect(found.shape == test.result?.0 && found.dtype == test.result?.1, "\(found)")
    case .failure(let mismatch):
      #expect(test.result == nil, "\(mismatch.text)")
      #expect(!mismatch.text.isEmpty)
    }
  }

  @Test func sixteenBitFloatsJoinArithmeticAsF32() {
    let graph = Graph()
    let x = graph.input(0, [2, 4], .f16)
    for y in [x + x, x.softmax(), x.reduce(.sum), x.clamped(0, 1), x.topK(2, indices: false), x * 2] { #expect(y.dtype == .f32) }
  }

  @Test func shapesDropAndGainAxes() {
    let shape: Shape = [2, 3, 4]
    #expect(shape.dropLast() == [2, 3])
    #expect(shape.dropLast(3) == [])
    #expect(shape.dropFirst() == [3, 4])
    #expect(shape.appending(5) == [2, 3, 4, 5])
    #expect(shape.elements == 24)
    #expect(([] as Shape).elements == 1)
  }

  /// A mismatch is a programming error: it stops where it is recorded.
  @Test func recordingAMismatchStops() async {
    await #expect(processExitsWith: .failure) {
      let graph = Graph()
      _ = graph.input(0, [2, 3], .f32).matmul(graph.input(1, [2, 4], .f32))
    }
    await #expect(processExitsWith: .failure) { _ = Graph().input(0, [2, 3], .f32).reshaped(4, -1) }
    await #expect(processExitsWith: .failure) { _ = Graph().use(Weight(slot: 0, shape: [1], dtype: .f32)) }
  }
}
