import AviaryCore
import AviaryTensor
import CoreTestSupport
import Foundation
import Testing

struct SamplerTests {
  /// Logits without ties, from a seed.
  static func logits(_ count: Int, seed: UInt64) -> [Float] {
    var random = SplitMix64(seed: seed)
    return (0..<count).map { _ in Float(random.unit() * 12 - 6) }
  }

  static func sample(_ sampling: Sampling, _ logits: [Float], times: Int) throws -> [Int32] {
    var sampler = Sampler(sampling)
    return try (0..<times).map { _ in
      var copy = logits
      return try sampler.next(&copy, history: [])
    }
  }

  @Test func greedyTakesTheFirstOfTheLargest() throws {
    #expect(try Self.sample(Sampling(), [1, 3, 2, 3], times: 3) == [1, 1, 1])
    #expect(try Self.sample(Sampling(), [-5, -Float.greatestFiniteMagnitude, -4], times: 1) == [2])
    #expect(try Self.sample(Sampling(), [0], times: 1) == [0])
  }

  /// The tokens that filters leave, computed from their definitions alone.
  static func kept(_ logits: [Float], _ s: Sampling) -> Set<Int32> {
    var left = logits.indices.sorted { logits[$0] > logits[$1] }
    if s.topK > 0 { left = Array(left.prefix(s.topK)) }
    func probabilities() -> [Double] {
      let weights = left.map { exp(Double(logits[$0]) / s.temperature) }
      let sum = weights.reduce(0, +)
      return weights.map { $0 / sum }
    }
    // Hugging Face drops a token where the more likely ones alone reach the sum.
    let p = probabilities()
    left = left.indices.filter { $0 == 0 || p[..<$0].reduce(0, +) < s.topP }.map { left[$0] }
    let q = probabilities()
    return Set(left.indices.filter { q[$0] >= s.minP * q[0] }.map { Int32(left[$0]) })
  }

  @Test(arguments: [(0, 1.0, 0.0), (5, 1.0, 0.0), (1, 1.0, 0.0), (500, 1.0, 0.0), (0, 0.7, 0.0), (0, 0.0, 0.0), (0, 1.0, 0.05), (0, 1.0, 1.0), (12, 0.8, 0.1)])
  func filtersLeaveTheTokensOfTheirDefinitions(topK: Int, topP: Double, minP: Double) throws {
    for (seed, temperature) in [(1 as UInt64, 1.0), (2, 0.5), (3, 2.0)] {
      var sampling = Sampling()
      (sampling.topK, sampling.topP, sampling.minP, sampling.temperature, sampling.seed) = (topK, topP, minP, temperature, seed)
      let logits = Self.logits(40, seed: seed)
      let wanted = Self.kept(logits, sampling)
      let drawn = Set(try Self.sample(sampling, logits, times: 4000))
      #expect(drawn.isSubset(of: wanted))
      // Every token of a share that 4000 draws cannot miss.
      let weights = logits.map { exp(Double($0) / temperature) }
      let sum = weights.reduce(0, +)
      let likely = wanted.filter { weights[Int($0)] / sum > 0.01 }
      #expect(drawn.isSuperset(of: likely))
    }
  }

  @Test func sharesFollowTheProbabilities() throws {
    var sampling = Sampling()
    sampling.temperature = 1
    let drawn = try Self.sample(sampling, [0, 1.0986123], times: 8000)  // 1 : 3
    let share = Double(drawn.count { $0 == 1 }) / 8000
    #expect(abs(share - 0.75) < 0.02)
  }

  @Test func theSameSeedGivesTheSameTokens() throws {
    var sampling = Sampling()
    (sampling.temperature, sampling.seed) = (1, 42)
    let logits = Self.logits(100, seed: 9)
    #expect(try Self.sample(sampling, logits, times: 50) == Self.sample(sampling, logits, times: 50))
    let first = try Self.sample(sampling, logits, times: 50)
    sampling.seed = 43
    #expect(try Self.sample(sampling, logits, times: 50) != first)
  }

  @Test(arguments: [1e-300, 1e-9]) func aTinyTemperatureIsGreedy(temperature: Double) throws {
    var sampling = Sampling()
    sampling.temperature = temperature
    #expect(try Set(Self.sample(sampling, [1, 5, 2], times: 20)) == [1])
  }

  /// Hugging Face's formula on [2, -2, 0.5, -0.5] with penalty 2: each token once, however often it occurred.
  @Test func theRepetitionPenaltyIsHuggingFaces() {
    var logits: [Float] = [2, -2, 0.5, -0.5, 3]
    var rule = RepetitionPenalty(2)
    rule.apply(&logits, history: [0, 1, 1, 1, 2, 3, -200, 99])
    #expect(logits == [1, -4, 0.25, -1, 3])
  }

  @Test func thePenaltyCountsThePromptAndTheAnswer() throws {
    var sampling = Sampling()
    sampling.repetitionPenalty = 3
    var sampler = Sampler(sampling)
    var logits: [Float] = [3, 2, 1.5]
    #expect(try sampler.next(&logits, history: [0]) == 1)
    logits = [3, 2, 1.5]
    #expect(try sampler.next(&logits, history: [0, 1]) == 2)
  }

  @Test(arguments: [Float.nan, .infinity, -.infinity]) func numbersThatAreNoneAreErrors(bad: Float) {
    for temperature in [0.0, 1.0] {
      var sampling = Sampling()
      sampling.temperature = temperature
      expectError(.numeric, "logit 2 of 4", "\(bad)", "finite") { _ = try Self.sample(sampling, [1, 2, bad, 3], times: 1) }
    }
  }

  @Test func noLogitsAndNoTokenLeftAreErrors() {
    expectError(.numeric, "no logits") { _ = try Self.sample(Sampling(), [], times: 1) }
    expectError(.numeric, "every token is ruled out", "at least one") {
      var sampler = Sampler(Sampling(), rules: [BanAll()])
      var logits: [Float] = [1, 2]
      _ = try sampler.next(&logits, history: [])
    }
  }

  private struct BanAll: LogitRule {
    func apply(_ logits: inout [Float], history: [Int32]) {
      for index in logits.indices { logits[index] = -.infinity }
    }
  }

  @Test func aRuleThatBansATokenIsObeyed() throws {
    struct Ban: LogitRule {
      func apply(_ logits: inout [Float], history: [Int32]) { logits[1] = -.infinity }
    }
    for temperature in [0.0, 1.0] {
      var sampling = Sampling()
      sampling.temperature = temperature
      var sampler = Sampler(sampling, rules: [Ban()])
      for _ in 0..<100 {
        var logits: [Float] = [0, 9, 1]
        #expect(try sampler.next(&logits, history: []) != 1)
      }
    }
  }

  @Test(arguments: [
    ("temperature", "-0.1"), ("temperature", "nan"), ("temperature", "101.0"), ("temperature", "inf"), ("top_p", "-0.5"), ("top_p", "1.5"), ("top_p", "nan"),
    ("min_p", "2.0"), ("min_p", "nan"), ("repetition_penalty", "0.0"), ("repetition_penalty", "nan"), ("top_k", "-1.0"),
  ]) func whatIsOutOfRangeIsNamed(field: String, value: String) throws {
    let number = try #require(Double(value))
    var sampling = Sampling()
    switch field {
    case "temperature": sampling.temperature = number
    case "top_p": sampling.topP = number
    case "min_p": sampling.minP = number
    case "repetition_penalty": sampling.repetitionPenalty = number
    default: sampling.topK = Int(number)
    }
    expectError(.request, "\(field) is \(value)", "...") { try sampling.validate() }
  }
}
