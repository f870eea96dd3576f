public import AviaryCore
public import AviaryTensor

/// Layer normalisation over the last axis (Ba et al. 2016).
public struct LayerNorm: Sendable {
  let weight: Weight
  let bias: Weight
  let epsilon: Float
  let path: ModulePath

  public init(_ w: Weights, _ width: Int, epsilon: Double = 1e-5) throws(AviaryError) {
    path = w.path
    weight = try w.weight("weight", [width])
    bias = try w.weight("bias", [width])
    self.epsilon = Float(epsilon)
  }

  public func callAsFunction(_ x: Tensor) -> Tensor {
    x.graph.within(path) { x.layerNorm(x.graph.use(weight), x.graph.use(bias), epsilon: epsilon) }
  }
}

/// Root-mean-square normalisation over the last axis (Zhang and Sennrich 2019).
public struct RMSNorm: Sendable {
  let weight: Weight
  let epsilon: Float
  let path: ModulePath

  public init(_ w: Weights, _ width: Int, epsilon: Double) throws(AviaryError) {
    path = w.path
    weight = try w.weight("weight", [width])
    self.epsilon = Float(epsilon)
  }

  public func callAsFunction(_ x: Tensor) -> Tensor {
    x.graph.within(path) { x.rmsNorm(x.graph.use(weight), epsilon: epsilon) }
  }
}
