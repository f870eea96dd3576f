import AviaryTensor
import TensorTestSupport
import Testing

@Suite struct ReferenceProductTests {
  @Test func batchedTransposed() throws {
    let found = try evaluate([.pattern([2, 2, 3]), .pattern([2, 4, 3], 5)]) { x, _ in x[0].matmul(x[1]) }
    #expect(found == [-1.0625, -1.3125, 1.875, 1.625, -1, -1.0625, 1.625, 1.5625, 1.625, 1.75, -0.875, -0.75, 1.75, 2.0625, -1.0625, -0.75])
  }

  @Test func batchedPlain() throws {
    let found = try evaluate([.pattern([2, 2, 3]), .pattern([2, 3, 4], 6)]) { x, _ in x[0].matmul(x[1], transposed: false) }
    #expect(found == [-1.25, 1.1875, -0.5, -1.5, -1.1875, 1.3125, -1, -1.25, 1.4375, -1.5, -1, 1.5625, 1.5625, -2, -0.75, 1.875])
  }

  static let shared = [1.375, 1.125, -0.5, -0.75, 1.5, 1.4375, -0.6875, -0.75, 1.625, 1.75, -0.875, -0.75, 1.75, 2.0625, -1.0625, -0.75]

  @Test(arguments: [DType.f32, .f16, .bf16], [true, false]) func weightSharedByBatches(_ dtype: DType, _ fuse: Bool) throws {
    let weight = Given([4, 3], Given.pattern([4, 3], 1).values, dtype)
    let found = try evaluate([.pattern([2, 2, 3])], weights: [weight], Lowering.Options(fuse: fuse)) { x, w in x[0].matmul(w[0]) }
    #expect(found == Self.shared)
  }

  @Test func oneRowAndNoTerms() throws {
    #expect(try evaluate([Given([2], [3, 4])], weights: [Given([1, 2], [1, 2])]) { x, w in x[0].matmul(w[0]) } == [11])
    #expect(try evaluate([Given([2, 0], [])], weights: [Given([3, 0], [])]) { x, w in x[0].matmul(w[0]) } == [0, 0, 0, 0, 0, 0])
  }
}
