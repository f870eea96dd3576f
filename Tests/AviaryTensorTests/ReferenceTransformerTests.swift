import AviaryTensor
import TensorTestSupport
import Testing

@Suite struct ReferenceTransformerTests {
  @Test(arguments: [
    (false, [0.6895744, 2.13876, -0.4770872, 0.4549227, 1, 0, -1.483365, 0.8669436, 0.4361789, -2.007401, 0.5, -0.5]),
    (true, [0.4778944, -1.962076, 1.041227, -0.5675354, 1, 0, -0.723817, 1.729657, -0.6198606, -1.808873, 0.5, -0.5]),
  ]) func rotary(_ interleaved: Bool, _ wanted: [Double]) throws {
    var spec = RoPE(rotary: 4)
    (spec.interleaved, spec.scale) = (interleaved, 1.5)
    let inputs = [Given.pattern([2, 1, 6]), Given([2], [3, 100], .i32)]
    let found = try evaluate(inputs, weights: [Given([2], [1, 0.25])]) { [spec] x, w in
      x[0].rope(spec, positions: x[1], inverseFrequencies: w[0])
    }
    #expect(areClose(found, wanted), "\(found)")
  }

  static let inputs = [Given.pattern([1, 2, 2, 3], 1), .pattern([1, 4, 1, 3], 2), .pattern([1, 4, 1, 2], 7), Given([1, 2], [1, 3], .i32), .pattern([1, 2, 2, 4], 8)]

  struct AttentionCase: Sendable {
    var window: Int32 = 0
    var softcap: Float = 0
    var positions = false
    var bias = false
    let wanted: [Double]
  }

  @Test(arguments: [
    AttentionCase(wanted: [0.2804356, 0.1984919, 0.2359581, 0.2660467, 0.1225953, -0.6129837, 0.1218475, -0.5430719]),
    AttentionCase(positions: true, wanted: [0.8890559, -0.1109441, 0.9100536, -0.08994639, 0.1225953, -0.6129837, 0.1218475, -0.5430719]),
    AttentionCase(window: 2, positions: true, wanted: [0.8890559, -0.1109441, 0.9100536, -0.08994639, -0.09341502, -0.7508933, -0.1208317, -0.6777821]),
    AttentionCase(softcap: 0.5, wanted: [0.2905668, 0.09948913, 0.2906427, 0.1073601, 0.1936227, -0.3192454, 0.1872794, -0.2977022]),
    AttentionCase(bias: true, wanted: [0.5041342, -0.2475124, 0.4998809, -0.2016748, 0.4637926, -0.1552798, -0.08327508, -0.3111678]),
  ]) func attention(_ test: AttentionCase) throws {
    var spec = Attention(scale: 0.6)
    (spec.window, spec.softcap) = (test.window, test.softcap)
    let found = try evaluate(Self.inputs) { [spec] x, _ in
      x[0].attention(x[1], x[2], spec, positions: test.positions ? x[3] : nil, bias: test.bias ? x[4] : nil)
    }
    #expect(areClose(found, test.wanted), "\(found)")
  }

  @Test func keysAndValuesInSixteenBits() throws {
    var inputs = Self.inputs
    for i in 1...2 { inputs[i] = Given(inputs[i].shape, inputs[i].values, .f16) }
    let found = try evaluate(inputs) { x, _ in x[0].attention(x[1], x[2], Attention(scale: 0.6)) }
    #expect(areClose(found, [0.2804356, 0.1984919, 0.2359581, 0.2660467, 0.1225953, -0.6129837, 0.1218475, -0.5430719]))
  }

  @Test func aQueryThatSeesNothingGivesZeros() throws {
    var inputs = Self.inputs
    inputs[3] = Given([1, 2], [-1, 0], .i32)
    let found = try evaluate(inputs) { x, _ in x[0].attention(x[1], x[2], Attention(scale: 0.6), positions: x[3]) }
    // The second query sees key 0 only, whose value is [0.5, -0.5].
    #expect(found == [0, 0, 0, 0] + Array([inputs[2].values[0], inputs[2].values[1]] + inputs[2].values[0..<2]))
    inputs[4] = Given([1, 2, 2, 4], [Double](repeating: -.infinity, count: 16))
    #expect(try evaluate(inputs) { x, _ in x[0].attention(x[1], x[2], Attention(scale: 0.6), bias: x[4]) } == [Double](repeating: 0, count: 8))
  }
}
