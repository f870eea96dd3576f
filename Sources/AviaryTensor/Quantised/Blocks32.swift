/// Blocks of 32 with one scale, and in the `_1` types an offset: element j in the low half of byte j, element j + 16 in its
/// high half.
extension Dequantise {
  /// scale (half), 16 bytes.
  static func q4_0(_ b: UnsafeRawPointer, _ y: UnsafeMutablePointer<Float>) {
    let d = half(b, 0)
    for j in 0..<16 {
      let q = byte(b, 2 + j)
      y[j] = Float(Int(q & 15) - 8) * d
      y[j + 16] = Float(Int(q >> 4) - 8) * d
    }
  }

  /// scale, offset (halves), 16 bytes.
  static func q4_1(_ b: UnsafeRawPointer, _ y: UnsafeMutablePointer<Float>) {
    let (d, m) = (half(b, 0), half(b, 2))
    for j in 0..<16 {
      let q = byte(b, 4 + j)
      y[j] = Float(q & 15) * d + m
      y[j + 16] = Float(q >> 4) * d + m
    }
  }

  /// scale, 32 fifth bits, 16 bytes.
  static func q5_0(_ b: UnsafeRawPointer, _ y: UnsafeMutablePointer<Float>) {
    let d = half(b, 0)
    let high = b.loadUnaligned(fromByteOffset: 2, as: UInt32.self)
    for j in 0..<16 {
      let q = byte(b, 6 + j)
      y[j] = Float(Int(q & 15 | fifth(high, j)) - 16) * d
      y[j + 16] = Float(Int(q >> 4 | fifth(high, j + 16)) - 16) * d
    }
  }

  /// scale, offset, 32 fifth bits, 16 bytes.
  static func q5_1(_ b: UnsafeRawPointer, _ y: UnsafeMutablePointer<Float>) {
    let (d, m) = (half(b, 0), half(b, 2))
    let high = b.loadUnaligned(fromByteOffset: 4, as: UInt32.self)
    for j in 0..<16 {
      let q = byte(b, 8 + j)
      y[j] = Float(q & 15 | fifth(high, j)) * d + m
      y[j + 16] = Float(q >> 4 | fifth(high, j + 16)) * d + m
    }
  }

  /// scale, 32 signed bytes.
  static func q8_0(_ b: UnsafeRawPointer, _ y: UnsafeMutablePointer<Float>) {
    let d = half(b, 0)
    for j in 0..<32 { y[j] = Float(b.load(fromByteOffset: 2 + j, as: Int8.self)) * d }
  }

  /// 16 where bit j is set.
  private static func fifth(_ bits: UInt32, _ j: Int) -> UInt8 { UInt8(bits >> UInt32(j) & 1) << 4 }
}
