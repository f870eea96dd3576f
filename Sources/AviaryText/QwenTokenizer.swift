public import AviaryCore
public import AviaryTensor

extension SubwordTokenizer {
  /// The tokenizer of Qwen's first generation from its rank file, `qwen.tiktoken`. The file has no control tokens: they
  /// follow the ranks in a fixed order, those for pictures last (Qwen-VL and Vary; a model of text never meets them).
  public init(qwen ranks: UnsafeRawBufferPointer, limits: Limits = .standard) throws(AviaryError) {
    try self.init(
      tiktoken: ranks,
      pattern: #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#,
      special: Self.qwenControls, composes: true, frame: TokenFrame(eos: "<|endoftext|>"), limits: limits)
  }

  /// In the order of their ids.
  static let qwenControls: [AddedToken] = {
    let texts = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"] + (0..<205).map { "<|extra_\($0)|>" }
    let pictures = ["<ref>", "</ref>", "<box>", "</box>", "<quad>", "</quad>", "<img>", "</img>", "<imgpad>"]
    // Tags around places are part of an answer, and shown.
    return texts.map { AddedToken($0) } + pictures.map { AddedToken($0, special: false) }
  }()
}
