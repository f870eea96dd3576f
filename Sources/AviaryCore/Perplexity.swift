#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif
public import AviaryTensor

/// How well a model predicts a text: e to the mean of the negative log-probabilities of its tokens.
public struct Perplexity: Sendable {
  /// Tokens that are predicted from each other alone.
  public var window: Int
  public init(window: Int = 512) { self.window = window }

  /// Windows do not overlap; each predicts its second token to its last.
  ///
  /// - Parameters:
  ///   - ids: the whole text, with what the tokenizer puts in front.
  ///   - progress: called after each window with the value so far.
  /// - Throws: `.request` for a text of less than two tokens or a window that the model does not hold.
  public func measure(_ ids: [Int32], on loaded: LoadedModel, progress: (_ done: Int, _ value: Double) -> Void = { _, _ in }) throws(AviaryError) -> Double {
    guard ids.count > 1 else { throw AviaryError(.request, "a text of \(ids.count) tokens", wanted: "two at least") }
    guard window > 1, window <= loaded.model.language.contextLength else {
      throw AviaryError(.request, "a window of \(window)", wanted: "2...\(loaded.model.language.contextLength)")
    }
    let sequence = try TokenSequence(loaded, capacity: window + 1)
    var (total, count) = (0.0, 0)
    for start in stride(from: 0, to: ids.count, by: window) {
      let part = Array(ids[start..<min(start + window, ids.count)])
      if part.count < 2 { break }
      let prompt = TokenizedPrompt(parts: [.tokens(part)], inputIDs: part, text: "")
      let logits = try sequence.prefill(prompt, [], allLogits: true).allLogits
      let width = logits.count / part.count
      for i in 0..<part.count - 1 {
        guard 0..<width ~= Int(part[i + 1]) else { throw AviaryError(.request, "token \(part[i + 1])", wanted: "one of \(width)") }
        let row = logits[i * width..<(i + 1) * width]
        let peak = row.max() ?? 0
        let sum = row.reduce(0.0) { $0 + Double(expf($1 - peak)) }
        total -= Double(row[row.startIndex + Int(part[i + 1])] - peak) - log(sum)
        count += 1
      }
      progress(start + part.count, exp(total / Double(count)))
    }
    return exp(total / Double(count))
  }
}
