import AviaryTensor

/// ggml's numbers for the types of tensors (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md).
enum GGUFType {
  private static let known: [(number: UInt32, dtype: DType)] = [
    (0, .f32), (1, .f16), (2, .q4_0), (3, .q4_1), (6, .q5_0), (7, .q5_1), (8, .q8_0), (10, .q2_k), (11, .q3_k), (12, .q4_k),
    (13, .q5_k), (14, .q6_k), (20, .iq4_nl), (23, .iq4_xs), (24, .i8), (25, .i16), (26, .i32), (27, .i64), (28, .f64), (30, .bf16),
  ]

  /// Types that ggml has or had, and that are not read here.
  private static let foreign: [UInt32: String] = [
    4: "Q4_2, which was removed", 5: "Q4_3, which was removed", 9: "Q8_1", 15: "Q8_K", 16: "IQ2_XXS", 17: "IQ2_XS", 18: "IQ3_XXS", 19: "IQ1_S",
    21: "IQ3_S", 22: "IQ2_S", 29: "IQ1_M", 31: "Q4_0_4_4, which was removed", 32: "Q4_0_4_8, which was removed",
    33: "Q4_0_8_8, which was removed", 34: "TQ1_0", 35: "TQ2_0", 39: "MXFP4",
  ]

  /// - Throws: `.format` for a number that means no type, or one that is not read.
  static func dtype(_ number: UInt32, at place: String) throws(AviaryError) -> DType {
    if let hit = known.first(where: { $0.number == number }) { return hit.dtype }
    throw AviaryError(
      .format, "the type \(number)" + (foreign[number].map { " (\($0))" } ?? ""),
      wanted: "one of " + known.map(\.dtype.description).joined(separator: ", "), at: place)
  }

  /// nil for types that the format does not have.
  static func number(_ dtype: DType) -> UInt32? { known.first { $0.dtype == dtype }?.number }
}
