public import AviaryCore
public import AviaryTensor

/// The lists of a tokenizer that is published as files.
extension TokenLists {
  /// - Parameters:
  ///   - count: rows of the model's table: ids without a token become unused ones.
  /// - Throws: `.request` for a tokenizer that has no form in GGUF.
  public init(_ files: TokenizerFiles, count: Int, limits: Limits = .standard) throws(AviaryError) {
    let settings = try TokenizerSettings(files, limits)
    if let model = files.sentencePiece {
      self.init(tokens: [], place: "tokenizer.model")
      let result = model.withUnsafeBytes { bytes in Result { () throws(AviaryError) in try SentencePieceModel(bytes, limits) } }
      try read(result.get())
    } else if let json = files.tokenizer {
      self.init(tokens: [], place: "tokenizer.json")
      try read(JSONReader(json, at: "tokenizer.json"), limits)
    } else {
      throw AviaryError(.request, "neither tokenizer.model nor tokenizer.json", wanted: "one of them")
    }
    try complete(settings, count, limits)
  }

  private mutating func read(_ sentencePiece: SentencePieceModel) throws(AviaryError) {
    guard sentencePiece.isPlainBPE else {
      throw AviaryError(.request, "a SentencePiece model of another kind", wanted: "byte-pair encoding without a normaliser", at: "tokenizer.model")
    }
    model = "llama"
    tokens = sentencePiece.pieces.map(\.text)
    scores = sentencePiece.pieces.map(\.score)
    types = sentencePiece.pieces.map(\.type.rawValue)
    addsPrefixBlank = sentencePiece.addsDummyPrefix
    addsBOS = true
    func id(_ name: String) -> Int32? { tokens.firstIndex(of: Array(name.utf8)).map { Int32($0) } }
    (bos, eos) = (id("<s>"), id("</s>"))
    unknown = sentencePiece.pieces.firstIndex { $0.type == .unknown }.map { Int32($0) }
  }

  private mutating func read(_ json: JSONReader, _ limits: Limits) throws(AviaryError) {
    model = "gpt2"
    splitting = try WordSplitting.name(of: json)
    let bpe = try json.required("model")
    for (text, value) in try bpe.required("vocab").object().members {
      guard let id = value.int, 0..<limits.vocabulary ~= id else { throw AviaryError(.format, value.kindDescription, wanted: "a token id", at: "tokenizer.json: model.vocab") }
      set(id, Array(text.utf8), type: 1)
    }
    for merge in try bpe.required("merges").value.array ?? [] {
      let text = merge.string ?? (merge.array ?? []).compactMap(\.string).joined(separator: " ")
      merges.append(Array(text.utf8))
    }
    for entry in try json["added_tokens"]?.elements() ?? [] {
      let id = Int(try entry.required("id").tokenID(limits))
      set(id, Array(try entry.string("content").utf8), type: try entry.bool("special", default: false) ? TokenLists.control : 4)
    }
  }

  /// - Parameter type: of tokens that gaps are not.
  mutating func set(_ id: Int, _ text: [UInt8], type: Int) {
    while tokens.count <= id {
      // A spelling that no other token has.
      let gap = Array("[PAD\(tokens.count)]".utf8)
      tokens.append(gap)
      types.append(5)
      if model == "llama" { scores.append(-1000) }
    }
    tokens[id] = text
    types[id] = type
  }

  /// Tokens of the other files, and ids without one.
  private mutating func complete(_ settings: TokenizerSettings, _ count: Int, _ limits: Limits) throws(AviaryError) {
    func id(of name: String) -> Int? { tokens.firstIndex(of: Array(name.utf8)) }
    for token in settings.added {
      if let id = token.id.map(Int.init) ?? id(of: token.content) {
        guard id < limits.vocabulary else { throw AviaryError(.limit, "token \(id)", wanted: "below \(limits.vocabulary)") }
        let known = tokens.indices.contains(id) && tokens[id].elementsEqual(token.content.utf8)
        if !known { set(id, Array(token.content.utf8), type: token.special ? TokenLists.control : 4) } else if token.special, types[id] == 1 { types[id] = TokenLists.control }
      } else {
        set(tokens.count, Array(token.content.utf8), type: token.special ? TokenLists.control : 4)
      }
    }
    bos = settings.frame.bos.flatMap(id(of:)).map { Int32($0) } ?? bos
    eos = settings.frame.eos.flatMap(id(of:)).map { Int32($0) } ?? eos
    addsBOS = settings.frame.addsBOS ?? addsBOS ?? false
    addsEOS = settings.frame.addsEOS
    try fill(to: count)
  }

  /// Unused tokens for the table's rows behind the last one.
  mutating func fill(to count: Int) throws(AviaryError) {
    guard tokens.count <= count else { throw AviaryError(.request, "\(tokens.count) tokens for a table of \(count) rows", wanted: "as many rows at least") }
    if tokens.count < count {
      let last = count - 1
      set(last, Array("[PAD\(last)]".utf8), type: 5)
    }
  }
}

extension WordSplitting {
  /// The name of the splitting that a `tokenizer.json` has.
  ///
  /// - Throws: `.request` for one that has none.
  static func name(of json: JSONReader) throws(AviaryError) -> String {
    guard let stage = json["pre_tokenizer"] else { throw AviaryError(.request, "a tokenizer without word splitting", wanted: "one that GGUF has a name for", at: "tokenizer.json") }
    let stages = try stage.string("type") == "Sequence" ? try stage.required("pretokenizers").elements() : [stage]
    var patterns: [String] = []
    for stage in stages {
      switch try stage.string("type") {
      case "Split": patterns.append(try stage["pattern"]?.string("Regex", default: nil) ?? "")
      case "Digits": patterns.append(#"\p{N}"#)
      case "ByteLevel": if try stage.bool("use_regex", default: true) { patterns.append(PreTokenizer.gpt2Pattern) }
      default: patterns.append("")
      }
    }
    for name in ["gpt-2", "smollm", "llama-bpe", "qwen2", "gpt-4o", "tekken"] where try WordSplitting(named: name).patterns == patterns { return name }
    throw AviaryError(.request, "a word splitting without a name in GGUF", wanted: "GPT-2's, SmolLM's, Llama 3's, Qwen 2's, GPT-4o's or Tekken's", at: "tokenizer.json: pre_tokenizer")
  }
}
