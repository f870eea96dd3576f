public import AviaryCore
public import AviaryTensor

/// The tokenizer files of a checkpoint's folder, parsed. Every one may be missing.
public struct TokenizerFiles: Sendable {
  /// `tokenizer.json`
  public var tokenizer: JSONValue?
  /// The bytes of a SentencePiece `tokenizer.model`.
  public var sentencePiece: [UInt8]?
  /// `tokenizer_config.json`
  public var config: JSONValue?
  /// `special_tokens_map.json`
  public var specialTokensMap: JSONValue?
  /// `added_tokens.json`: spelling to id.
  public var addedTokens: JSONValue?
  /// `vocab.json` and the text of `merges.txt`, as GPT-2 published them.
  public var vocabulary: JSONValue?
  public var merges: String?

  public init(
    tokenizer: JSONValue? = nil, sentencePiece: [UInt8]? = nil, config: JSONValue? = nil,
    specialTokensMap: JSONValue? = nil, addedTokens: JSONValue? = nil, vocabulary: JSONValue? = nil,
    merges: String? = nil
  ) {
    self.tokenizer = tokenizer
    self.sentencePiece = sentencePiece
    self.config = config
    self.specialTokensMap = specialTokensMap
    self.addedTokens = addedTokens
    self.vocabulary = vocabulary
    self.merges = merges
  }
}

/// Makes the tokenizer that a checkpoint's files describe, with the conventions of the transformers library.
public enum TokenizerLoader {
  /// - Parameter extra: tokens that the model's code adds to those of the files.
  /// - Returns: the tokenizer of `tokenizer.json` if there is one, else of `tokenizer.model`, else of `vocab.json`.
  public static func load(_ files: TokenizerFiles, extra: [AddedToken] = [], limits: Limits = .standard)
    throws(AviaryError) -> any Tokenizer
  {
    let settings = try TokenizerSettings(files, limits)
    let added = settings.added + extra
    if let tokenizer = files.tokenizer {
      do throws(AviaryError) {
        return try SubwordTokenizer(tokenizerJSON: tokenizer, extra: added, frame: settings.frame, limits: limits)
      } catch {
        throw error.at("tokenizer.json")
      }
    }
    if let model = files.sentencePiece {
      return try sentencePiece(model, added, settings, limits)
    }
    if let vocabulary = files.vocabulary, let merges = files.merges {
      do throws(AviaryError) {
        let tokenizer = byteLevel(vocabulary, merges, addsPrefixBlank: settings.addsPrefixBlank ?? false)
        return try SubwordTokenizer(tokenizerJSON: tokenizer, extra: added, frame: settings.frame, limits: limits)
      } catch {
        throw error.at("vocab.json and merges.txt")
      }
    }
    throw AviaryError(
      .file, "the checkpoint has no tokenizer",
      wanted: "tokenizer.json, tokenizer.model, or vocab.json with merges.txt")
  }

  private static func sentencePiece(
    _ model: [UInt8], _ added: [AddedToken], _ settings: TokenizerSettings, _ limits: Limits
  ) throws(AviaryError) -> any Tokenizer {
    let mode: SentencePieceMode =
      settings.isEmpty
      ? .raw : .huggingFace(legacy: settings.isLegacy, addsPrefixBlank: settings.addsPrefixBlank ?? true)
    let result = model.withUnsafeBytes { bytes in
      Result { () throws(AviaryError) in
        try SentencePieceTokenizer(bytes, mode: mode, added: added, frame: settings.frame, limits: limits)
      }
    }
    do throws(AviaryError) {
      return try result.get()
    } catch {
      throw error.at("tokenizer.model")
    }
  }

  /// The `tokenizer.json` that says the same as GPT-2's two files.
  private static func byteLevel(_ vocabulary: JSONValue, _ merges: String, addsPrefixBlank: Bool) -> JSONValue {
    // By bytes: a carriage return and a line feed are one character to Swift.
    var lines = merges.utf8.split(separator: 0x0a).map { String(decoding: $0.last == 0x0d ? $0.dropLast() : $0, as: UTF8.self) }
    if let first = lines.first, first.hasPrefix("#version") { lines.removeFirst() }
    let stage = object([("type", .string("ByteLevel")), ("add_prefix_space", .bool(addsPrefixBlank))])
    let model = object([
      ("type", .string("BPE")), ("vocab", vocabulary), ("merges", .array(lines.map { .string($0) })),
    ])
    return object([("pre_tokenizer", stage), ("decoder", stage), ("model", model)])
  }

