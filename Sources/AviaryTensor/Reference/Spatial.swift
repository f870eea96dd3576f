extension Reference {
  func conv2d(_ spec: Conv2D, _ x: Operand, _ kernel: Operand, _ out: Operand) {
    let (input, w) = (x.values(), kernel.values())
    let (channels, height, width) = (x.shape[1], x.shape[2], x.shape[3])
    let (outs, perGroup, kh, kw) = (kernel.shape[0], kernel.shape[1], kernel.shape[2], kernel.shape[3])
    let outsPerGroup = outs / Int(spec.groups)
    var result: [Double] = []
    for n in 0..<out.shape[0] {
      for o in 0..<outs {
        let first = o / outsPerGroup * perGroup
        for y in 0..<out.shape[2] {
          for z in 0..<out.shape[3] {
            var sum = 0.0
            for c in 0..<perGroup {
              for i in 0..<kh {
                let row = y * Int(spec.strideH) - Int(spec.top) + i * Int(spec.dilationH)
                if row < 0 || row >= height { continue }
                for j in 0..<kw {
                  let column = z * Int(spec.strideW) - Int(spec.left) + j * Int(spec.dilationW)
                  if column < 0 || column >= width { continue }
                  sum += input[((n * channels + first + c) * height + row) * width + column] * w[((o * perGroup + c) * kh + i) * kw + j]
                }
              }
            }
            result.append(sum)
          }
        }
      }
    }
    out.store(result)
  }

  func pool2d(_ spec: Pool2D, _ x: Operand, _ out: Operand) {
    let input = x.values()
    let (height, width) = (x.shape[2], x.shape[3])
    var result: [Double] = []
    for plane in 0..<out.shape[0] * out.shape[1] {
      for y in 0..<out.shape[2] {
        for z in 0..<out.shape[3] {
          var sum = 0.0
          var peak = -Double.infinity
          for i in 0..<Int(spec.kernelH) {
            let row = y * Int(spec.strideH) - Int(spec.padH) + i
            if row < 0 || row >= height { continue }
            for j in 0..<Int(spec.kernelW) {
              let column = z * Int(spec.strideW) - Int(spec.padW) + j
              if column < 0 || column >= width { continue }
              let value = input[(plane * height + row) * width + column]
              sum += value
              if isGreater(value, peak) { peak = value }
            }
          }
          result.append(spec.kind == .max ? peak : sum / Double(spec.kernelH * spec.kernelW))
        }
      }
    }
    out.store(result)
  }

  func resize2d(_ spec: Resize2D, _ x: Operand, _ out: Operand) {
    let (height, width) = (x.shape[2], x.shape[3])
    let rows = taps(spec, from: height, to: out.shape[2])
    let columns = taps(spec, from: width, to: out.shape[3])
    let input = x.values()
    var result: [Double] = []
    for plane in 0..<out.shape[0] * out.shape[1] {
      for row in rows {
        for column in columns {
          var sum = 0.0
          for (y, wy) in row {
            for (z, wz) in column { sum += input[(plane * height + y) * width + z] * wy * wz }
          }
          result.append(sum)
        }
      }
    }
    out.store(result)
  }

  /// For each output index the source indices and their weights. Source coordinates are Floats as in PyTorch, since
  /// `floor` of them decides which pixels are taken.
  private func taps(_ spec: Resize2D, from source: Int, to target: Int) -> [[(index: Int, weight: Double)]] {
    (0..<target).map { i in
      if spec.mode == .nearest {
        return [(min(Int((Float(i) * (Float(source) / Float(target))).rounded(.down)), source - 1), 1)]
      }
      var place: Float
      if spec.alignCorners {
        place = target > 1 ? Float(source - 1) / Float(target - 1) * Float(i) : 0
      } else {
        place = Float(source) / Float(target) * (Float(i) + 0.5) - 0.5
      }
      if spec.mode == .bilinear { place = max(place, 0) }
      let low = Int(place.rounded(.down))
      let t = Double(place - Float(low))
      let clamped = { (index: Int) in min(max(index, 0), source - 1) }
      if spec.mode == .bilinear { return [(clamped(low), 1 - t), (clamped(low + 1), t)] }
      let a = Double(spec.cubicA)
      return [
        (clamped(low - 1), outerCubic(1 + t, a)), (clamped(low), innerCubic(t, a)),
        (clamped(low + 1), innerCubic(1 - t, a)), (clamped(low + 2), outerCubic(2 - t, a)),
      ]
    }
  }

  /// Keys' cubic kernel (1981) for distances below 1.
  private func innerCubic(_ d: Double, _ a: Double) -> Double { ((a + 2) * d - (a + 3)) * d * d + 1 }
  /// The same for distances from 1 to 2.
  private func outerCubic(_ d: Double, _ a: Double) -> Double { ((a * d - 5 * a) * d + 8 * a) * d - 4 * a }
}
