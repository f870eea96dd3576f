/// Quantised blocks from floats, by the field's standard rules: ggml's for blocks of 32, weighted least squares over
/// candidate scales for the K types.
public enum Quantise {
  /// The types that can be made.
  public static let types: [DType] = [.q8_0, .q4_0, .q4_1, .q5_0, .q5_1, .q2_k, .q3_k, .q4_k, .q5_k, .q6_k]

  /// Writes whole blocks, in order.
  ///
  /// - Parameters:
  ///   - floats: a whole number of blocks' elements; what is behind the last whole block is left out.
  ///   - output: room for as many blocks.
  public static func blocks(_ dtype: DType, _ floats: UnsafeBufferPointer<Float>, into output: UnsafeMutableRawBufferPointer) {
    guard types.contains(dtype), let from = floats.baseAddress, let to = output.baseAddress else { return }
    let count = min(floats.count / dtype.blockElements, output.count / dtype.blockBytes)
    for i in 0..<count { block(dtype, from + i * dtype.blockElements, to + i * dtype.blockBytes) }
  }

  private static func block(_ dtype: DType, _ x: UnsafePointer<Float>, _ b: UnsafeMutableRawPointer) {
    switch dtype {
    case .q8_0: q8_0(x, b)
    case .q4_0: q4_0(x, b)
    case .q4_1: q4_1(x, b)
    case .q5_0: q5_0(x, b)
    case .q5_1: q5_1(x, b)
    case .q2_k: q2_k(x, b)
    case .q3_k: q3_k(x, b)
    case .q4_k: q45_k(x, b, levels: 15)
    case .q5_k: q45_k(x, b, levels: 31)
    case .q6_k: q6_k(x, b)
    default: break
    }
  }

  // MARK: Blocks of 32

  private static func q8_0(_ x: UnsafePointer<Float>, _ b: UnsafeMutableRawPointer) {
    var peak: Float = 0
    for j in 0..<32 { peak = max(peak, abs(x[j])) }
    let d = peak / 127
    let inverse = d == 0 ? 0 : 1 / d
    put(half: d, b, 0)
    for j in 0..<32 { put(UInt8(bitPattern: Int8(level((x[j] * inverse).rounded(), -128, 127))), b, 2 + j) }
  }

  private static func q4_0(_ x: UnsafePointer<Float>, _ b: UnsafeMutableRawPointer) {
    let d = signedPeak(x) / -8
    let inverse = d == 0 ? 0 : 1 / d
    put(half: d, b, 0)
    nibbles(b, 2) { level((x[$0] * inverse + 8.5).rounded(.down), 0, 15) }
  }

  private static func q4_1(_ x: UnsafePointer<Float>, _ b: UnsafeMutableRawPointer) {
    let (low, d, inverse) = affine(x, levels: 15)
    put(half: d, b, 0)
    put(half: low, b, 2)
    nibbles(b, 4) { level(((x[$0] - low) * inverse + 0.5).rounded(.down), 0, 15) }
  }

  private static func q5_0(_ x: UnsafePointer<Float>, _ b: UnsafeMutableRawPointer) {
    let d = signedPeak(x) / -16
    let inverse = d == 0 ? 0 : 1 / d
    put(half: d, b, 0)
    fives(b, high: 2, low: 6) { level((x[$0] * inverse + 16.5).rounded(.down), 0, 31) }
  }

  private static func q5_1(_ x: UnsafePointer<Float>, _ b: UnsafeMutableRawPointer) {
    let (low, d, inverse) = affine(x, levels: 31)
    put(half: d, b, 0)
    put(half: low, b, 2)
    fives(b, high: 4, low: 8) { level(((x[$0] - low) * inverse + 0.5).rounded(.down), 0, 31) }
  }

  /// The element of the largest magnitude, with its sign.
  private static func signedPeak(_ x: UnsafePointer<Float>) -> Float {
    var peak: Float = 0
    for j in 0..<32 where abs(x[j]) > abs(peak) { peak = x[j] }
    return peak
  }

  private static func affine(_ x: UnsafePointer<Float>, levels: Float) -> (low: Float, scale: Float, inverse: Float) {
    var (low, high) = (Float.greatestFiniteMagnitude, -Float.greatestFiniteMagnitude)
    for j in 0..<32 { (low, high) = (min(low, x[j]), max(high, x[j])) }
    let d = (high - low) / levels
    return (low, d, d == 0 ? 0 : 1 / d)
  }

  /// Sixteen bytes of halves: element j low, element j + 16 high.
  private static func nibbles(_ b: UnsafeMutableRawPointer, _ at: Int, _ value: (Int) -> Int) {
    for j in 0..<16 { put(UInt8(value(j) | value(j + 16) << 4), b, at + j) }
  }

  /// The same with the fifth bits in four bytes.
  private static func fives(_ b: UnsafeMutableRawPointer, high: Int, low: Int, _ value: (Int) -> Int) {
    var bits: UInt32 = 0
    for j in 0..<16 {
      let (a, c) = (value(j), value(j + 16))
      put(UInt8(a & 15 | (c & 15) << 4), b, low + j)
      bits |= UInt32(a >> 4) << UInt32(j) | UInt32(c >> 4) << UInt32(j + 16)
    }
    b.storeBytes(of: bits, toByteOffset: high, as: UInt32.self)
  }

  // MARK: Numbers

  static func put(_ value: UInt8, _ b: UnsafeMutableRawPointer, _ offset: Int) { b.storeBytes(of: value, toByteOffset: offset, as: UInt8.self) }

  static func put(half value: Float, _ b: UnsafeMutableRawPointer, _ offset: Int) {
    b.storeBytes(of: f16Bits(value), toByteOffset: offset, as: UInt16.self)
  }

  /// A whole number within bounds; NaN becomes the lower one.
  static func level(_ x: Float, _ low: Int, _ high: Int) -> Int { x >= Float(high) ? high : x > Float(low) ? Int(x) : low }

  /// The same, rounded first.
  static func nearest(_ x: Float, _ low: Int, _ high: Int) -> Int { level(x.rounded(.toNearestOrEven), low, high) }
}
