public import AviaryCore
public import AviaryTensor

/// y = x Wᵀ + b, with W [out, in] as every checkpoint stores it.
public struct Linear: Sendable {
  let weight: Weight
  let bias: Weight?
  let path: ModulePath

  /// - Parameter bias: `nil` takes a bias where the checkpoint has one.
  public init(_ w: Weights, _ input: Int, _ output: Int, bias: Bool? = false) throws(AviaryError) {
    path = w.path
    weight = try w.weight("weight", [output, input])
    switch bias {
    case true?: self.bias = try w.weight("bias", [output])
    case false?: self.bias = nil
    case nil: self.bias = try w.optional("bias", [output])
    }
  }

  /// [..., in] -> [..., out]
  public func callAsFunction(_ x: Tensor) -> Tensor {
    x.graph.within(path) {
      let product = x.matmul(x.graph.use(weight))
      return bias.map { product + x.graph.use($0) } ?? product
    }
  }
}
