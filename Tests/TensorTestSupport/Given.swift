public import AviaryTensor

/// A value given to a graph: numbers of a shape, stored in a dtype.
public struct Given: Sendable {
  public let shape: Shape
  public let dtype: DType
  public let values: [Double]

  public init(_ shape: Shape, _ values: [Double], _ dtype: DType = .f32) {
    self.shape = shape
    self.dtype = dtype
    self.values = values
  }

  /// The pattern ((7i + a) mod 11 - 5) / 4: exact in every float type, without period in small shapes.
  public static func pattern(_ shape: Shape, _ a: Int = 3) -> Given {
    Given(shape, (0..<shape.elements).map { Double(($0 * 7 + a) % 11 - 5) / 4 })
  }
}

/// Records a graph over inputs and weights, runs it, and returns its one output.
public func evaluate(
  _ inputs: [Given], weights: [Given] = [], on backend: any Backend = Reference(), _ options: Lowering.Options = Lowering.Options(),
  _ body: (_ x: [Tensor], _ w: [Tensor]) -> Tensor
) throws(AviaryError) -> [Double] {
  let table = weights.enumerated().map { Weight(slot: Int32($0.offset), shape: $0.element.shape, dtype: $0.element.dtype) }
  let graph = Graph(weights: WeightShapes(table))
  graph.output(body(inputs.enumerated().map { graph.input($0.offset, $0.element.shape, $0.element.dtype) }, table.map(graph.use)))
  let values = Values(weights: weights.map { bytes($0.values, $0.dtype) }, inputs: inputs.map { bytes($0.values, $0.dtype) })
  return try run(graph, values, on: backend, options).outputs[0]
}
