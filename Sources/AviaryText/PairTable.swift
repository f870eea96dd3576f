/// A map from a pair of numbers to a pair of numbers: adjacent symbols to their merge, or node and byte to node.
///
/// Open addressing on plain words, since a large vocabulary has half a million merges and is loaded at every start.
struct PairTable: Sendable {
  struct Value: Hashable, Sendable {
    var rank: Int32
    var merged: Int32
  }

  /// No pair has this key: numbers are not negative.
  private static let empty = UInt64.max
  /// Odd and different in every process, so that a file cannot be made to collide.
  private static let seed = UInt64.random(in: .min ... .max) | 1

  private var keys: [UInt64]
  private var values: [Value]
  private(set) var count = 0
  private var shift: UInt64

  init(capacity: Int = 0) {
    var bits: UInt64 = 4
    while 1 << bits < capacity * 2 { bits += 1 }
    keys = Array(repeating: PairTable.empty, count: 1 << Int(bits))
    values = Array(repeating: Value(rank: 0, merged: 0), count: 1 << Int(bits))
    shift = 64 - bits
  }

  /// - Precondition: both numbers are not negative.
  subscript(left: Int32, right: Int32) -> Value? {
    let key = PairTable.key(left, right)
    var slot = home(of: key)
    while keys[slot] != PairTable.empty {
      if keys[slot] == key { return values[slot] }
      slot = (slot + 1) & (keys.count - 1)
    }
    return nil
  }

  /// Sets the value of a pair; a later value replaces an earlier one.
  mutating func set(_ left: Int32, _ right: Int32, _ value: Value) {
    if (count + 1) * 2 > keys.count { grow() }
    place(PairTable.key(left, right), value)
  }

  private mutating func place(_ key: UInt64, _ value: Value) {
    var slot = home(of: key)
    while keys[slot] != PairTable.empty, keys[slot] != key { slot = (slot + 1) & (keys.count - 1) }
    if keys[slot] == PairTable.empty { count += 1 }
    keys[slot] = key
    values[slot] = value
  }

  private mutating func grow() {
    let old = (keys, values)
    keys = Array(repeating: PairTable.empty, count: old.0.count * 2)
    values = Array(repeating: Value(rank: 0, merged: 0), count: old.0.count * 2)
    shift -= 1
    count = 0
    for (key, value) in zip(old.0, old.1) where key != PairTable.empty { place(key, value) }
  }

  private func home(of key: UInt64) -> Int {
    let (high, low) = key.multipliedFullWidth(by: PairTable.seed)
    return Int(truncatingIfNeeded: ((high ^ low) &* 0x9e37_79b9_7f4a_7c15) >> shift)
  }

  private static func key(_ left: Int32, _ right: Int32) -> UInt64 {
    UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))
  }
}
