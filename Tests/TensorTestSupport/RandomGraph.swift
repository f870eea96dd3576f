public import AviaryTensor

/// A graph of random valid operations on small shapes, with values for its leaves: for comparing ways to run it.
///
/// The operations keep numbers tame (no exp of large values, no division), so that results can be compared closely.
public struct RandomGraph {
  public let graph: Graph
  public private(set) var values = Values()

  private var random: SeededGenerator
  private var pool: [Tensor] = []
  private let weights: [Weight]
  private static let widths = [1, 3, 4, 8]

  public init(seed: UInt64, operations: Int = 40) {
    random = SeededGenerator(seed)
    // Square and wide weights, and a bias and a scale for every width.
    var weights: [Weight] = []
    for n in Self.widths {
      for k in Self.widths { weights.append(Weight(slot: Int32(weights.count), shape: [n, k], dtype: [DType.f32, .f16, .bf16][weights.count % 3])) }
      for _ in 0..<2 { weights.append(Weight(slot: Int32(weights.count), shape: [n], dtype: .f32)) }
    }
    self.weights = weights
    graph = Graph(weights: WeightShapes(weights))
    values.weights = weights.map { bytes(numbers($0.shape.elements), $0.dtype) }
    for slot in 0..<3 {
      let shape = Shape([Int.random(in: 1...3, using: &random), Int.random(in: 1...5, using: &random), width()])
      pool.append(graph.input(slot, shape, .f32))
      values.inputs.append(bytes(numbers(shape.elements)))
    }
    values.states = [bytes([Double](repeating: 0, count: 6 * 4))]
    for _ in 0..<operations { step() }
    for _ in 0..<3 { graph.output(pick()) }
    graph.output(graph.state(0, [6, 4], .f32))
  }

  private mutating func width() -> Int { Self.widths[Int.random(in: 0..<Self.widths.count, using: &random)] }
  private mutating func numbers(_ count: Int) -> [Double] { (0..<count).map { _ in Double.random(in: -1...1, using: &random) } }
  private mutating func pick() -> Tensor {
    // Later values more often, so that graphs grow deep.
    let recent = Bool.random(using: &random) ? max(0, pool.count - 4) : 0
    return pool[Int.random(in: recent..<pool.count, using: &random)]
  }

  private func weight(_ shape: Shape, _ which: Int = 0) -> Tensor? {
    let fitting = weights.filter { $0.shape == shape }
    return fitting.isEmpty ? nil : graph.use(fitting[which % fitting.count])
  }

  private mutating func step() {
    let x = pick()
    if x.shape.elements == 0 || x.shape.elements > 2000 { return }
    if let y = view(x) ?? arithmetic(x) ?? product(x) ?? write(x) { pool.append(y) }
  }

  private mutating func view(_ x: Tensor) -> Tensor? {
    switch Int.random(in: 0..<16, using: &random) {
    case 0: return x.permuted(Array(0..<x.rank).shuffled(using: &random))
    case 1:
      let axis = Int.random(in: 0..<x.rank, using: &random)
      let start = Int.random(in: 0..<x.size(axis), using: &random)
      return x.slice(axis, start..<x.size(axis), step: Int.random(in: 1...2, using: &random))
    case 2:
      let axis = Int.random(in: 0..<x.rank, using: &random)
      return x.rank == 3 ? x.reshaped(x.shape.dims.enumerated().filter { $0.offset != axis }.map(\.element).reduce(1, *), -1) : x.reshaped(1, -1, x.size(-1))
    case 3: return x.reshaped([1] + x.shape.dims).expanded(to: Shape([2] + x.shape.dims)).reshaped(-1, x.size(-1))
    case 4: return .concat([x, x.slice(0, 0..<1)], axis: 0)
    case 5: return x.padded(x.rank - 1, before: 1, after: 0, value: 0.5)
    default: return nil
    }
  }

  private mutating func arithmetic(_ x: Tensor) -> Tensor? {
    let kinds: [UnaryKind] = [.gelu, .silu, .relu, .tanh, .sigmoid, .quickGelu, .geluTanh, .negate]
    switch Int.random(in: 0..<12, using: &random) {
    case 0: return x.unary(kinds[Int.random(in: 0..<kinds.count, using: &random)])
    case 1: return x + graph.scalar(0.25)
    case 2: return x.unary(.silu) * x.unary(.tanh)
    case 3:
      let other = pick()
      return other.shape == x.shape ? (x + other) * 0.5 : nil
    case 4: return x.softmax()
    case 5: return x.reduce(.mean, axis: Int.random(in: 0..<x.rank, using: &random)).expanded(to: x.shape) + x
    case 6: return weight([x.size(-1)]).map { x.rmsNorm($0, epsilon: 0.1) }
    case 7: return x.binary(.less, graph.scalar(0)).select(x * 0.5, x)
    default: return nil
    }
  }

  private mutating func product(_ x: Tensor) -> Tensor? {
    let n = width()
    guard let w = weight([n, x.size(-1)]), let bias = weight([n], Int.random(in: 0...1, using: &random)) else { return nil }
    // Of all magnitudes, so that depth does not make numbers grow.
    var y = x.matmul(w)
    if Bool.random(using: &random) { y = Bool.random(using: &random) ? y + bias : bias + y }
    if Bool.random(using: &random) { y = y.unary([UnaryKind.gelu, .silu, .relu, .quickGelu, .geluTanh][Int.random(in: 0..<5, using: &random)]) }
    switch Int.random(in: 0..<4, using: &random) {
    case 0 where n == x.size(-1): y = x + y
    case 1 where n == x.size(-1): y = y * x.unary(.silu)
    case 2: pool.append(y * 0.5)  // a second reader, so that y must exist
    default: break
    }
    return y
  }

  /// Writes rows to the state, or to an ordinary value; reads what is there.
  private mutating func write(_ x: Tensor) -> Tensor? {
    let flat = x.reshaped(-1)
    guard flat.size(0) >= 4 else { return nil }
    let rows = flat.slice(0, 0..<4).reshaped(1, 4)
    let at = graph.iota(1, start: Int.random(in: 0..<6, using: &random))
    switch Int.random(in: 0..<4, using: &random) {
    case 3: return graph.state(0, [6, 4], .f32).scatterAddRows(rows, at: at) * 0.25
    case 0: return graph.state(0, [6, 4], .f32).scatterRows(rows, at: at) * 0.5
    case 1: return graph.state(0, [6, 4], .f32).contiguous()
    default: return x.size(-1) == 4 && x.size(0) > 1 && x.rank == 2 ? x.scatterRows(rows, at: graph.iota(1, start: 1)) : nil
    }
  }
}
