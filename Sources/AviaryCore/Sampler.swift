#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif
public import AviaryTensor

/// Chooses tokens by `Sampling`; the same seed and logits give the same tokens.
public struct Sampler {
  private let sampling: Sampling
  private var rules: [any LogitRule]
  private var random: SplitMix64

  public init(_ sampling: Sampling, rules: [any LogitRule] = []) {
    self.sampling = sampling
    self.rules = sampling.repetitionPenalty == 1 ? rules : [RepetitionPenalty(sampling.repetitionPenalty)] + rules
    random = SplitMix64(seed: sampling.seed)
  }

  /// The next token.
  ///
  /// - Throws: `.numeric` where a logit is NaN or infinity, or none is left: an answer made of such numbers would
  ///   look like one.
  public mutating func next(_ logits: inout [Float], history: [Int32]) throws(AviaryError) -> Int32 {
    for index in logits.indices where !logits[index].isFinite {
      throw AviaryError(.numeric, "logit \(index) of \(logits.count) is \(logits[index])", wanted: "finite logits")
    }
    for index in rules.indices { rules[index].apply(&logits, history: history) }
    guard var best = logits.indices.first else { throw AviaryError(.numeric, "no logits") }
    for index in logits.indices where logits[index] > logits[best] { best = index }
    guard logits[best].isFinite else { throw AviaryError(.numeric, "every token is ruled out", wanted: "at least one") }
    if sampling.temperature == 0 { return Int32(best) }

    var candidates = logits.indices.filter { logits[$0] > -.infinity }
    candidates.sort { logits[$0] != logits[$1] ? logits[$0] > logits[$1] : $0 < $1 }
    if sampling.topK > 0 { candidates = Array(candidates.prefix(sampling.topK)) }
    let top = Double(logits[candidates[0]])
    var weights = candidates.map { exp((Double(logits[$0]) - top) / sampling.temperature) }

    if sampling.topP < 1 {
      let total = weights.reduce(0, +)
      var sum = 0.0
      var kept = 0
      while kept < weights.count, kept == 0 || sum < sampling.topP * total {
        sum += weights[kept]
        kept += 1
      }
      weights.removeLast(weights.count - kept)
    }
    if sampling.minP > 0 {
      let kept = weights.firstIndex { $0 < sampling.minP * weights[0] } ?? weights.count
      weights.removeLast(weights.count - kept)
    }
    var point = random.unit() * weights.reduce(0, +)
    for (index, weight) in weights.enumerated() {
      point -= weight
      if point < 0 { return Int32(candidates[index]) }
    }
    return Int32(candidates[weights.count - 1])
  }
}

/// SplitMix64 (Steele, Lea, Flood 2014): small, and its stream is the same everywhere.
public struct SplitMix64: RandomNumberGenerator, Sendable {
  private var state: UInt64
  public init(seed: UInt64) { state = seed }
  public mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
  /// Uniform in [0, 1).
  public mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }
}
