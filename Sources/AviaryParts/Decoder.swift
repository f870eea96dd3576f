public import AviaryCore
public import AviaryTensor

/// The decoders that a family may join with its eyes, by `model_type`.
public enum DecoderConfig: Sendable, Hashable {
  case llama(LlamaConfig)
  case mpt(MPTConfig)
  case gptNeoX(GPTNeoXConfig)

  /// - Throws: `.config` that lists the known types.
  public init(_ c: ConfigReader) throws(AviaryError) {
    enum Kind { case llama, mpt, gptNeoX }
    let kind: Kind = try c.choice(
      "model_type",
      of: [("llama", .llama), ("mistral", .llama), ("mpt", .mpt), ("mosaic_gpt", .mpt), ("gpt_neox", .gptNeoX)])
    switch kind {
    case .llama: self = .llama(try LlamaConfig(c))
    case .mpt: self = .mpt(try MPTConfig(c))
    case .gptNeoX: self = .gptNeoX(try GPTNeoXConfig(c))
    }
  }

  public var width: Int {
    switch self {
    case .llama(let c): c.hiddenSize
    case .mpt(let c): c.hiddenSize
    case .gptNeoX(let c): c.hiddenSize
    }
  }

  public var layers: Int {
    switch self {
    case .llama(let c): c.layers
    case .mpt(let c): c.layers
    case .gptNeoX(let c): c.layers
    }
  }

  /// Where its layers stand in its own files: `<scope>.N.`
  public var layersScope: String {
    switch self {
    case .llama: "model.layers"
    case .mpt: "transformer.blocks"
    case .gptNeoX: "gpt_neox.layers"
    }
  }

  /// The tables with a row for each token: the embeddings first, then the head where it is one of its own.
  public var tables: [String] {
    switch self {
    case .llama(let c): ["model.embed_tokens.weight"] + (c.tiesEmbeddings ? [] : ["lm_head.weight"])
    case .mpt: ["transformer.wte.weight"]
    case .gptNeoX(let c): ["gpt_neox.embed_in.weight"] + (c.tiesEmbeddings ? [] : ["embed_out.weight"])
    }
  }

  public var vocabularySize: Int {
    get {
      switch self {
      case .llama(let c): c.vocabularySize
      case .mpt(let c): c.vocabularySize
      case .gptNeoX(let c): c.vocabularySize
      }
    }
    set {
      switch self {
      case .llama(var c):
        c.vocabularySize = newValue
        self = .llama(c)
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
    case .llama(let c): AnyDecoder(try Llama(w, c))
    case .mpt(let c): AnyDecoder(try MPT(w, c))
    case .gptNeoX(let c): AnyDecoder(try GPTNeoX(w, c))
    }
  }
}
