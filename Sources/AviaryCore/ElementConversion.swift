public import AviaryTensor

/// Elements of one type from those of another, a piece at a time.
extension StoredTensor {
  /// Elements that are converted at once: whole blocks of every type.
  public static let piece = 1 << 18

  /// The elements of a range of whole blocks as floats.
  ///
  /// - Parameter floats: room for as many.
  public func read(_ range: Range<Int>, into floats: UnsafeMutableBufferPointer<Float>) {
    let bytes = bytes
    func each(_ value: (Int) -> Float) { for i in range { floats[i - range.lowerBound] = value(i) } }
    switch dtype {
    case .f32: each { bytes.loadUnaligned(fromByteOffset: $0 * 4, as: Float.self) }
    case .f64: each { Float(bytes.loadUnaligned(fromByteOffset: $0 * 8, as: Double.self)) }
    case .f16: each { float(f16: bytes.loadUnaligned(fromByteOffset: $0 * 2, as: UInt16.self)) }
    case .bf16: each { float(bf16: bytes.loadUnaligned(fromByteOffset: $0 * 2, as: UInt16.self)) }
    case .i64: each { Float(bytes.loadUnaligned(fromByteOffset: $0 * 8, as: Int64.self)) }
    case .i32: each { Float(bytes.loadUnaligned(fromByteOffset: $0 * 4, as: Int32.self)) }
    case .i16: each { Float(bytes.loadUnaligned(fromByteOffset: $0 * 2, as: Int16.self)) }
    case .i8: each { Float(bytes.loadUnaligned(fromByteOffset: $0, as: Int8.self)) }
    case .u8, .bool: each { Float(bytes[$0]) }
    case .q8_0, .q4_0, .q4_1, .q5_0, .q5_1, .q2_k, .q3_k, .q4_k, .q5_k, .q6_k, .iq4_nl, .iq4_xs:
      Dequantise.blocks(dtype, UnsafeRawBufferPointer(rebasing: bytes[dtype.byteOffset(of: range.lowerBound)..<dtype.byteOffset(of: range.upperBound)]), into: floats)
    }
  }
}

extension DType {
  /// Types that floats can be stored as.
  public static let storable: [DType] = [.f32, .f16, .bf16] + Quantise.types

  /// Stores floats as this type, rounded to nearest even or quantised; whole blocks.
  public func store(_ floats: UnsafeBufferPointer<Float>, into bytes: UnsafeMutableRawBufferPointer) {
    switch self {
    case .f32: for i in floats.indices { bytes.storeBytes(of: floats[i], toByteOffset: i * 4, as: Float.self) }
    case .f16: for i in floats.indices { bytes.storeBytes(of: f16Bits(floats[i]), toByteOffset: i * 2, as: UInt16.self) }
    case .bf16: for i in floats.indices { bytes.storeBytes(of: bf16Bits(floats[i]), toByteOffset: i * 2, as: UInt16.self) }
    default: Quantise.blocks(self, floats, into: bytes)
    }
  }

  /// This type, or one of about as many bits whose blocks fill rows of that length: q4_k becomes q5_0, and half precision
  /// where not even 32 divide the rows; as llama.cpp does it.
  public func fitting(rows length: Int) -> DType {
    if holdsRows(of: length) { return self }
    let smaller: DType =
      switch self {
      case .q2_k, .q3_k, .iq4_xs: .q4_0
      case .q4_k: .q5_0
      case .q5_k: .q5_1
      case .q6_k: .q8_0
      default: .f16
      }
    return smaller.fitting(rows: length)
  }
}
