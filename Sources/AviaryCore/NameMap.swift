/// How a dialect names tensors: ordered rules from stored names to canonical ones, the first that fits wins.
///
/// A dialect is chosen by a declared marker (an architecture name, a key of the configuration), never by a shape.
public struct NameMap: Sendable {
  public enum Rule: Sendable {
    /// A name that starts with the first gets the second instead.
    case prefix(String, String)
    /// A whole name.
    case exact(String, String)
    /// Names that no model needs: they are not reported as left over.
    case ignorePrefix(String)
    case ignoreSuffix(String)
  }

  public var rules: [Rule]
  public init(_ rules: [Rule] = []) { self.rules = rules }

  /// The canonical name, or nil for a name to ignore.
  public func canonical(_ stored: String) -> String? {
    for rule in rules {
      switch rule {
      case .prefix(let from, let to): if stored.hasPrefix(from) { return to + stored.dropFirst(from.count) }
      case .exact(let from, let to): if stored == from { return to }
      case .ignorePrefix(let from): if stored.hasPrefix(from) { return nil }
      case .ignoreSuffix(let from): if stored.hasSuffix(from) { return nil }
      }
    }
    return stored
  }
}
