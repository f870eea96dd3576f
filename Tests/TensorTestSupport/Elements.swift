public import AviaryTensor

/// The bytes of elements of a dtype, as the reference backend stores them.
public func bytes(_ values: [Double], _ dtype: DType = .f32) -> [UInt8] {
  values.flatMap { value -> [UInt8] in
    switch dtype {
    case .f32: raw(Float(value))
    case .f16: raw(f16Bits(Float(value)))
    case .bf16: raw(bf16Bits(Float(value)))
    case .f64: raw(value)
    case .i8: raw(Int8(value))
    case .u8: raw(UInt8(value))
    case .bool: raw(UInt8(value == 0 ? 0 : 1))
    case .i16: raw(Int16(value))
    case .i32: raw(Int32(value))
    case .i64: raw(Int64(value))
    case .q8_0, .q4_0, .q4_1, .q5_0, .q5_1, .q2_k, .q3_k, .q4_k, .q5_k, .q6_k, .iq4_nl, .iq4_xs: preconditionFailure("see randomBlocks")
    }
  }
}

/// Random blocks of a quantised type that hold `elements`, with scales of about 2^-6.
public func randomBlocks(_ elements: Int, _ dtype: DType, using random: inout some RandomNumberGenerator) -> [UInt8] {
  let blocks = elements / dtype.blockElements
  var bytes = (0..<blocks * dtype.blockBytes).map { _ in UInt8.random(in: 0...255, using: &random) }
  for block in 0..<blocks {
    for half in dtype.scales {
      let value = f16Bits(Float.random(in: 0x1p-7...0x1p-6, using: &random))
      let at = block * dtype.blockBytes + half
      (bytes[at], bytes[at + 1]) = (UInt8(value & 255), UInt8(value >> 8))
    }
  }
  return bytes
}

extension DType {
  /// Where the half-precision numbers of a block are.
  fileprivate var scales: [Int] {
    switch self {
    case .q8_0, .q4_0, .q5_0, .iq4_nl, .iq4_xs: [0]
    case .q4_1, .q5_1, .q4_k, .q5_k: [0, 2]
    case .q2_k: [80, 82]
    case .q3_k: [108]
    case .q6_k: [208]
    default: []
    }
  }
}

private func raw<T: BitwiseCopyable>(_ value: T) -> [UInt8] { withUnsafeBytes(of: value) { Array($0) } }

/// The elements that bytes of a dtype hold.
public func doubles(_ bytes: [UInt8], _ dtype: DType) -> [Double] {
  bytes.withUnsafeBytes { raw in
    (0..<raw.count / dtype.blockBytes).map { i in
      switch dtype {
      case .f32: Double(raw.loadUnaligned(fromByteOffset: i * 4, as: Float.self))
      case .f16: Double(float(f16: raw.loadUnaligned(fromByteOffset: i * 2, as: UInt16.self)))
      case .bf16: Double(float(bf16: raw.loadUnaligned(fromByteOffset: i * 2, as: UInt16.self)))
      case .f64: raw.loadUnaligned(fromByteOffset: i * 8, as: Double.self)
      case .i8: Double(raw.loadUnaligned(fromByteOffset: i, as: Int8.self))
      case .u8, .bool: Double(raw[i])
      case .i16: Double(raw.loadUnaligned(fromByteOffset: i * 2, as: Int16.self))
      case .i32: Double(raw.loadUnaligned(fromByteOffset: i * 4, as: Int32.self))
      case .i64: Double(raw.loadUnaligned(fromByteOffset: i * 8, as: Int64.self))
      case .q8_0, .q4_0, .q4_1, .q5_0, .q5_1, .q2_k, .q3_k, .q4_k, .q5_k, .q6_k, .iq4_nl, .iq4_xs: preconditionFailure("no step makes \(dtype)")
      }
    }
  }
}

/// Whether each element is within `absolute + relative * |wanted|`; equal infinities and NaN against NaN count as close.
public func areClose(_ found: [Double], _ wanted: [Double], absolute: Double = 1e-6, relative: Double = 1e-5) -> Bool {
  found.count == wanted.count
    && zip(found, wanted).allSatisfy { x, y in
      x == y || (x.isNaN && y.isNaN) || abs(x - y) <= absolute + relative * abs(y)
    }
}
