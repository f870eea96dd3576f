import AviaryTensor

/// Rotary positions and attention.
extension Recorder {
  mutating func rope(_ spec: RoPE, _ x: View, _ positions: View, _ frequencies: View, _ out: View) throws(AviaryError) {
    let (heads, width) = (x.shape[-2], x.shape[-1])
    let (from, at, steps, to): (Bound, Bound, Bound, Bound) = (try bound(x), try bound(positions), try bound(frequencies), try bound(out))
    let none = x.shape.dims.map { _ in 0 }
    let walk = Walk(x.shape.dims, [x.steps, none, none, out.steps])
    let head: [UInt32] = [UInt32(walk.count), UInt32(walk.sizes.count), from.first, at.first, steps.first, to.first, 0, 0]
    let tail: [UInt32] = [UInt32(width), UInt32(heads * width), UInt32(spec.rotary), spec.interleaved ? 1 : 0, spec.scale.bitPattern]
    dispatch(
      "rope", [], items: walk.count, perItem: 60, [from, at, steps], to, words(head, walk.sizes.words, walk.strides.flatMap { $0.words }, tail))
  }

  mutating func attention(_ spec: Attention, _ x: [View], _ out: View) throws(AviaryError) {
    // Batches and heads are independent, so that large operands go one by one.
    if x.contains(where: { $0.bytesReached > device.largestBinding - device.offsetAlignment }) {
      if x[0].shape[0] > 1 {
        for b in 0..<x[0].shape[0] { try attention(spec, x.map { $0.shape[0] == 1 ? $0 : $0.part(0, b, 1) }, out.part(0, b, 1)) }
        return
      }
      if x[1].shape[2] > 1 {
        let share = x[0].shape[2] / x[1].shape[2]
        for h in 0..<x[1].shape[2] {
          var parts = [x[0].part(2, h * share, share), x[1].part(2, h, 1), x[2].part(2, h, 1)]
          if spec.hasPositions { parts.append(x[3]) }
          if spec.hasBias, let bias = x.last { parts.append(bias.shape[1] == 1 ? bias : bias.part(1, h * share, share)) }
          try attention(spec, parts, out.part(2, h * share, share))
        }
        return
      }
      if x[0].shape[1] > 1 {
        let half = x[0].shape[1] / 2
        for (start, count) in [(0, half), (half, x[0].shape[1] - half)] {
          var parts = x
          parts[0] = x[0].part(1, start, count)
          if spec.hasPositions { parts[3] = x[3].part(1, start, count) }
          if spec.hasBias { parts[x.count - 1] = x[x.count - 1].part(2, start, count) }
          try attention(spec, parts, out.part(1, start, count))
        }
        return
      }
    }
    let (q, k, v) = (x[0], x[1], x[2])
    let (batches, queries, heads, width) = (q.shape[0], q.shape[1], q.shape[2], q.shape[3])
    let (keys, keyHeads, valueWidth) = (k.shape[1], k.shape[2], v.shape[3])
    let positions = spec.hasPositions ? x[3] : nil
    let bias = spec.hasBias ? x[spec.hasPositions ? 4 : 3] : nil
    // A cache may be bound that has no rows yet.
    let (qs, ks, vs, to): (Bound, Bound, Bound, Bound) = (try bound(q), try bound(k), try bound(v), try bound(out))
    let (at, bs): (Bound?, Bound?) = (try bound(positions), try bound(bias))
    let biasSteps: [Int] = bias.map { [$0.shape[0] == 1 ? 0 : $0.strides[0], $0.shape[1] == 1 ? 0 : $0.strides[1], $0.strides[2]] } ?? [0, 0, 0]
    let sizes: [UInt32] = [batches, queries, heads, keys, width, valueWidth, heads / keyHeads, 0].map { UInt32($0) }
    let firsts: [UInt32] = [qs.first, ks.first, vs.first, at?.first ?? 0, bs?.first ?? 0, to.first]
    let rules: [UInt32] = [spec.scale.bitPattern, UInt32(spec.window), spec.softcap.bitPattern, (spec.hasPositions ? 1 : 0) | (spec.hasBias ? 2 : 0)]
    var strides: [Int] = [q, k, v].flatMap { Array($0.steps.dropLast()) }
    strides += [biasSteps[0], biasSteps[2], biasSteps[1], queries]
    strides += out.steps.dropLast()
    let parameters = words(sizes, firsts, rules, strides.map { UInt32($0) })
    let isPlain = !spec.hasBias && spec.window == 0 && spec.softcap == 0
    let units = batches * heads * queries
    let each = Double(keys * (width + valueWidth + (isPlain ? 100 : 400)) + 200)
    let constants: [UInt32] = [UInt32(k.dtype.rawValue), Recorder.fours(max(width, valueWidth)), isPlain ? 1 : 0]
    if isProcessor, try attendFetched(k, v, constants, parameters, units: (batches * heads, queries), each, [qs, nil, nil, at, bs], to) { return }
    if isProcessor {
      dispatch("attention", constants + [1], items: units, size: 8, perItem: each, [qs, ks, vs, at, bs], to, parameters)
    } else {
      dispatch("attention", size: 32, constants + [32], groups: units, work: Double(units) * each, [qs, ks, vs, at, bs], to, parameters)
    }
  }

  /// The form for a processor's driver, where keys and values lie at whole texels; whether they do.
  private mutating func attendFetched(
    _ k: View, _ v: View, _ constants: [UInt32], _ parameters: [UInt32], units: (Int, Int), _ each: Double, _ operands: [Bound?], _ out: Bound
  ) throws(AviaryError) -> Bool {
    guard k.shape.elements > 0, (k.steps.dropLast() + v.steps.dropLast() + [k.shape[3], v.shape[3]]).allSatisfy({ $0 % 4 == 0 }) else { return false }
    let form: Texels.Form = k.dtype == .f32 ? .fourBits : .twoBits
    guard let keys = try texels(k, form), let values = try texels(v, form) else { return false }
    var parameters = parameters
    (parameters[9], parameters[10]) = (keys.first, values.first)
    for place in 21..<27 { parameters[place] /= 4 }
    let together = units.1 == 1 ? 1 : 4
    let items = units.0 * ((units.1 + together - 1) / together)
    let groups = (items + 7) / 8
    dispatch(
      "attend", size: 8, constants + [UInt32(together)], groups: groups, work: Double(groups * 8 * together) * each / 2, operands, out, parameters,
      texels: [keys, values])
    return true
  }

  /// Widths share few pipelines: rounded up to one of these, in fours.
  private static func fours(_ width: Int) -> UInt32 {
    let needed = (width + 3) / 4
    return UInt32([4, 8, 16, 20, 24, 32, 64].first { $0 >= needed } ?? needed)
  }
}
