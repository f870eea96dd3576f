public import AviaryCore
public import AviaryTensor

/// Layer normalisation over the last axis (Ba et al. 2016).
public struct LayerNorm: Sendable {
  let weight: Weight
  let bias: Weight
  let epsilon: Float
  let path: ModulePath

  /// - Parameters:
  ///   - scale: without one, ones stand in its place.
  ///   - bias: without one, zeros stand in its place.
  public init(_ w: Weights, _ width: Int, epsilon: Double = 1e-5, scale: Bool = true, bias: Bool = true) throws(AviaryError) {
    path = w.path
    weight = scale ? try w.weight("weight", [width]) : try w.constant("weight", Array(repeating: 1, count: width), [width])
    self.bias = bias ? try w.weight("bias", [width]) : try w.constant("bias", Array(repeating: 0, count: width), [width])
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

  /// - Parameter offset: added to the stored scales: Gemma's stand for 1 more than they are.
  public init(_ w: Weights, _ width: Int, epsilon: Double, offset: Float = 0) throws(AviaryError) {
    path = w.path
    weight = try w.weight("weight", [width], adding: offset)
    self.epsilon = Float(epsilon)
  }

  public func callAsFunction(_ x: Tensor) -> Tensor {
    x.graph.within(path) { x.rmsNorm(x.graph.use(weight), epsilon: epsilon) }
  }
}

/// Either norm, for parts that differ in nothing else.
public enum Norm: Sendable {
  case layer(LayerNorm)
  case rms(RMSNorm)

  public func callAsFunction(_ x: Tensor) -> Tensor {
    switch self {
    case .layer(let norm): norm(x)
    case .rms(let norm): norm(x)
    }
  }
}
