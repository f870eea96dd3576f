import AviaryTensor

/// Norms and rotary positions.
extension Backward {
  func layerNorm(_ epsilon: Float) -> [Tensor?] {
    let (normed, scale) = standardised(x, epsilon)
    let dx = wants[0] ? standardisedGradient(dy * operands[1], normed, scale) : nil
    return [dx, wants[1] ? (dy * normed).summedRows() : nil, wants[2] ? dy.summedRows() : nil]
  }

  func rmsNorm(_ epsilon: Float) -> [Tensor?] {
    let scale = (x.unary(.square).reduce(.mean) + epsilon).unary(.rsqrt)
    let normed = x * scale
    var dx: Tensor?
    if wants[0] {
      let g = dy * operands[1]
      dx = (g - normed * (g * normed).reduce(.mean)) * scale
    }
    return [dx, wants[1] ? (dy * normed).summedRows() : nil]
  }

  /// As layerNorm over each group of channels, then a weight and a bias per channel.
  func groupNorm(_ groups: Int, _ epsilon: Float) -> [Tensor?] {
    let (n, channels) = (x.size(0), x.size(1))
    let inner = x.shape.elements / max(n * channels, 1)
    let (normed, scale) = standardised(x.reshaped(n, groups, channels / groups * inner), epsilon)
    let flat = dy.reshaped(n, channels, inner)
    func ofChannels(_ y: Tensor) -> Tensor { y.reduce(.sum, axis: 2).reduce(.sum, axis: 0).reshaped(channels) }
    var dx: Tensor?
    if wants[0] {
      let g = (flat * operands[1].reshaped(channels, 1)).reshaped(n, groups, channels / groups * inner)
      dx = standardisedGradient(g, normed, scale).reshaped(x.shape.dims)
    }
    return [dx, wants[1] ? ofChannels(flat * normed.reshaped(n, channels, inner)) : nil, wants[2] ? ofChannels(flat) : nil]
  }

  /// Rows with mean 0 and variance 1, and what they were divided by, inverted.
  private func standardised(_ x: Tensor, _ epsilon: Float) -> (normed: Tensor, scale: Tensor) {
    let centred = x - x.reduce(.mean)
    let scale = (centred.unary(.square).reduce(.mean) + epsilon).unary(.rsqrt)
    return (centred * scale, scale)
  }

  private func standardisedGradient(_ g: Tensor, _ normed: Tensor, _ scale: Tensor) -> Tensor {
    (g - g.reduce(.mean) - normed * (g * normed).reduce(.mean)) * scale
  }

  /// A rotation's transpose is the rotation back.
  func rope(_ spec: RoPE) -> Tensor {
    let positions = operands[1]
    let back = graph.scalar(0).cast(.i32).expanded(to: positions.shape).binary(.subtract, positions)
    return dy.rope(spec, positions: back, inverseFrequencies: operands[2])
  }
}
