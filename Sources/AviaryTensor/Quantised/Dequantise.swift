/// Floats from quantised blocks, as ggml's reference has them: the same operations in the same order, so that every bit
/// is equal. Products of a scale and a whole number are rounded before anything is added.
public enum Dequantise {
  /// The floats of whole blocks, in order.
  ///
  /// - Parameters:
  ///   - bytes: whole blocks; what is behind the last whole one is not looked at. Any alignment.
  ///   - output: room for as many floats as the blocks hold.
  public static func blocks(_ dtype: DType, _ bytes: UnsafeRawBufferPointer, into output: UnsafeMutableBufferPointer<Float>) {
    guard dtype.isQuantised, let from = bytes.baseAddress, let to = output.baseAddress else { return }
    let count = min(bytes.count / dtype.blockBytes, output.count / dtype.blockElements)
    for i in 0..<count { block(dtype, from + i * dtype.blockBytes, to + i * dtype.blockElements) }
  }

  /// The floats of one block of `dtype`, which is a quantised type.
  public static func block(_ dtype: DType, _ b: UnsafeRawPointer, _ y: UnsafeMutablePointer<Float>) {
    switch dtype {
    case .q4_0: q4_0(b, y)
    case .q4_1: q4_1(b, y)
    case .q5_0: q5_0(b, y)
    case .q5_1: q5_1(b, y)
    case .q8_0: q8_0(b, y)
    case .q2_k: q2_k(b, y)
    case .q3_k: q3_k(b, y)
    case .q4_k: q4_k(b, y)
    case .q5_k: q5_k(b, y)
    case .q6_k: q6_k(b, y)
    case .iq4_nl: iq4_nl(b, y)
    case .iq4_xs: iq4_xs(b, y)
    case .f32, .f16, .bf16, .i32, .i64, .u8, .bool, .f64, .i16, .i8: break
    }
  }

  /// The half-precision number at a byte offset.
  static func half(_ b: UnsafeRawPointer, _ offset: Int) -> Float { float(f16: b.loadUnaligned(fromByteOffset: offset, as: UInt16.self)) }

  static func byte(_ b: UnsafeRawPointer, _ offset: Int) -> UInt8 { b.load(fromByteOffset: offset, as: UInt8.self) }
}
