import AviaryTensor

/// What runs on this backend.
enum Support {
  /// - Parameter dtypes: of the operands, then of the output.
  static func verdict(_ op: Op, _ dtypes: [DType]) -> Verdict {
    let wide: Set<DType> = [.i64, .f64]
    if let dtype = dtypes.first(where: \.isQuantised) { return .unsupported("no kernel reads \(dtype)") }
    switch op {
    case .quantizeRows, .dequantizeRows: return .unsupported("no kernel quantises yet")
    // Moves of whole elements take every type.
    case .contiguous, .concat, .pad, .select: return .native
    case .cast, .gatherRows, .scatterRows:
      return dtypes.contains(where: wide.contains) ? .unsupported("64-bit numbers have no arithmetic in these kernels") : .native
    default: return dtypes.contains(where: wide.contains) ? .unsupported("64-bit numbers") : .native
    }
  }
}
