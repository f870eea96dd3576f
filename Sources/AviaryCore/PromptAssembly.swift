public import AviaryTensor

/// The ways in which model families put pictures into token sequences; processors choose one.
public enum PromptAssembly {
  /// Hugging Face's way: the marker is itself a token, written once per row of the picture before tokenising.
  ///
  /// - Parameter id: the marker's token id; every occurrence becomes a row of a slot.
  public static func expanding(_ prompt: MarkedText, marker: String, id: Int32, _ images: [MediaLayout], _ tokenizer: any Tokenizer) throws(AviaryError) -> TokenizedPrompt {
    let pieces = prompt.split(separator: marker)
    try check(slots: pieces.count - 1, images: images, marker)
    var text = pieces[0]
    for (piece, image) in zip(pieces.dropFirst(), images) {
      text.append(String(repeating: marker, count: image.tokens), trusted: true)
      text.append(piece)
    }
    let ids = try tokenizer.encode(text, addSpecial: true)
    var parts: [TokenizedPrompt.Part] = []
    var run: [Int32] = []
    var next = 0
    var index = 0
    while index < ids.count {
      guard ids[index] == id else {
        run.append(ids[index])
        index += 1
        continue
      }
      guard next < images.count, index + images[next].tokens <= ids.count,
        ids[index..<index + images[next].tokens].allSatisfy({ $0 == id })
      else {
        throw AviaryError(
          .config, "the tokenizer gave \(ids.count { $0 == id }) tokens \(marker) (\(id))",
          wanted: "\(images.reduce(0) { $0 + $1.tokens }), the rows of \(images.count) pictures")
      }
      if !run.isEmpty { parts.append(.tokens(run)) }
      run = []
      parts.append(.image(next, count: images[next].tokens))
      index += images[next].tokens
      next += 1
    }
    if !run.isEmpty { parts.append(.tokens(run)) }
    guard next == images.count else {
      throw AviaryError(.config, "the tokenizer has no token \(marker) with id \(id)", wanted: "one, since the model's pictures stand for it")
    }
    return TokenizedPrompt(parts: parts, inputIDs: ids, text: text.text)
  }

  /// DeepSeek-VL's way: the marker is a token, written once per picture, and its id is repeated after tokenising, once
  /// per row.
  public static func repeating(_ prompt: MarkedText, marker: String, id: Int32, _ images: [MediaLayout], _ tokenizer: any Tokenizer) throws(AviaryError) -> TokenizedPrompt {
    try check(slots: prompt.split(separator: marker).count - 1, images: images, marker)
    let runs = try tokenizer.encode(prompt, addSpecial: true).split(separator: id, omittingEmptySubsequences: false)
    guard runs.count == images.count + 1 else {
      throw AviaryError(.config, "the tokenizer gave \(runs.count - 1) tokens \(marker) (\(id))", wanted: "\(images.count), one for each picture")
    }
    var parts: [TokenizedPrompt.Part] = []
    var recorded: [Int32] = []
    for (index, run) in runs.enumerated() {
      if index > 0 {
        parts.append(.image(index - 1, count: images[index - 1].tokens))
        recorded += Array(repeating: id, count: images[index - 1].tokens)
      }
      if !run.isEmpty { parts.append(.tokens(Array(run))) }
      recorded += run
    }
    return TokenizedPrompt(parts: parts, inputIDs: recorded, text: prompt.text)
  }

  /// The original LLaVA's way: the text is cut at the marker, each piece is tokenised on its own, the begin-of-sequence
  /// token of all pieces but the first is dropped, and one placeholder id stands between pieces.
  public static func splitting(_ prompt: MarkedText, marker: String, placeholder: Int32, _ images: [MediaLayout], _ tokenizer: any Tokenizer) throws(AviaryError) -> TokenizedPrompt {
    let pieces = prompt.split(separator: marker)
    try check(slots: pieces.count - 1, images: images, marker)
    var parts: [TokenizedPrompt.Part] = []
    var recorded: [Int32] = []
    for (index, piece) in pieces.enumerated() {
      var ids = try tokenizer.encode(piece, addSpecial: true)
      if index > 0 {
        parts.append(.image(index - 1, count: images[index - 1].tokens))
        recorded.append(placeholder)
        if let bos = tokenizer.bos, ids.first == bos { ids.removeFirst() }
      }
      if !ids.isEmpty { parts.append(.tokens(ids)) }
      recorded += ids
    }
    return TokenizedPrompt(parts: parts, inputIDs: recorded, text: prompt.text)
  }

  /// Flamingo's way: a picture costs the one token that stands for it, and each token may look at the latest picture
  /// at or in front of it.
  ///
  /// - Parameters:
  ///   - id: the marker's token id.
  ///   - ends: tokens behind which no picture is seen until the next one.
  ///   - addSpecial: see `Tokenizer.encode`; off where the prompt says them itself.
  public static func attending(
    _ prompt: MarkedText, marker: String, id: Int32, ends: Set<Int32> = [], addSpecial: Bool = false, _ images: [MediaLayout], _ tokenizer: any Tokenizer
  ) throws(AviaryError) -> TokenizedPrompt {
    let ids = try tokenizer.encode(prompt, addSpecial: addSpecial)
    var sight = MediaSight(seen: [], places: [])
    var current: Int32 = -1
    for (row, token) in ids.enumerated() {
      if token == id {
        current = Int32(sight.places.count)
        sight.places.append(row)
      }
      sight.seen.append(current)
      if ends.contains(token) { current = -1 }
    }
    try check(slots: sight.places.count, images: images, marker)
    return TokenizedPrompt(parts: ids.isEmpty ? [] : [.tokens(ids)], inputIDs: ids, text: prompt.text, sight: sight)
  }

  private static func check(slots: Int, images: [MediaLayout], _ marker: String) throws(AviaryError) {
    guard slots == images.count else {
      throw AviaryError(.request, "\(images.count) pictures for \(slots) slots \(marker) in the prompt", wanted: "a slot for each picture")
    }
  }
}
