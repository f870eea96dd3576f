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
