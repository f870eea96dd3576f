/// The K types: the scale of each group is the best of several by weighted squared error, then all scales of a block are
/// themselves rounded to whole multiples of one.
extension Quantise {
  /// Scale and offset (>= 0) with x ≈ scale * level - offset, for levels from 0.
  ///
  /// - Parameters:
  ///   - weights: of the elements' errors.
  ///   - candidates: numbers of levels that the range is tried to be cut into.
  private static func affine(
    _ x: UnsafePointer<Float>, _ count: Int, levels: Int, _ weights: (Int) -> Float, candidates: StrideThrough<Float>
  ) -> (scale: Float, offset: Float) {
    var (low, high, sumW, sumX) = (Float(0), x[0], Float(0), Float(0))
    for i in 0..<count {
      (low, high) = (min(low, x[i]), max(high, x[i]))
      sumW += weights(i)
      sumX += weights(i) * x[i]
    }
    guard high > low else { return (0, -low) }
    func error(_ scale: Float, _ offset: Float) -> Float {
      var sum: Float = 0
      let inverse = scale == 0 ? 0 : 1 / scale
      for i in 0..<count {
        let difference = scale * Float(nearest((x[i] + offset) * inverse, 0, levels)) - offset - x[i]
        sum += weights(i) * difference * difference
      }
      return sum
    }
    var best = (scale: (high - low) / Float(levels), offset: -low)
    var least = error(best.scale, best.offset)
    for steps in candidates {
      let inverse = steps / (high - low)
      var (sumL, sumLL, sumXL) = (Float(0), Float(0), Float(0))
      for i in 0..<count {
        let l = Float(nearest(inverse * (x[i] - low), 0, levels))
        sumL += weights(i) * l
        sumLL += weights(i) * l * l
        sumXL += weights(i) * l * x[i]
      }
      // The least-squares line through (level, element).
      let determinant = sumW * sumLL - sumL * sumL
      guard determinant > 0 else { continue }
      var scale = (sumW * sumXL - sumX * sumL) / determinant
      var offset = (sumL * sumXL - sumLL * sumX) / determinant
      if offset < 0 { (scale, offset) = (sumLL > 0 ? sumXL / sumLL : 0, 0) }
      guard scale > 0 else { continue }
      let found = error(scale, offset)
      if found < least { (least, best) = (found, (scale, offset)) }
    }
    return best
  }

  /// Scale with x ≈ scale * level, for levels from -levels to levels - 1, errors weighted by x².
  private static func symmetric(_ x: UnsafePointer<Float>, _ count: Int, levels: Int) -> Float {
    var peak: Float = 0
    for i in 0..<count where abs(x[i]) > abs(peak) { peak = x[i] }
    guard abs(peak) > 1e-15 else { return 0 }
    var (best, scale) = (Float(-1), Float(0))
    for step in -9...9 {
      let inverse = -(Float(levels) + 0.1 * Float(step)) / peak
      var (sumXL, sumLL) = (Float(0), Float(0))
      for i in 0..<count {
        let l = Float(nearest(inverse * x[i], -levels, levels - 1))
        sumXL += x[i] * x[i] * x[i] * l
        sumLL += x[i] * x[i] * l * l
      }
      // Large where the error that is left is small.
      if sumLL > 0, sumXL * sumXL / sumLL > best { (best, scale) = (sumXL * sumXL / sumLL, sumXL / sumLL) }
    }
    return scale
  }

  /// Scales rounded to multiples of a half-precision number, which is theirs afterwards.
  private static func multiples(_ values: [Float], _ most: Int) -> (unit: Float, numbers: [Int]) {
    let peak = values.max() ?? 0
    guard peak > 0 else { return (0, values.map { _ in 0 }) }
    let inverse = Float(most) / peak
    return (float(f16: f16Bits(peak / Float(most))), values.map { nearest($0 * inverse, 0, most) })
  }

  /// The same for scales of either sign; the largest becomes `low`, which is below 0.
  private static func signedMultiples(_ values: [Float], _ low: Int, _ high: Int) -> (unit: Float, numbers: [Int]) {
    let peak = values.max { abs($0) < abs($1) } ?? 0
    guard abs(peak) > 1e-15 else { return (0, values.map { _ in 0 }) }
    let inverse = Float(low) / peak
    return (float(f16: f16Bits(1 / inverse)), values.map { nearest($0 * inverse, low, high) })
  }

  private static func zero(_ b: UnsafeMutableRawPointer, _ count: Int) { b.initializeMemory(as: UInt8.self, repeating: 0, count: count) }

  private static func add(_ bits: Int, _ b: UnsafeMutableRawPointer, _ offset: Int) {
    put(b.load(fromByteOffset: offset, as: UInt8.self) | UInt8(truncatingIfNeeded: bits), b, offset)
  }

  // MARK: Types

