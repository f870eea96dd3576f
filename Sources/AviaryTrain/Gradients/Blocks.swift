import AviaryTensor

/// A graph's repeated blocks, by the paths of the modules that recorded them.
enum Blocks {
  /// Ranges of nodes, each from a block's first node to the next block's first, or to its own last.
  static func of(_ graph: Graph) -> [Range<Int>] {
    var ranges: [Range<Int>] = []
    var current: (key: String, start: Int)?
    var last = 0
    for (i, node) in graph.nodes.enumerated() {
      guard let key = key(node.path.description) else { continue }
      if let open = current, open.key != key {
        ranges.append(open.start..<(isNext(open.key, key) ? i : last + 1))
        current = nil
      }
      if current == nil { current = (key, i) }
      last = i
    }
    if let open = current { ranges.append(open.start..<last + 1) }
    return ranges
  }

  /// The path up to its first number: `language_model.model.layers.3`.
  static func key(_ path: String) -> String? {
    let parts = path.split(separator: ".")
    guard let index = parts.firstIndex(where: { Int($0) != nil }) else { return nil }
    return parts[...index].joined(separator: ".")
  }

  /// Whether both are blocks of one stack.
  private static func isNext(_ a: String, _ b: String) -> Bool { stack(a) == stack(b) }
  private static func stack(_ key: String) -> Substring { key.prefix(upTo: key.lastIndex(of: ".") ?? key.startIndex) }
}
