import AviaryTensor
import TensorTestSupport
import Testing

/// One operation in one variant, on many shapes and layouts of operands.
struct ContractCase: Sendable, CustomTestStringConvertible {
  let testDescription: String
  /// Types that a backend may decline; an f32 case may not be declined.
  let mayBeDeclined: Bool
  let weights: [(shape: Shape, dtype: DType)]
  let record: @Sendable (Recorder) -> Void

  init(_ name: String, weights: [(shape: Shape, dtype: DType)] = [], mayBeDeclined: Bool = false, _ record: @escaping @Sendable (Recorder) -> Void) {
    testDescription = name
    self.weights = weights
    self.mayBeDeclined = mayBeDeclined
    self.record = record
  }

  func recorded() -> Recorder {
    let recorder = Recorder(weights)
    record(recorder)
    return recorder
  }
}

/// How an operand's elements lie in memory.
enum Layout: CaseIterable, Sendable {
  case plain
  /// The axes in reverse order.
  case permuted
  /// A part of something larger: every second index of the first axis, an offset on the last.
  case sliced
  /// The first axes are one element, repeated.
  case expanded
}

/// Records a case's graph and invents the values of its leaves.
final class Recorder {
  let graph: Graph
  private(set) var values = Values()
  private(set) var layout = Layout.plain
  private let weights: [Weight]
  private var random = SeededGenerator(7)

  init(_ weights: [(shape: Shape, dtype: DType)]) {
    self.weights = weights.enumerated().map { Weight(slot: Int32($0.offset), shape: $0.element.shape, dtype: $0.element.dtype) }
    graph = Graph(weights: WeightShapes(self.weights))
    for weight in self.weights {
      let isQuantised = weight.dtype.isQuantised
      values.weights.append(
        isQuantised
          ? randomBlocks(weight.shape.elements, weight.dtype, using: &random)
          : bytes(numbers(weight.shape.elements, weight.dtype, -1...1), weight.dtype))
    }
  }

  /// Records the body for every layout and parameter; what it returns is an output, under a path that says which.
  func each<P>(_ parameters: [P], layouts: [Layout] = Layout.allCases, _ body: (P) -> Tensor) {
    for layout in layouts {
      for parameter in parameters {
        self.layout = layout
        _ = graph.within(ModulePath("\(layout) \(parameter)")) { graph.output(body(parameter)) }
      }
    }
  }

  func weight(_ slot: Int) -> Tensor { graph.use(weights[slot]) }

  /// An operand in the current layout; whole numbers for integer types.
  func operand(_ shape: Shape, _ dtype: DType = .f32, in range: ClosedRange<Double> = -2...2) -> Tensor {
    if shape.count == 0 { return input(shape, dtype, range) }
    switch layout {
    case .plain: return input(shape, dtype, range)
    case .permuted:
      let order = Array((0..<shape.count).reversed())
      var turned = input(Shape(order.map { shape[$0] }), dtype, range)
      for i in 0..<shape.count / 2 { turned = turned.transposed(i, shape.count - 1 - i) }
      return turned
    case .sliced:
      var larger = shape
      larger[0] = shape[0] * 2 + 1
      let last = shape.count - 1
      if last > 0 { larger[last] = shape[last] + 2 }
      let rows = input(larger, dtype, range).slice(0, 1..<larger[0], step: 2)
      return last > 0 ? rows.slice(last, 1..<shape[last] + 1) : rows
    case .expanded:
      var one = shape
      one[0] = min(shape[0], 1)
      if shape.count > 2 { one[1] = min(shape[1], 1) }
      return input(one, dtype, range).expanded(to: shape)
    }
  }

  /// Contiguous i32 values below `limit`.
  func ids(_ shape: Shape, below limit: Int) -> Tensor { input(shape, .i32, 0...Double(max(limit - 1, 0))) }

  /// A state of random values.
  func state(_ shape: Shape, _ dtype: DType) -> Tensor {
    values.states.append(dtype.isQuantised ? randomBlocks(shape.elements, dtype, using: &random) : bytes(numbers(shape.elements, dtype, -2...2), dtype))
    return graph.state(values.states.count - 1, shape, dtype)
  }

  private func input(_ shape: Shape, _ dtype: DType, _ range: ClosedRange<Double>) -> Tensor {
    values.inputs.append(bytes(numbers(shape.elements, dtype, range), dtype))
    return graph.input(values.inputs.count - 1, shape, dtype)
  }

  private func numbers(_ count: Int, _ dtype: DType, _ range: ClosedRange<Double>) -> [Double] {
    (0..<count).map { _ in
      let value = Double.random(in: range, using: &random)
      switch dtype {
      case .f32, .f16, .bf16, .f64: return value
      case .bool: return value > range.lowerBound / 2 + range.upperBound / 2 ? 1 : 0
      case .u8: return min(abs(value.rounded()), 255)
      case .i8: return min(max(value.rounded(), -128), 127)
      default: return value.rounded()
      }
    }
  }
}
