/// How the elements of a tensor are stored.
public enum DType: UInt8, Hashable, Sendable, CaseIterable {
  case f32, f16, bf16, i32, i64, u8, bool, f64, i16, i8

  /// Elements that share one block of storage; 1 for plain types. Quantised types store several to a block.
  public var blockElements: Int { 1 }

  /// Bytes of one block.
  public var blockBytes: Int {
    switch self {
    case .f32, .i32: 4
    case .f16, .bf16, .i16: 2
    case .i64, .f64: 8
    case .u8, .bool, .i8: 1
    }
  }

  /// Bytes that `elements` take, or nil where they do not fill whole blocks or the count overflows.
  public func byteCount(elements: Int) -> Int? {
    guard elements >= 0, elements % blockElements == 0 else { return nil }
    let (bytes, overflow) = (elements / blockElements).multipliedReportingOverflow(by: blockBytes)
    return overflow ? nil : bytes
  }

  public var isFloat: Bool {
    switch self {
    case .f32, .f16, .bf16, .f64: true
    default: false
    }
  }
}

extension DType: CustomStringConvertible {
  public var description: String {
    switch self {
    case .f32: "f32"
    case .f16: "f16"
    case .bf16: "bf16"
    case .i32: "i32"
    case .i64: "i64"
    case .u8: "u8"
    case .bool: "bool"
    case .f64: "f64"
    case .i16: "i16"
    case .i8: "i8"
    }
  }
}
