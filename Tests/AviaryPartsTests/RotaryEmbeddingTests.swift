import AviaryCore
import AviaryNN
import AviaryTensor
import CoreTestSupport
import Foundation
import Testing

struct RotaryEmbeddingTests {
  /// Turns vectors (1, 0) at position 1: what comes out are cosines and sines of the frequencies.
  static func angles(_ dimensions: Int, theta: Double, scaling: Double, position: Int32) throws -> [Float] {
    let backend = Reference()
    let (rotary, weights) = try Weights.load(.random(.f32, seed: 1), on: backend) { (w) throws(AviaryError) in
      try RotaryEmbedding(w["r"], dimensions: dimensions, theta: theta, linearScaling: scaling)
    }
    let half = dimensions / 2
    let ones = [Float](repeating: 1, count: half) + [Float](repeating: 0, count: half)
    return try OneGraph.run(weights, on: backend, [([1, 1, dimensions], ones)], positions: [position]) { rotary($0[0], $0[1]) }.values
  }

  /// `1.0 / (base ** (torch.arange(0, dim, 2).float() / dim))`, every step in float32.
  static func frequency(_ i: Int, _ dimensions: Int, theta: Double, scaling: Double) -> Float {
    1 / powf(Float(theta), Float(2 * i) / Float(dimensions)) / Float(scaling)
  }

  @Test(arguments: [(8, 10000.0, 1.0), (128, 10000, 1), (128, 1e6, 1), (80, 5e6, 1), (64, 10000, 4), (2, 10000, 1)])
  func frequenciesAreThoseOfFloat32(dimensions: Int, theta: Double, scaling: Double) throws {
    for position: Int32 in [0, 1, 4095] {
      let found = try Self.angles(dimensions, theta: theta, scaling: scaling, position: position)
      for i in 0..<dimensions / 2 {
        let angle = Double(Self.frequency(i, dimensions, theta: theta, scaling: scaling) * Float(position))
        #expect(abs(Double(found[i]) - cos(angle)) < 1e-5, "cosine \(i) at \(position)")
        #expect(abs(Double(found[dimensions / 2 + i]) - sin(angle)) < 1e-5, "sine \(i) at \(position)")
      }
    }
  }

  /// Known values: theta 10000, eight dimensions.
  @Test func frequenciesOfEightDimensions() {
    let values = (0..<4).map { Self.frequency($0, 8, theta: 10000, scaling: 1) }
    for (value, wanted) in zip(values, [1, 0.1, 0.01, 0.001] as [Float]) { #expect(abs(value - wanted) <= wanted * 2e-7) }
  }
}
