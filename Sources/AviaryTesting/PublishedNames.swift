import AviaryCore
import AviaryTensor
import Synchronization

/// Under which names a family's tensors are published, told by asking the family: a `NameMap` leads from stored names to
/// canonical ones, and here it is walked backwards and tried.
struct PublishedNames {
  /// Canonical name -> stored name; blocks of one matrix have the name of the whole.
  let stored: [String: String]
  /// Folders that the family opens weights in, beside the main one.
  let parts: [String]

  /// - Throws: `.request` with the tensors that cannot be told.
  init<A: Architecture>(of family: A.Type, _ config: A.Config, _ folder: any ModelFolder, _ asked: [(name: String, shape: Shape)]) throws(AviaryError) {
    let blank = NamedFolder(folder, [])
    let (empty, map) = try family.weights(config, blank)
    var stored: [String: String] = [:]
    for (name, _) in asked {
      guard let found = map.candidates(name).first(where: { map.canonical($0) == name }) else { continue }
      stored[name] = empty.splits.lazy.compactMap { $0.whole(of: found) }.first ?? found
    }
    // The whole way, with what the family does to its sources before it names them.
    let (source, whole) = try family.weights(config, NamedFolder(folder, Array(Set(stored.values))))
    let reached = Set(source.names.compactMap(whole.canonical))
    let missing = asked.map(\.name).filter { !reached.contains($0) }
    guard missing.isEmpty else {
      throw AviaryError(
        .request, "\(missing.count) tensors of \(family.id), \(missing[0]) among them, whose published names cannot be told",
        wanted: "a family whose NameMap leads to each tensor", at: folder.name)
    }
    self.stored = stored
    parts = blank.opened
  }
}

extension NameMap {
  /// Stored names that may stand for a canonical one, in the order of the rules.
  func candidates(_ canonical: String) -> [String] {
    rules.compactMap { rule in
      switch rule {
      case .prefix(let from, let to): canonical.hasPrefix(to) ? from + canonical.dropFirst(to.count) : nil
      case .exact(let from, let to): canonical == to ? from : nil
      case .ignorePrefix, .ignoreSuffix: nil
      }
    } + [canonical]
  }
}

/// A folder whose weights are names without numbers.
private struct NamedFolder: ModelFolder {
  private final class Log: Sendable { let parts = Mutex<[String]>([]) }

  let inner: any ModelFolder
  private let weightNames: [String]
  private let part: String?
  private let log: Log

  init(_ inner: any ModelFolder, _ names: [String]) { self.init(inner, names, part: nil, Log()) }

  private init(_ inner: any ModelFolder, _ names: [String], part: String?, _ log: Log) {
    (self.inner, weightNames, self.part, self.log) = (inner, names, part, log)
  }

  var opened: [String] { log.parts.withLock { $0 } }
  var name: String { inner.name }
  func json(_ file: String) throws(AviaryError) -> JSONValue? { try inner.json(file) }
  func part(_ name: String) throws(AviaryError) -> any ModelFolder { NamedFolder(try inner.part(name), [], part: name, log) }
  func tokenizer(adding tokens: [String]) throws(AviaryError) -> any Tokenizer { try inner.tokenizer(adding: tokens) }
  func promptTemplate() throws(AviaryError) -> (any PromptTemplate)? { try inner.promptTemplate() }

  func weights() throws(AviaryError) -> any WeightSource {
    if let part { log.parts.withLock { $0.append(part) } }
    return Names(names: weightNames)
  }

  private struct Names: WeightSource {
    let names: [String]
    var summary: String { "\(names.count) names" }
    func tensor(_ name: String) throws(AviaryError) -> StoredTensor? { nil }
  }
}
