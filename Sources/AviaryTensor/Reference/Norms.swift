#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

extension Reference {
  func layerNorm(_ x: Operand, _ weight: Operand, _ bias: Operand, _ out: Operand, _ epsilon: Double) {
    let (w, b) = (weight.values(), bias.values())
    rows(x, out) { row in
      let (mean, variance) = moments(row)
      let scale = 1 / (variance + epsilon).squareRoot()
      for i in row.indices { row[i] = (row[i] - mean) * scale * w[i] + b[i] }
    }
  }

  func rmsNorm(_ x: Operand, _ weight: Operand, _ out: Operand, _ epsilon: Double) {
    let w = weight.values()
    rows(x, out) { row in
      let meanSquare = row.reduce(0) { $0 + $1 * $1 } / Double(row.count)
      let scale = 1 / (meanSquare + epsilon).squareRoot()
      for i in row.indices { row[i] *= scale * w[i] }
    }
  }

  /// x [n, c, ...]: each group of channels of each n has its own moments.
  func groupNorm(_ x: Operand, _ weight: Operand, _ bias: Operand, _ out: Operand, _ groups: Int, _ epsilon: Double) {
    let (w, b) = (weight.values(), bias.values())
    var values = x.values()
    let channels = x.shape[1]
    let plane = x.shape.dims.dropFirst(2).reduce(1, *)
    let size = channels / groups * plane
    if values.isEmpty { return }
    for start in stride(from: 0, to: values.count, by: size) {
      let (mean, variance) = moments(values[start..<start + size])
      let scale = 1 / (variance + epsilon).squareRoot()
      for i in start..<start + size {
        let channel = i / plane % channels
        values[i] = (values[i] - mean) * scale * w[channel] + b[channel]
      }
    }
    out.store(values)
  }

  func softmax(_ x: Operand, _ out: Operand) {
    rows(x, out) { row in
      let peak = row.reduce(-.infinity) { isGreater($1, $0) ? $1 : $0 }
      for i in row.indices { row[i] = exp(row[i] - peak) }
      let sum = row.reduce(0, +)
      for i in row.indices { row[i] /= sum }
    }
  }

  private func rows(_ x: Operand, _ out: Operand, _ body: (inout [Double]) -> Void) {
    let values = x.values()
    let length = x.shape[-1]
    if values.isEmpty { return }
    var result: [Double] = []
    for start in stride(from: 0, to: values.count, by: length) {
      var row = Array(values[start..<start + length])
      body(&row)
      result += row
    }
    out.store(result)
  }

  /// Mean and biased variance.
  private func moments(_ x: some Collection<Double>) -> (mean: Double, variance: Double) {
    let mean = x.reduce(0, +) / Double(x.count)
    let variance = x.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(x.count)
    return (mean, variance)
  }
}
