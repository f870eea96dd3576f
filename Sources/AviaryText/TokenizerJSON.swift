public import AviaryCore
public import AviaryTensor

extension SubwordTokenizer {
  /// The tokenizer of a Hugging Face `tokenizer.json`: normaliser, pre-tokeniser, model, post-processor and decoder as
  /// the file lists them (https://huggingface.co/docs/tokenizers/components). A component that is not implemented is
  /// an error that names it.
  ///
  /// - Parameters:
  ///   - json: the parsed file.
  ///   - extra: tokens that the checkpoint's other files, or its code, add.
  ///   - frame: BOS and EOS as `tokenizer_config.json` has them.
  public init(
    tokenizerJSON json: JSONValue, extra: [AddedToken] = [], frame: TokenFrame = TokenFrame(),
    limits: Limits = .standard
  ) throws(AviaryError) {
    let file = JSONReader(json, at: "")
    guard json.object != nil else { throw file.unfit("an object") }
    var tokens: [AddedToken] = []
    for entry in try file["added_tokens"]?.elements() ?? [] {
      tokens.append(try AddedToken(entry, id: entry.required("id").tokenID(limits)))
    }
    try self.init(
      added: tokens + extra,
      normalizer: file["normalizer"].map { (json) throws(AviaryError) in try Normalizer(json) },
      preTokenizer: file["pre_tokenizer"].map { (json) throws(AviaryError) in try PreTokenizer(json) },
      model: SubwordTokenizer.model(file.required("model"), forbidding: tokens + extra, limits),
      postProcessor: file["post_processor"].map { (json) throws(AviaryError) in try PostProcessor(json, limits) }
        ?? PostProcessor(),
      decoder: file["decoder"].map { (json) throws(AviaryError) in try DecoderStage.read(json) } ?? DecoderStage.none,
      frame: frame, limits: limits)
  }

  private static func model(_ json: JSONReader, forbidding tokens: [AddedToken], _ limits: Limits) throws(AviaryError)
    -> any SubwordModel
  {
    var forbidden = ByteStringTable()
    for token in tokens where token.isControl { forbidden.insert(token.content) }
    // Files from before 2020 have no type; those with merges are BPE.
    let type = try json.string("type", default: json["merges"] == nil ? nil : "BPE")
    switch type {
    case "BPE": return try BPEModel(json, forbidding: forbidden, limits)
    case "Unigram": return try UnigramModel(json, forbidding: forbidden, limits)
    default: throw json.unknownType(type ?? "without a type", of: "model")
    }
  }
}
