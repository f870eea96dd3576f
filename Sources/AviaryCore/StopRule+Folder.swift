public import AviaryTensor

extension StopRule {
  /// The ids that end a sequence as a checkpoint declares them: `generation_config.json`, else `config.json`, else the
  /// tokenizer's own.
  public static func declared(by folder: any ModelFolder, tokenizer: any Tokenizer, strings: [String] = []) throws(AviaryError) -> StopRule {
    for file in ["generation_config.json", "config.json"] {
      guard let config = try folder.optionalConfig(file), let value = config.value("eos_token_id") else { continue }
      let numbers = value.array ?? [value]
      var ids: Set<Int32> = []
      for number in numbers {
        guard let id = number.int.flatMap({ Int32(exactly: $0) }) else {
          throw AviaryError(.config, number.kindDescription, wanted: "a token id", at: "\(file): eos_token_id")
        }
        ids.insert(id)
      }
      return StopRule(ids: ids, strings: strings)
    }
    return StopRule(ids: tokenizer.eos.map { [$0] } ?? [], strings: strings)
  }
}
