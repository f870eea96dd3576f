import AviaryTensor

/// Random blocks of quantised types: every bit is random but the scales, which are set so that the weights have the spread that is asked for
/// and a mean near zero.
enum RandomBlocks {
  /// - Parameter spread: the standard deviation of the weights.
  static func bytes(_ dtype: DType, spread: Float, count: Int) -> [UInt8] {
    var state: UInt64 = 0x9E37_79B9_7F4A_7C15
    var bytes = (0..<count * dtype.blockBytes).map { _ -> UInt8 in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return UInt8(truncatingIfNeeded: state >> 56)
    }
    let scales = scales(dtype)
    for block in 0..<count {
      for (at, factor) in scales {
        let half = Float16(spread * factor).bitPattern
        let place = block * dtype.blockBytes + at
        (bytes[place], bytes[place + 1]) = (UInt8(truncatingIfNeeded: half), UInt8(truncatingIfNeeded: half >> 8))
      }
    }
    return bytes
  }

  /// Where the half-precision numbers of a block are, and what they are for a spread of 1, given uniformly random numbers: n values spread
  /// over n / 3.46, six-bit scales average 31.5, and a minimum takes away the mean.
  private static func scales(_ dtype: DType) -> [(at: Int, factor: Float)] {
    switch dtype {
    case .q8_0: [(0, 1 / 74)]
    case .q4_0: [(0, 1 / 4.6)]
    case .q4_1: [(0, 1 / 4.6), (2, -7.5 / 4.6)]
    case .q5_0: [(0, 1 / 9.2)]
    case .q5_1: [(0, 1 / 9.2), (2, -15.5 / 9.2)]
    case .q2_k: [(80, 1 / 14), (82, 1.5 / 14)]
    case .q3_k: [(108, 1 / 43)]
    case .q4_k: [(0, 1 / 250), (2, 7.5 / 250)]
    case .q5_k: [(0, 1 / 500), (2, 15.5 / 500)]
    case .q6_k: [(208, 1 / 1370)]
    case .iq4_nl: [(0, 1 / 70)]
    case .iq4_xs: [(0, 1 / 1300)]
    default: []
    }
  }
}
