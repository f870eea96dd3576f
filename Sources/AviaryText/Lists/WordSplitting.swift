import AviaryTensor

/// How a byte-level tokenizer cuts texts into words, by the names that GGUF files have for it (`tokenizer.ggml.pre`). The
/// patterns are those of the models' own `tokenizer.json`, one after the other on what the one before left.
struct WordSplitting {
  let patterns: [String]
  /// Texts are composed (NFC) first.
  var composes = false
  /// A word that is a token is taken without merging.
  var takesWholeWords = false
  /// Where the file does not say it.
  var addsBOS = false

  private static let digit = #"\p{N}"#
  /// GPT-4's, with digits in groups of up to three.
  private static let threes = #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
  private static let singles = #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
  private static let gpt4o =
    #"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|"#
    + #"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|"#
    + #"\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
  private static let tekken =
    #"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|"#
    + #"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|"#
    + #"\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
  private static let deepseek3 =
    ##"[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"##

  private static func made(_ name: String) -> WordSplitting? {
    switch name {
    case "gpt-2", "mpt", "olmo", "phi-2": WordSplitting(patterns: [PreTokenizer.gpt2Pattern])
    case "smollm", "starcoder", "refact", "command-r", "codeshell", "exaone": WordSplitting(patterns: [digit, PreTokenizer.gpt2Pattern])
    case "llama3", "llama-v3", "llama-bpe": WordSplitting(patterns: [threes], takesWholeWords: true, addsBOS: true)
    case "dbrx", "smaug-bpe", "glm4", "chatglm-bpe": WordSplitting(patterns: [threes])
    case "qwen2", "deepseek-r1-qwen": WordSplitting(patterns: [singles], composes: true)
    // Qwen's first generation, in files of newer and of older converters.
    case "qwen", "stablelm2": WordSplitting(patterns: [singles], composes: name == "qwen")
    case "gpt-4o", "llama4": WordSplitting(patterns: [gpt4o])
    case "tekken": WordSplitting(patterns: [tekken], takesWholeWords: true, addsBOS: true)
    case "deepseek-v3": WordSplitting(patterns: [#"\p{N}{1,3}"#, "[一-龥぀-ゟ゠-ヿ]+", deepseek3])
    case "deepseek-coder": WordSplitting(patterns: [#"[\r\n]"#, #"\s?\p{L}+"#, #"\s?\p{P}+"#, "[一-龥ࠀ-一가-퟿]+", digit])
    default: nil
    }
  }

  /// - Throws: `.config` for a name that is not known: other patterns would give other tokens without a word.
  init(named name: String) throws(AviaryError) {
    guard let made = WordSplitting.made(name) else {
      throw AviaryError(
        .config, name == "default" ? "no name for the splitting of words" : "the splitting \"\(name.prefix(40))\"",
        wanted: "a known one, such as gpt-2, llama-bpe, qwen2, smollm", at: "tokenizer.ggml.pre")
    }
    self = made
  }

  private init(patterns: [String], composes: Bool = false, takesWholeWords: Bool = false, addsBOS: Bool = false) {
    self.patterns = patterns
    self.composes = composes
    self.takesWholeWords = takesWholeWords
    self.addsBOS = addsBOS
  }

  func preTokenizer() throws(AviaryError) -> PreTokenizer {
    var parts: [PreTokenizer] = []
    for pattern in patterns { parts.append(.split(try TextPattern(pattern), .isolated, invert: false)) }
    return .sequence(parts + [.byteLevel(addPrefixSpace: false, split: nil)])
  }
}