  private static func object(_ members: [(String, JSONValue)]) -> JSONValue {
    var object = JSONObject()
    for (key, value) in members { object.append(key, value) }
    return .object(object)
  }
}

/// What the files beside the vocabulary say.
struct TokenizerSettings {
  private(set) var added: [AddedToken] = []
  private(set) var frame = TokenFrame()
  /// No file says anything.
  let isEmpty: Bool
  /// The older splitting of SentencePiece models; transformers' default.
  let isLegacy: Bool
  let addsPrefixBlank: Bool?

  /// Attributes whose values are control tokens, in the order in which transformers gives new ones their ids.
  private static let attributes = [
    "bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token",
  ]

  init(_ files: TokenizerFiles, _ limits: Limits) throws(AviaryError) {
    let config = JSONReader(files.config ?? .object(JSONObject()), at: "tokenizer_config.json")
    let map = JSONReader(files.specialTokensMap ?? .object(JSONObject()), at: "special_tokens_map.json")
    isEmpty = files.config == nil && files.specialTokensMap == nil && files.addedTokens == nil
    isLegacy = try config.bool("legacy", default: true)
    addsPrefixBlank = try config["add_prefix_space"].map { (json) throws(AviaryError) in try json.bool() }
    for (key, value) in try config["added_tokens_decoder"]?.object().members ?? [] {
      let place = "\(config.path).added_tokens_decoder[\"\(key.prefix(20))\"]"
      guard let id = Int(key) else {
        throw AviaryError(.format, "the key \"\(key.prefix(20))\"", wanted: "a token id", at: place)
      }
      let number = try JSONReader(.int(id), at: place).tokenID(limits)
      added.append(try AddedToken(JSONReader(value, at: place), id: number))
    }
    if let json = files.addedTokens { try read(addedTokens: JSONReader(json, at: "added_tokens.json"), limits) }
    for attribute in TokenizerSettings.attributes {
      guard let json = config[attribute] ?? (config.has(attribute) ? nil : map[attribute]) else { continue }
      let token = try AddedToken(special: json)
      added.append(token)
      if attribute == "bos_token" { frame.bos = token.content }
      if attribute == "eos_token" { frame.eos = token.content }
    }
    for list in [config["additional_special_tokens"] ?? map["additional_special_tokens"], config["extra_special_tokens"]] {
      if let members = list?.value.object {
        for key in members.keys { if let json = list?[key] { added.append(try AddedToken(special: json)) } }
      } else {
        for json in try list?.elements() ?? [] { added.append(try AddedToken(special: json)) }
      }
    }
    try readFrame(config)
  }

  /// Where nothing else names a token of `added_tokens.json`, it is an ordinary added token.
  private mutating func read(addedTokens json: JSONReader, _ limits: Limits) throws(AviaryError) {
    let known = Set(added.map { Array($0.content.utf8) })
    for (key, value) in try json.object().members where !known.contains(Array(key.utf8)) {
      let id = try JSONReader(value, at: "\(json.path)[\"\(key.prefix(40))\"]").tokenID(limits)
      added.append(AddedToken(key, id: id, special: false))
    }
  }

  private mutating func readFrame(_ config: JSONReader) throws(AviaryError) {
    let name = try config.string("tokenizer_class", default: nil) ?? ""
    if config["add_bos_token"] != nil || name.hasPrefix("Llama") || name.hasPrefix("CodeLlama") {
      frame.addsBOS = try config.bool("add_bos_token", default: true)
      frame.addsEOS = try config.bool("add_eos_token", default: false)
    }
  }
}

extension AddedToken {
  /// Reads a control token that is given by its spelling, or as an object.
  fileprivate init(special json: JSONReader) throws(AviaryError) {
    if let content = json.value.string {
      guard !content.isEmpty else { throw AviaryError(.format, "a control token is empty", at: json.path) }
      self.init(content)
    } else {
      try self.init(json, id: nil)
      special = true
    }
  }
}

extension JSONReader {
  /// Whether there is a member of that key, be it null.
  fileprivate func has(_ key: String) -> Bool { value[key] != nil }
}
