/// Four bits that index a table of unevenly spaced numbers.
extension Dequantise {
  /// ggml's table: close to the quantiles of a normal distribution.
  public static let iq4Values: [Int8] = [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113]

  /// scale, 16 bytes.
  static func iq4_nl(_ b: UnsafeRawPointer, _ y: UnsafeMutablePointer<Float>) { table(b + 2, half(b, 0), y) }

  /// scale, 8 high pairs of bits of the small scales, 8 low halves in 4 bytes, 128 bytes.
  static func iq4_xs(_ b: UnsafeRawPointer, _ y: UnsafeMutablePointer<Float>) {
    let d = half(b, 0)
    let high = b.loadUnaligned(fromByteOffset: 2, as: UInt16.self)
    for group in 0..<8 {
      let low = byte(b, 4 + group / 2) >> UInt8(group % 2 * 4) & 15
      let scale = Int(low) | Int(high >> UInt16(2 * group) & 3) << 4
      table(b + 8 + group * 16, d * Float(scale - 32), y + group * 32)
    }
  }

  /// 32 elements: j in the low half of byte j, j + 16 in its high half.
  private static func table(_ q: UnsafeRawPointer, _ d: Float, _ y: UnsafeMutablePointer<Float>) {
    for j in 0..<16 {
      y[j] = d * Float(iq4Values[Int(byte(q, j) & 15)])
      y[j + 16] = d * Float(iq4Values[Int(byte(q, j) >> 4)])
    }
  }
}
