/// How the elements of a tensor are stored.
///
/// The C kernels mirror the raw values: new cases go to the end.
public enum DType: UInt8, Hashable, Sendable, CaseIterable {
  case f32, f16, bf16, i32, i64, u8, bool, f64, i16, i8
  /// Types of ggml (https://github.com/ggml-org/ggml): blocks of whole numbers with scales, along the last axis.
  case q8_0, q4_0, q4_1, q5_0, q5_1
  case q2_k, q3_k, q4_k, q5_k, q6_k
  case iq4_nl, iq4_xs

  /// Elements that share one block of storage; 1 for plain types.
  public var blockElements: Int {
    switch self {
    case .f32, .f16, .bf16, .i32, .i64, .u8, .bool, .f64, .i16, .i8: 1
    case .q8_0, .q4_0, .q4_1, .q5_0, .q5_1, .iq4_nl: 32
    case .q2_k, .q3_k, .q4_k, .q5_k, .q6_k, .iq4_xs: 256
    }
  }

  /// Bytes of one block.
  public var blockBytes: Int {
    switch self {
    case .f32, .i32: 4
    case .f16, .bf16, .i16: 2
    case .i64, .f64: 8
    case .u8, .bool, .i8: 1
    case .q8_0: 34
    case .q4_0, .iq4_nl: 18
    case .q4_1: 20
    case .q5_0: 22
    case .q5_1: 24
    case .q2_k: 84
    case .q3_k: 110
    case .q4_k: 144
    case .q5_k: 176
    case .q6_k: 210
    case .iq4_xs: 136
    }
  }

  /// What an address must be a multiple of: a plain element's size; blocks begin anywhere that suits their half-precision
  /// scales.
  public var alignment: Int { isQuantised ? 2 : blockBytes }

  /// Bytes that `elements` take, or nil where they do not fill whole blocks or the count overflows.
  public func byteCount(elements: Int) -> Int? {
    guard elements >= 0, elements % blockElements == 0 else { return nil }
    let (bytes, overflow) = (elements / blockElements).multipliedReportingOverflow(by: blockBytes)
    return overflow ? nil : bytes
  }

  /// The byte at which the block of an element begins. Views of quantised types begin at whole blocks (`Plan`).
  public func byteOffset(of element: Int) -> Int { element / blockElements * blockBytes }

  /// Whether rows of that length fill whole blocks.
  public func holdsRows(of length: Int) -> Bool { length % blockElements == 0 }

  /// One number to an element, with a fraction.
  public var isFloat: Bool {
    switch self {
    case .f32, .f16, .bf16, .f64: true
    default: false
    }
  }

  /// Whole numbers in blocks with scales: readable as floats, written by `scatterRows` alone.
  public var isQuantised: Bool { blockElements > 1 }

  /// Whether a step may write it, row by row, into a state, and attention read it there: floats, and the one quantised type that is made quickly.
  public var isKept: Bool { self == .f32 || self == .f16 || self == .bf16 || self == .q8_0 }

  /// Whether a product may read it as a matrix of weights.
  public var isWeight: Bool { isFloat || isQuantised }

  public static let quantised = DType.allCases.filter(\.isQuantised)
}

extension DType: CustomStringConvertible {
  /// The name of the case: `f32`, `q4_k`.
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
    case .q8_0: "q8_0"
    case .q4_0: "q4_0"
    case .q4_1: "q4_1"
    case .q5_0: "q5_0"
    case .q5_1: "q5_1"
    case .q2_k: "q2_k"
    case .q3_k: "q3_k"
    case .q4_k: "q4_k"
    case .q5_k: "q5_k"
    case .q6_k: "q6_k"
    case .iq4_nl: "iq4_nl"
    case .iq4_xs: "iq4_xs"
    }
  }
}
