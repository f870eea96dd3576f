public import AviaryTensor

/// How the next token is chosen. The names and their meaning are those of Hugging Face and llama.cpp; the order is
/// Hugging Face's: repetition penalty, temperature, top-k, top-p, min-p.
public struct Sampling: Sendable, Hashable {
  /// 0 is greedy: the first of the largest logits.
  public var temperature: Double = 0
  /// Keep the k most likely; 0 keeps all.
  public var topK: Int = 0
  /// Keep the most likely until their probabilities sum to this.
  public var topP: Double = 1
  /// Drop what is less likely than this share of the most likely.
  public var minP: Double = 0
  /// Above 1 makes tokens of the prompt and the answer less likely (Keskar et al. 2019).
  public var repetitionPenalty: Double = 1
  public var seed: UInt64 = 0

  public init() {}

  /// Throws `.request` naming the field that is out of range.
  public func validate() throws(AviaryError) {
    func check(_ name: String, _ value: Double, _ range: ClosedRange<Double>) throws(AviaryError) {
      guard range.contains(value) else {
        throw AviaryError(.request, "\(name) is \(value)", wanted: "\(range.lowerBound)...\(range.upperBound)")
      }
    }
    try check("temperature", temperature, 0...100)
    try check("top_k", Double(topK), 0...Double(1 << 24))
    try check("top_p", topP, 0...1)
    try check("min_p", minP, 0...1)
    try check("repetition_penalty", repetitionPenalty, 0.01...100)
  }
}

/// Changes the logits before a token is chosen: penalties, bans, grammars.
public protocol LogitRule {
  /// - Parameters:
  ///   - logits: one per token of the vocabulary, changed in place.
  ///   - history: ids of the prompt and of the answer so far.
  mutating func apply(_ logits: inout [Float], history: [Int32])
}

/// Divides positive and multiplies negative logits of tokens that occurred.
public struct RepetitionPenalty: LogitRule {
  let penalty: Float
  public init(_ penalty: Double) { self.penalty = Float(penalty) }

  public mutating func apply(_ logits: inout [Float], history: [Int32]) {
    for id in Set(history) where id >= 0 && Int(id) < logits.count {
      let value = logits[Int(id)]
      logits[Int(id)] = value < 0 ? value * penalty : value / penalty
    }
  }
}
