import AviaryTensor
import TensorTestSupport
import Testing

@Suite struct ReferenceNormTests {
  @Test func softmax() throws {
    let found = try evaluate([.pattern([2, 3, 2])]) { x, _ in x[0].softmax() }
    let wanted = [0.1480472, 0.8519528, 0.7310586, 0.2689414, 0.7310586, 0.2689414]
    #expect(areClose(found, wanted + wanted))
  }

  @Test func layerNorm() throws {
    let found = try evaluate([.pattern([2, 4])], weights: [.pattern([4], 1), .pattern([4], 2)]) { x, w in x[0].layerNorm(w[0], w[1], epsilon: 1e-3) }
    #expect(areClose(found, [-0.02769884, 2.143644, -0.06019176, 0.3041549, -1.793324, 0.8194247, 0.3812145, -1.902876]), "\(found)")
  }

  @Test(arguments: [DType.f32, .bf16]) func rmsNorm(_ dtype: DType) throws {
    let weight = Given([4], Given.pattern([4], 1).values, dtype)
    let found = try evaluate([.pattern([2, 4])], weights: [weight]) { x, w in x[0].rmsNorm(w[0], epsilon: 1e-3) }
    #expect(areClose(found, [0.6399877, 1.199977, -0.07999846, 1.199977, -1.248416, 0, 0.312104, -1.17039]), "\(found)")
  }

  @Test func groupNorm() throws {
    let found = try evaluate([.pattern([2, 4, 3])], weights: [.pattern([4], 1), .pattern([4], 2)]) { x, w in
      x[0].groupNorm(w[0], w[1], groups: 2, epsilon: 1e-3)
    }
    let wanted = [
      0.2224993, -2.180146, -0.8072058, 0.01319923, 1.815183, 0.7854781, 0.2431248, -0.3575365, -0.01430146, 0.6446679, -2.358639, -0.6424635,
      -2.110973, -0.9012192, 0.3085344, 1.793901, 0.8865856, -0.02072963, -0.1988657, 0.09943286, 0.3977314, -1.621455, -0.1299625, -2.740075,
    ]
    #expect(areClose(found, wanted), "\(found)")
  }
}
