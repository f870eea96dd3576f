/// Byte strings as a tree of their bytes, to find all of them that begin at one place.
struct ByteTrie: Sendable {
  /// From node and byte to the next node.
  private var edges = PairTable()
  /// The value of the string that ends at each node, -1 for none. Node 0 is the root.
  private var values: [Int32] = [-1]
  private var beginnings = [Bool](repeating: false, count: 256)

  static let root: Int32 = 0

  /// - Parameter value: not negative. A later value of the same string replaces an earlier one.
  mutating func insert(_ string: some Collection<UInt8>, _ value: Int32) {
    guard let first = string.first else { return }
    beginnings[Int(first)] = true
    var node = ByteTrie.root
    for byte in string {
      if let next = edges[node, Int32(byte)] {
        node = next.merged
      } else {
        let next = Int32(values.count)
        edges.set(node, Int32(byte), PairTable.Value(rank: 0, merged: next))
        values.append(-1)
        node = next
      }
    }
    values[Int(node)] = value
  }

  /// Whether any string begins with that byte.
  func begins(with byte: UInt8) -> Bool { beginnings[Int(byte)] }

  func next(_ node: Int32, _ byte: UInt8) -> Int32? { edges[node, Int32(byte)]?.merged }

  func value(at node: Int32) -> Int32? { values[Int(node)] < 0 ? nil : values[Int(node)] }
}
