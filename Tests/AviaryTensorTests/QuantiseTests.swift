import AviaryTensor
import TensorTestSupport
import Testing

/// Quantised blocks: what they lose, and that odd numbers break nothing.
@Suite struct QuantiseTests {
  private func there(_ floats: [Float], _ dtype: DType) -> [UInt8] {
    var bytes = [UInt8](repeating: 0xEE, count: floats.count / dtype.blockElements * dtype.blockBytes)
    floats.withUnsafeBufferPointer { from in bytes.withUnsafeMutableBytes { Quantise.blocks(dtype, from, into: $0) } }
    return bytes
  }

  private func back(_ bytes: [UInt8], _ dtype: DType) -> [Float] {
    var floats = [Float](repeating: 0, count: bytes.count / dtype.blockBytes * dtype.blockElements)
    bytes.withUnsafeBytes { from in floats.withUnsafeMutableBufferPointer { Dequantise.blocks(dtype, from, into: $0) } }
    return floats
  }

  /// About normal numbers of two sizes, as rows of weights are.
  private static let weights: [Float] = {
    var random = SeededGenerator(11)
    return (0..<64 * 256).map { i in
      let sum = (0..<12).reduce(Float(-6)) { total, _ in total + Float.random(in: 0...1, using: &random) }
      return sum * (i / 256 % 2 == 0 ? 0.02 : 0.3)
    }
  }()

  /// The relative root-mean-square error on those; ggml's own quantisers lose within a twentieth of the same.
  private static let losses: [(DType, Double)] = [
    (.q8_0, 0.0062), (.q4_0, 0.092), (.q4_1, 0.080), (.q5_0, 0.046), (.q5_1, 0.039), (.q2_k, 0.33), (.q3_k, 0.18), (.q4_k, 0.077), (.q5_k, 0.039),
    (.q6_k, 0.019),
  ]

  @Test(arguments: losses) func loss(_ dtype: DType, _ most: Double) {
    let found = back(there(Self.weights, dtype), dtype)
    let error = zip(found, Self.weights).reduce(0.0) { $0 + Double(($1.0 - $1.1) * ($1.0 - $1.1)) }
    let size = Self.weights.reduce(0.0) { $0 + Double($1 * $1) }
    let relative = (error / size).squareRoot()
    #expect(relative < most, "\(dtype) loses \(relative)")
    #expect(relative > most / 2, "\(dtype) loses \(relative), far less than it can")
  }

  @Test(arguments: Quantise.types) func zerosStayZeros(_ dtype: DType) {
    #expect(back(there([Float](repeating: 0, count: 512), dtype), dtype).allSatisfy { $0 == 0 })
  }

  /// Whatever is given, blocks come out, and the floats of ordinary rows around them stay finite.
  @Test(arguments: Quantise.types) func oddNumbers(_ dtype: DType) {
    for odd in [Float.nan, .infinity, -.infinity, .greatestFiniteMagnitude, .leastNonzeroMagnitude, -1e-30, 7] {
      var floats = Self.weights.prefix(3 * 256).map { $0 }
      for i in 256..<512 where i % 3 == 0 { floats[i] = odd }
      let found = back(there(floats, dtype), dtype)
      #expect(found[..<256].allSatisfy(\.isFinite) && found[512...].allSatisfy(\.isFinite))
    }
    let same = back(there([Float](repeating: 7, count: 256), dtype), dtype)
    #expect(same.allSatisfy { abs($0 - 7) < 0.4 }, "\(same.prefix(4))")
    let less = back(there([Float](repeating: -7, count: 256), dtype), dtype)
    #expect(less.allSatisfy { abs($0 + 7) < 0.4 }, "\(less.prefix(4))")
  }
}