  static func q2_k(_ x: UnsafePointer<Float>, _ b: UnsafeMutableRawPointer) {
    zero(b, 84)
    var (scales, offsets) = ([Float](), [Float]())
    for group in 0..<16 {
      let part = x + group * 16
      let found = affine(part, 16, levels: 3, { abs(part[$0]) }, candidates: stride(from: 2.5, through: 4, by: 0.1))
      scales.append(found.scale)
      offsets.append(found.offset)
    }
    let (d, ds) = multiples(scales, 15)
    let (m, ms) = multiples(offsets, 15)
    put(half: d, b, 80)
    put(half: m, b, 82)
    for group in 0..<16 {
      put(UInt8(ds[group] | ms[group] << 4), b, group)
      let (scale, offset) = (d * Float(ds[group]), m * Float(ms[group]))
      for l in 0..<16 where scale > 0 {
        pairs(nearest((x[group * 16 + l] + offset) / scale, 0, 3), group * 16 + l, b, 16)
      }
    }
  }

  static func q3_k(_ x: UnsafePointer<Float>, _ b: UnsafeMutableRawPointer) {
    zero(b, 110)
    let (d, numbers) = signedMultiples((0..<16).map { symmetric(x + $0 * 16, 16, levels: 4) }, -32, 31)
    put(half: d, b, 108)
    for group in 0..<16 {
      // Six bits each: four in bytes 0 to 7, two in bytes 8 to 11.
      let number = numbers[group] + 32
      add(group < 8 ? number & 15 : (number & 15) << 4, b, 96 + group % 8)
      add((number >> 4) << (group / 4 * 2), b, 104 + group % 4)
      let scale = d * Float(numbers[group])
      for l in 0..<16 {
        let j = group * 16 + l
        let level = scale == 0 ? 4 : nearest(x[j] / scale, -4, 3) + 4
        if level > 3 { add(1 << (j / 32), b, j % 32) }
        pairs(level & 3, j, b, 32)
      }
    }
  }

  /// Two bits of element j: four elements that are 32 apart share a byte.
  private static func pairs(_ bits: Int, _ j: Int, _ b: UnsafeMutableRawPointer, _ start: Int) {
    add(bits << (j % 128 / 32 * 2), b, start + j / 128 * 32 + j % 32)
  }

  /// q4_k with 15 levels, q5_k with 31.
  static func q45_k(_ x: UnsafePointer<Float>, _ b: UnsafeMutableRawPointer, levels: Int) {
    let hasFifth = levels == 31
    zero(b, hasFifth ? 176 : 144)
    var (scales, offsets) = ([Float](), [Float]())
    for group in 0..<8 {
      let part = x + group * 32
      var squares: Float = 0
      for l in 0..<32 { squares += part[l] * part[l] }
      let mean = (squares / 32).squareRoot()
      let candidates: StrideThrough<Float> = hasFifth ? stride(from: 30.5, through: 32, by: 0.1) : stride(from: 14, through: 16, by: 0.1)
      let found = affine(part, 32, levels: levels, { mean + abs(part[$0]) }, candidates: candidates)
      scales.append(found.scale)
      offsets.append(found.offset)
    }
    let (d, ds) = multiples(scales, 63)
    let (m, ms) = multiples(offsets, 63)
    put(half: d, b, 0)
    put(half: m, b, 2)
    let values = hasFifth ? 48 : 16
    for group in 0..<8 {
      if group < 4 {
        add(ds[group], b, 4 + group)
        add(ms[group], b, 8 + group)
      } else {
        add(ds[group] & 15 | (ms[group] & 15) << 4, b, 8 + group)
        add((ds[group] >> 4) << 6, b, group)
        add((ms[group] >> 4) << 6, b, 4 + group)
      }
      let (scale, offset) = (d * Float(ds[group]), m * Float(ms[group]))
      for l in 0..<32 where scale > 0 {
        let level = nearest((x[group * 32 + l] + offset) / scale, 0, levels)
        add((level & 15) << (group % 2 * 4), b, values + group / 2 * 32 + l)
        if hasFifth { add((level >> 4) << group, b, 16 + l) }
      }
    }
  }

  static func q6_k(_ x: UnsafePointer<Float>, _ b: UnsafeMutableRawPointer) {
    zero(b, 210)
    let (d, numbers) = signedMultiples((0..<16).map { symmetric(x + $0 * 16, 16, levels: 32) }, -128, 127)
    put(half: d, b, 208)
    for group in 0..<16 {
      put(UInt8(bitPattern: Int8(numbers[group])), b, 192 + group)
      let scale = d * Float(numbers[group])
      for l in 0..<16 {
        let j = group * 16 + l
        let level = scale == 0 ? 32 : nearest(x[j] / scale, -32, 31) + 32
        let (half, quarter, place) = (j / 128, j % 128 / 32, j % 32)
        add((level & 15) << (quarter / 2 * 4), b, half * 64 + quarter % 2 * 32 + place)
        add((level >> 4) << (quarter * 2), b, 128 + half * 32 + place)
      }
    }
  }
}
