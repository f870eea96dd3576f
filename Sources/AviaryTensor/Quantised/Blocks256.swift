/// The K types: blocks of 256 in groups whose small scales are multiples of one or two half-precision ones.
extension Dequantise {
  /// 16 scales (4 bits, and 4 of an offset), 64 bytes of two bits each, scale, offset.
  static func q2_k(_ b: UnsafeRawPointer, _ y: UnsafeMutablePointer<Float>) {
    let (d, minimum) = (half(b, 80), half(b, 82))
    for group in 0..<16 {
      let scale = byte(b, group)
      let (dl, ml) = (d * Float(scale & 15), minimum * Float(scale >> 4))
      // Groups of 16: two to a pair of bits, four pairs to each 32 bytes.
      let (start, shift) = (16 + group / 8 * 32 + group % 2 * 16, UInt8(group % 8 / 2 * 2))
      for l in 0..<16 { y[group * 16 + l] = dl * Float(byte(b, start + l) >> shift & 3) - ml }
    }
  }

  /// 32 bytes of third bits, 64 bytes of two bits each, 16 scales of six bits in 12 bytes, scale.
  static func q3_k(_ b: UnsafeRawPointer, _ y: UnsafeMutablePointer<Float>) {
    let d = half(b, 108)
    for group in 0..<16 {
      let dl = d * Float(q3Scale(b + 96, group) - 32)
      let (start, shift) = (32 + group / 8 * 32 + group % 2 * 16, UInt8(group % 8 / 2 * 2))
      let (mask, bit) = (group % 2 * 16, UInt8(1) << UInt8(group / 2))
      for l in 0..<16 {
        let low = Int(byte(b, start + l) >> shift & 3)
        y[group * 16 + l] = dl * Float(low - (byte(b, mask + l) & bit == 0 ? 4 : 0))
      }
    }
  }

  /// The g-th scale: four bits in bytes 0 to 7, two in bytes 8 to 11.
  private static func q3Scale(_ s: UnsafeRawPointer, _ g: Int) -> Int {
    let low = g < 8 ? byte(s, g) & 15 : byte(s, g - 8) >> 4
    let high = byte(s, 8 + g % 4) >> UInt8(g / 4 * 2) & 3
    return Int(low | high << 4)
  }

  /// scale, offset, 8 pairs of small ones in 12 bytes, 128 bytes of four bits each.
  static func q4_k(_ b: UnsafeRawPointer, _ y: UnsafeMutablePointer<Float>) {
    let (d, minimum) = (half(b, 0), half(b, 2))
    for group in 0..<8 {
      let (scale, offset) = pair(b + 4, group)
      let (dl, ml) = (d * Float(scale), minimum * Float(offset))
      let (start, shift) = (16 + group / 2 * 32, UInt8(group % 2 * 4))
      for l in 0..<32 { y[group * 32 + l] = dl * Float(byte(b, start + l) >> shift & 15) - ml }
    }
  }

  /// As `q4_k`, with 32 bytes of fifth bits in front of the 128.
  static func q5_k(_ b: UnsafeRawPointer, _ y: UnsafeMutablePointer<Float>) {
    let (d, minimum) = (half(b, 0), half(b, 2))
    for group in 0..<8 {
      let (scale, offset) = pair(b + 4, group)
      let (dl, ml) = (d * Float(scale), minimum * Float(offset))
      let (start, shift) = (48 + group / 2 * 32, UInt8(group % 2 * 4))
      for l in 0..<32 {
        let fifth = byte(b, 16 + l) >> UInt8(group) & 1
        y[group * 32 + l] = dl * Float(byte(b, start + l) >> shift & 15 | fifth << 4) - ml
      }
    }
  }

  /// The g-th scale and offset of q4_k and q5_k, six bits each.
  private static func pair(_ s: UnsafeRawPointer, _ g: Int) -> (scale: UInt8, offset: UInt8) {
    if g < 4 { return (byte(s, g) & 63, byte(s, g + 4) & 63) }
    return (byte(s, g + 4) & 15 | (byte(s, g - 4) >> 6) << 4, byte(s, g + 4) >> 4 | (byte(s, g) >> 6) << 4)
  }

  /// 128 bytes of low four bits, 64 of high two, 16 signed scales, scale.
  static func q6_k(_ b: UnsafeRawPointer, _ y: UnsafeMutablePointer<Float>) {
    let d = half(b, 208)
    for half in 0..<2 {
      for quarter in 0..<4 {
        let (low, high) = (half * 64 + quarter % 2 * 32, 128 + half * 32)
        for l in 0..<32 {
          let four = byte(b, low + l) >> UInt8(quarter / 2 * 4) & 15
          let two = byte(b, high + l) >> UInt8(quarter * 2) & 3
          let scale = b.load(fromByteOffset: 192 + half * 8 + quarter * 2 + l / 16, as: Int8.self)
          y[half * 128 + quarter * 32 + l] = d * Float(scale) * Float(Int(four | two << 4) - 32)
        }
      }
    }
  }
}
