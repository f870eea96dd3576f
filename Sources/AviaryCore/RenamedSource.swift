public import AviaryTensor

/// A source under other names: a part of a composed checkpoint as the whole model names it.
public struct RenamedSource: WeightSource {
  private let source: any WeightSource
  /// New name to stored name.
  private let stored: [String: String]
  public let names: [String]

  /// - Parameters:
  ///   - prefix: put in front of what `map` gives.
  /// Where two tensors get one name the first counts: some checkpoints hold the same tensor twice.
  public init(_ source: any WeightSource, _ map: NameMap, prefix: String = "") {
    var names: [String] = []
    var stored: [String: String] = [:]
    for name in source.names {
      guard let canonical = map.canonical(name) else { continue }
      let full = prefix + canonical
      if stored[full] != nil { continue }
      stored[full] = name
      names.append(full)
    }
    self.source = source
    self.stored = stored
    self.names = names
  }

  public var summary: String { source.summary }
  public func tensor(_ name: String) throws(AviaryError) -> StoredTensor? {
    guard let original = stored[name] else { return nil }
    return try source.tensor(original)
  }
}
