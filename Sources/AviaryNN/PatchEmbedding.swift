public import AviaryCore
public import AviaryTensor

/// A convolution whose stride is its kernel: pictures to patches (Dosovitskiy et al. 2021).
public struct PatchEmbedding: Sendable {
  let weight: Weight
  let bias: Weight?
  let patch: Int
  let path: ModulePath

  /// - Parameter bias: `nil` takes one where the checkpoint has it.
  public init(_ w: Weights, channels: Int = 3, width: Int, patch: Int, bias: Bool? = false) throws(AviaryError) {
    path = w.path
    self.patch = patch
    weight = try w.weight("weight", [width, channels, patch, patch])
    switch bias {
    case true?: self.bias = try w.weight("bias", [width])
    case false?: self.bias = nil
    case nil: self.bias = try w.optional("bias", [width])
    }
  }

  /// [n, channels, h, w] -> [n, (h / patch) * (w / patch), width], row by row.
  public func callAsFunction(_ pixels: Tensor) -> Tensor {
    pixels.graph.within(path) {
      var spec = Conv2D()
      spec.strideH = Int32(patch)
      spec.strideW = Int32(patch)
      let map = pixels.conv2d(pixels.graph.use(weight), spec)
      let rows = map.reshaped(map.size(0), map.size(1), -1).transposed()
      return bias.map { rows + pixels.graph.use($0) } ?? rows
    }
  }
}
