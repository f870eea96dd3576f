public import AviaryCore
public import AviaryTensor

/// A square convolution over maps, zero-padded, without dilation.
public struct Convolution: Sendable {
  let weight: Weight
  let spec: Conv2D
  let path: ModulePath

  /// - Parameter padding: cells of zeros around the map.
  public init(_ w: Weights, _ input: Int, _ output: Int, kernel: Int, stride: Int = 1, padding: Int = 0) throws(AviaryError) {
    path = w.path
    weight = try w.weight("weight", [output, input, kernel, kernel])
    var spec = Conv2D()
    (spec.strideH, spec.strideW) = (Int32(stride), Int32(stride))
    (spec.top, spec.left, spec.bottom, spec.right) = (Int32(padding), Int32(padding), Int32(padding), Int32(padding))
    self.spec = spec
  }

  /// [n, input, h, w] -> [n, output, h', w']
  public func callAsFunction(_ x: Tensor) -> Tensor {
    x.graph.within(path) { x.conv2d(x.graph.use(weight), spec) }
  }
}
