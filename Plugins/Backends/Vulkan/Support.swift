import AviaryTensor

/// What runs on this backend.
enum Support {
  /// - Parameter dtypes: of the operands, then of the output.
  static func verdict(_ op: Op, _ dtypes: [DType]) -> Verdict {
    let wide: Set<DType> = [.i64, .f64]
    if let k = dtypes.firstIndex(where: \.isQuantised) {
      guard Planes(dtypes[k]) != nil else { return .unsupported("no kernel reads \(dtypes[k])") }
      switch op {
      case .matmul, .linear: if k != 1 { return .unsupported("\(dtypes[k]) is for weights") }
      case .gatherRows: if k != 0 { return .unsupported("\(dtypes[k]) is for tables") }
      default: return .unsupported("\(dtypes[k]) is for weights and tables")
      }
    }
    switch op {
    // Moves of whole elements take every type.
    case .contiguous, .concat, .pad, .select: return .native
    case .cast, .gatherRows, .scatterRows:
      return dtypes.contains(where: wide.contains) ? .unsupported("64-bit numbers have no arithmetic in these kernels") : .native
    default: return dtypes.contains(where: wide.contains) ? .unsupported("64-bit numbers") : .native
    }
  }
}
