public import AviaryCore
public import AviaryTensor

/// Turns conversations into samples: the model's own prompt form, with the assistant's words marked as what is learnt.
public struct SampleMaker: Sendable {
  let processor: any Processor
  /// Longest sample in rows; longer ones are an error, not cut: a cut answer teaches to stop in the middle.
  let limit: Int
  let style: String?

  public init(_ processor: any Processor, limit: Int, style: String? = nil) {
    self.processor = processor
    self.limit = limit
    self.style = style
  }

  /// - Parameter images: the conversation's pictures, prepared, in order.
  public func sample(_ conversation: Conversation, _ images: [PreparedImage]) throws(AviaryError) -> TrainingSample {
    let messages = conversation.messages
    let whole = try rows(messages, images, asks: false)
    var learnt = [Bool](repeating: false, count: whole.rows.count)
    for (index, message) in messages.enumerated() where message.role == .assistant {
      // What stands before the answer and what stands up to its end, told apart by tokens: a tokenizer may join the
      // last sign of one with the first of the other.
      let before = try rows(Array(messages[..<index]), images, asks: true).rows
      let start = Self.common(before, whole.rows)
      let end = index == messages.count - 1 ? whole.rows.count : Self.common(try rows(Array(messages[...index]), images, asks: false).rows, whole.rows)
      for row in start..<max(start, end) { learnt[row] = true }
    }
    return try Self.sample(whole, learnt, images, ending: processor, limit)
  }

  private enum Row: Hashable {
    case token(Int32)
    case image(Int, Int)
  }

  private func rows(_ messages: [ChatMessage], _ images: [PreparedImage], asks: Bool) throws(AviaryError) -> (prompt: TokenizedPrompt, rows: [Row]) {
    var options = PromptOptions(style: style)
    options.addsGenerationPrompt = asks
    let count = messages.reduce(0) { $0 + $1.parts.count { if case .image = $0 { true } else { false } } }
    guard count <= images.count else { throw AviaryError(.request, "\(count) pictures in the text", wanted: "\(images.count)") }
    let prompt = try processor.tokenize(try processor.prompt(messages, options), images.prefix(count).map(\.layout))
    let rows = prompt.parts.flatMap { part -> [Row] in
      switch part {
      case .tokens(let ids): ids.map { .token($0) }
      case .image(let index, let count): (0..<count).map { .image(index, $0) }
      }
    }
    return (prompt, rows)
  }

  private static func common(_ a: [Row], _ b: [Row]) -> Int {
    var count = 0
    while count < min(a.count, b.count), a[count] == b[count] { count += 1 }
    return count
  }

  private static func sample(
    _ whole: (prompt: TokenizedPrompt, rows: [Row]), _ learnt: [Bool], _ images: [PreparedImage], ending processor: any Processor, _ limit: Int
  ) throws(AviaryError) -> TrainingSample {
    var parts = whole.prompt.parts
    var rows = whole.rows
    var learnt = learnt
    var sight = whole.prompt.sight
    // Where the prompt form does not say that the answer is over, the end token does.
    if let eos = processor.tokenizer.eos, learnt.last == true, !endsItself(rows, processor) {
      rows.append(.token(eos))
      learnt.append(true)
      if case .tokens(let ids)? = parts.last { parts[parts.count - 1] = .tokens(ids + [eos]) } else { parts.append(.tokens([eos])) }
      if let last = sight?.seen.last { sight?.seen.append(last) }
    }
    guard rows.count <= limit else { throw AviaryError(.request, "a sample of \(rows.count) tokens", wanted: "at most \(limit)") }
    let targets = rows.indices.map { row -> Int32 in
      guard row + 1 < rows.count, learnt[row + 1], case .token(let id) = rows[row + 1] else { return TrainingSample.nothing }
      return id
    }
    guard targets.contains(where: { $0 >= 0 }) else { throw AviaryError(.request, "no token of the answers is learnt", wanted: "an answer") }
    return TrainingSample(parts: parts, sight: sight, images: images, targets: targets)
  }

  /// Whether one of the last tokens ends an answer already; a line end may follow it.
  private static func endsItself(_ rows: [Row], _ processor: any Processor) -> Bool {
    rows.suffix(3).contains { row in
      guard case .token(let id) = row else { return false }
      return processor.stop.ids.contains(id) || id == processor.tokenizer.eos
    }
  }

  /// The sample's text with what is learnt between ⟦ and ⟧, for reading.
  public func marked(_ sample: TrainingSample) -> String {
    var text = ""
    var run: (ids: [Int32], learnt: Bool) = ([], false)
    func close() {
      if run.ids.isEmpty { return }
      let words = processor.tokenizer.decode(run.ids, skipSpecial: false)
      text += run.learnt ? "⟦\(words)⟧" : words
      run.ids = []
    }
    var row = 0
    for part in sample.parts {
      switch part {
      case .tokens(let ids):
        for id in ids {
          let isLearnt = row > 0 && sample.targets[row - 1] >= 0
          if isLearnt != run.learnt { close() }
          run.learnt = isLearnt
          run.ids.append(id)
          row += 1
        }
      case .image(let index, let count):
        close()
        text += "[picture \(index + 1): \(count) rows]"
        row += count
      }
    }
    close()
    return text
  }
}
