/// Begin and end of sequence as a checkpoint's `tokenizer_config.json` has them.
public struct TokenFrame: Sendable, Hashable {
  public var bos: String?
  public var eos: String?
  /// Whether encoding adds them; nil leaves it to the tokenizer's own file.
  public var addsBOS: Bool?
  public var addsEOS: Bool

  public init(bos: String? = nil, eos: String? = nil, addsBOS: Bool? = nil, addsEOS: Bool = false) {
    self.bos = bos
    self.eos = eos
    self.addsBOS = addsBOS
    self.addsEOS = addsEOS
  }

  /// What it adds around a text; nil where it leaves that to the tokenizer's own file.
  func postProcessor(bos: Int32?, eos: Int32?) -> PostProcessor? {
    guard let addsBOS else { return nil }
    return PostProcessor(before: addsBOS ? [bos].compactMap { $0 } : [], after: addsEOS ? [eos].compactMap { $0 } : [])
  }
}
