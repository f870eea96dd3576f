public import AviaryTensor

/// Several sources of tensors as one: the shards of a checkpoint, or a model put together from a vision tower, a language
/// model and the weights between them.
public struct MergedSource: WeightSource {
  /// A source, and what to put in front of its names: "vision_tower." makes `a` into `vision_tower.a`.
  public struct Part: Sendable {
    public let source: any WeightSource
    public let prefix: String

    public init(_ source: any WeightSource, prefix: String = "") {
      self.source = source
      self.prefix = prefix
    }
  }

  /// What a name in two parts means.
  public enum Duplicates: Sendable {
    /// An error, as for shards.
    case refuse
    /// The first part that has it counts: list the fine-tuned weights before those that they replace.
    case first
  }

  public let names: [String]
  public let summary: String
  private let parts: [Part]
  private let owners: [String: Int]

  /// - Parameter summary: what to call the whole; by default the parts' own summaries, joined.
  /// - Throws: `.weights` where two parts have a name and `duplicates` refuses that.
  public init(
    _ parts: [Part], duplicates: Duplicates = .refuse, summary: String? = nil
  ) throws(AviaryError) {
    var names: [String] = []
    var owners: [String: Int] = [:]
    for (index, part) in parts.enumerated() {
      for original in part.source.names {
        let name = part.prefix + original
        guard let owner = owners[name] else {
          owners[name] = index
          names.append(name)
          continue
        }
        guard duplicates == .first else {
          let places = "\(parts[owner].source.summary) and in \(part.source.summary)"
          throw AviaryError(.weights, "tensor \(quoted(name)) is in \(places)", wanted: "one place")
        }
      }
    }
    self.names = names
    self.owners = owners
    self.parts = parts
    self.summary = summary ?? parts.map(\.source.summary).joined(separator: " + ")
  }

  public func tensor(_ name: String) throws(AviaryError) -> StoredTensor? {
    guard let owner = owners[name] else { return nil }
    let part = parts[owner]
    guard let tensor = try part.source.tensor(String(name.dropFirst(part.prefix.count))) else { return nil }
    return StoredTensor(
      name: name, shape: tensor.shape, dtype: tensor.dtype, pages: tensor.pages, offset: tensor.offset)
  }
}
