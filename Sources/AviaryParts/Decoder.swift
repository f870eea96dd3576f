public import AviaryCore
public import AviaryTensor

/// The decoders that a family may join with its eyes, by `model_type`.
public enum DecoderConfig: Sendable, Hashable {
  case llama(LlamaConfig)
  /// Qwen's first generation, which `Llama` runs.
  case qwen(LlamaConfig)
  case mpt(MPTConfig)
  case gptNeoX(GPTNeoXConfig)

  private enum Kind { case llama, qwen, mpt, gptNeoX }
  private static let kinds: [(String, Kind)] = [
    ("llama", .llama), ("mistral", .llama), ("qwen", .qwen), ("mpt", .mpt), ("mosaic_gpt", .mpt), ("gpt_neox", .gptNeoX),
  ]

  /// - Parameter fallback: the type of a configuration that does not say one; nil makes that an error.
  /// - Throws: `.config` that lists the known types.
  public init(_ c: ConfigReader, default fallback: String? = nil) throws(AviaryError) {
    let kind: Kind = try c.choice("model_type", default: fallback, of: Self.kinds)
    switch kind {
    case .qwen: self = .qwen(try QwenLM.config(c))
    case .llama: self = .llama(try LlamaConfig(c))
    case .mpt: self = .mpt(try MPTConfig(c))
    case .gptNeoX: self = .gptNeoX(try GPTNeoXConfig(c))
    }
  }

  public var width: Int {
    switch self {
    case .llama(let c), .qwen(let c): c.hiddenSize
    case .mpt(let c): c.hiddenSize
    case .gptNeoX(let c): c.hiddenSize
    }
  }

  public var layers: Int {
    switch self {
    case .llama(let c), .qwen(let c): c.layers
    case .mpt(let c): c.layers
    case .gptNeoX(let c): c.layers
    }
  }

  /// Where all but the head stands in its own files.
  public var scope: String { String(layersScope.prefix { $0 != "." }) }

  /// Rules from its own names below `from` to those that `model` takes below `to`. Both end with a dot or are empty.
  public func names(from: String, to: String) -> [NameMap.Rule] {
    if case .qwen(let c) = self { return QwenLM.names(c, from: from, to: to) }
return [.ignoreSuffix("rotary_emb.inv_freq")] + ["\(scope).", "lm_head.", "embed_out."].map { .prefix(from + $0, to + $0) }
  }

  /// Where its head stands in its own files, if it has one of its own.
  public var headScope: String { if case .gptNeoX = self { "embed_out" } else { "lm_head" } }

  /// Where its layers stand in its own files: `<scope>.N.`
  public var layersScope: String {
    switch self {
    case .llama: "model.layers"
    case .qwen: "transformer.h"
    case .mpt: "transformer.blocks"
    case .gptNeoX: "gpt_neox.layers"
    }
  }

  /// The tables with a row for each token: the embeddings first, then the head where it is one of its own.
  public var tables: [String] {
    switch self {
    case .llama(let c): ["model.embed_tokens.weight"] + (c.tiesEmbeddings ? [] : ["lm_head.weight"])
    case .qwen: ["transformer.wte.weight", "lm_head.weight"]
    case .mpt: ["transformer.wte.weight"]
    case .gptNeoX(let c): ["gpt_neox.embed_in.weight"] + (c.tiesEmbeddings ? [] : ["embed_out.weight"])
    }
  }

  public var vocabularySize: Int {
    get {
      switch self {
      case .llama(let c), .qwen(let c): c.vocabularySize
      case .mpt(let c): c.vocabularySize
      case .gptNeoX(let c): c.vocabularySize
      }
    }
    set {
      switch self {
      case .llama(var c):
        c.vocabularySize = newValue
        self = .llama(c)
      case .qwen(var c):
        c.vocabularySize = newValue
        self = .qwen(c)
      case .mpt(var c):
        c.vocabularySize = newValue
        self = .mpt(c)
      case .gptNeoX(var c):
        c.vocabularySize = newValue
        self = .gptNeoX(c)
      }
    }
  }

  public func model(_ w: Weights) throws(AviaryError) -> AnyDecoder {
    switch self {
    case .llama(let c), .qwen(let c): AnyDecoder(try Llama(w, c))
    case .mpt(let c): AnyDecoder(try MPT(w, c))
    case .gptNeoX(let c): AnyDecoder(try GPTNeoX(w, c))
    }
  }
}
