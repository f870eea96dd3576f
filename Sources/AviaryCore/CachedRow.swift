import AviaryTensor

/// What a row of a cache came from; compared to find the prefix that two prompts share.
enum CachedRow: Hashable {
  /// A token, and the picture that it may look at where pictures take no rows.
  case token(Int32, seeing: String?)
  case media(key: String, row: Int)

  /// The rows that a prompt becomes.
  static func rows(of prompt: TokenizedPrompt, _ media: [PerceivedMedia]) -> [CachedRow] {
    if let sight = prompt.sight {
      let ids = prompt.parts.flatMap { part -> [Int32] in if case .tokens(let ids) = part { ids } else { [] } }
      return zip(ids, sight.seen).map { .token($0, seeing: $1 < 0 ? nil : media[Int($1)].key) }
    }
    return prompt.parts.flatMap { part -> [CachedRow] in
      switch part {
      case .tokens(let ids): ids.map { .token($0, seeing: nil) }
      case .image(let index, let count): (0..<count).map { .media(key: media[index].key, row: $0) }
      }
    }
  }

  /// How many rows two sequences share from their beginnings.
  static func shared(_ a: some RandomAccessCollection<CachedRow>, _ b: some RandomAccessCollection<CachedRow>) -> Int {
    zip(a, b).prefix { $0 == $1 }.count
  }
}

// MARK: What comes before the language model

extension GraphRunner {
  /// Runs encoder and adapter on one picture.
  ///
  /// - Returns: its rows for the language model, [k * width], and taps where asked for.
  func perceive(_ image: PreparedImage, by model: some MultimodalModel, taps: Bool = false) throws(AviaryError) -> (rows: [Float], taps: [RecordedTensor]) {
    let seen = try encode(image, by: model, taps: taps)
    let count = seen.outputs[0].count / model.perceptWidth
    guard count == image.layout.tokens else {
      throw AviaryError(.internal, "the picture became \(count) rows", wanted: "\(image.layout.tokens), as the processor declared")
    }
    return (seen.outputs[0], seen.taps.map { RecordedTensor($0.name, $0.shape, .floats($0.values)) })
  }

  /// The encoder and adapter alone.
  func encode(_ image: PreparedImage, by model: some MultimodalModel, taps: Bool = false) throws(AviaryError) -> Values {
    let planned = try plan(taps: taps) { graph in
      let views = image.views.enumerated().map { graph.input($0.offset, Shape($0.element.shape), .f32) }
      switch model.perceive(views, image.layout) {
      case .soft(let rows), .cross(let rows): return [rows]
      case .tokens(let ids): return [model.language.embed(ids)]
      }
    }
    return try run(planned, image.views.map { .floats($0.values) })
  }

  /// A prompt's rows for the language model, pictures spliced in: [count * width].
  ///
  /// - Throws: `.request` for an id that the embedding table does not have.
  func embed(_ prompt: TokenizedPrompt, _ media: [PerceivedMedia], by language: some LanguageModel) throws(AviaryError) -> [Float] {
    var inputs: [Input] = []
    for part in prompt.parts {
      switch part {
      case .tokens(let ids):
        for id in ids where id < 0 || Int(id) >= language.vocabularySize {
          throw AviaryError(.request, "token id \(id)", wanted: "0..<\(language.vocabularySize), the rows of the embedding table")
        }
        inputs.append(.ints(ids))
      case .image(let index, let count):
        guard index < media.count, media[index].rows.count == count * language.width else {
          throw AviaryError(.internal, "picture \(index) has not the \(count) rows of its slot")
        }
        inputs.append(.floats(media[index].rows))
      }
    }
    let planned = try plan { graph in
      let pieces = prompt.parts.enumerated().map { slot, part in
        switch part {
        case .tokens(let ids): language.embed(graph.input(slot, [ids.count], .i32))
        case .image(_, let count): graph.input(slot, [count, language.width], .f32)
        }
      }
      return [Tensor.concat(pieces, axis: 0)]
    }
    return try run(planned, inputs).outputs[0]
  }
}
