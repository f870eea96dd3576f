#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

extension Reference {
  /// The angle is the Float product of position and frequency, as every published implementation has it.
  func rope(_ spec: RoPE, _ x: Operand, _ positions: Operand, _ frequencies: Operand, _ out: Operand) {
    var values = x.values()
    let at = positions.values()
    let inverse = frequencies.values()
    let (heads, width) = (x.shape[-2], x.shape[-1])
    let half = Int(spec.rotary) / 2
    let scale = Double(spec.scale)
    for (t, position) in at.enumerated() {
      for h in 0..<heads {
        let start = (t * heads + h) * width
        for i in 0..<half {
          let angle = Double(Float(position) * Float(inverse[i]))
          let (c, s) = (cos(angle) * scale, sin(angle) * scale)
          let first = start + (spec.interleaved ? 2 * i : i)
          let second = first + (spec.interleaved ? 1 : half)
          let (a, b) = (values[first], values[second])
          values[first] = a * c - b * s
          values[second] = b * c + a * s
        }
      }
    }
    out.store(values)
  }

  func attention(_ spec: Attention, _ x: [Operand], _ out: Operand) {
    let (q, k, v) = (x[0].values(), x[1].values(), x[2].values())
    let positions = spec.hasPositions ? x[3].values() : nil
    let biasOperand = spec.hasBias ? x[spec.hasPositions ? 4 : 3] : nil
    let bias = biasOperand?.values() ?? []
    let (batches, queries, heads, width) = (x[0].shape[0], x[0].shape[1], x[0].shape[2], x[0].shape[3])
    let (keys, keyHeads, valueWidth) = (x[1].shape[1], x[1].shape[2], x[2].shape[3])
    var result = [Double](repeating: 0, count: out.shape.elements)
    for b in 0..<batches {
      for t in 0..<queries {
        for h in 0..<heads {
          let keyHead = h / (heads / keyHeads)
          var scores = [Double](repeating: -.infinity, count: keys)
          for j in 0..<keys {
            if let positions, !spec.sees(key: j, from: Int(positions[b * queries + t])) { continue }
            var sum = 0.0
            let (qRow, kRow) = (((b * queries + t) * heads + h) * width, ((b * keys + j) * keyHeads + keyHead) * width)
            for i in 0..<width { sum += q[qRow + i] * k[kRow + i] }
            sum *= Double(spec.scale)
            if spec.softcap > 0 { sum = Double(spec.softcap) * tanh(sum / Double(spec.softcap)) }
            if let shape = biasOperand?.shape {
              let (bb, bh) = (shape[0] == 1 ? 0 : b, shape[1] == 1 ? 0 : h)
              sum += bias[((bb * shape[1] + bh) * queries + t) * keys + j]
            }
            scores[j] = sum
          }
          let peak = scores.reduce(-.infinity) { isGreater($1, $0) ? $1 : $0 }
          if peak == -.infinity { continue }
          let weights = scores.map { exp($0 - peak) }
          let total = weights.reduce(0, +)
          let row = ((b * queries + t) * heads + h) * valueWidth
          for (j, weight) in weights.enumerated() where weight != 0 {
            let vRow = ((b * keys + j) * keyHeads + keyHead) * valueWidth
            for i in 0..<valueWidth { result[row + i] += weight / total * v[vRow + i] }
          }
        }
      }
    }
    out.store(result)
  }
}

extension Attention {
  /// Whether a query at that position sees key j.
  func sees(key j: Int, from position: Int) -> Bool { j <= position && (window == 0 || j > position - Int(window)) }
}
