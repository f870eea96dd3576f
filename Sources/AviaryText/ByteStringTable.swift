/// Distinct byte strings, numbered from 0 in the order in which they came.
///
/// Vocabularies are compared byte by byte: Swift's own string equality takes canonically equivalent spellings for the
/// same key, which a vocabulary does not. Hashing is the standard library's, seeded per process, so a file cannot be
/// made to collide.
struct ByteStringTable: Sendable {
  private var arena: [UInt8] = []
  private var ends: [Int] = []
  /// The upper half of the hash next to the index plus one; 0 is an empty slot.
  private var slots: [UInt64]

  /// - Parameter capacity: strings expected; the table grows where there are more.
  init(capacity: Int = 0) {
    slots = Array(repeating: 0, count: ByteStringTable.slotCount(for: capacity))
    ends.reserveCapacity(capacity)
  }

  var count: Int { ends.count }
  /// Bytes of all strings together.
  var byteCount: Int { arena.count }

  /// The string of that index.
  subscript(index: Int) -> ArraySlice<UInt8> { arena[range(of: index)] }

  private func range(of index: Int) -> Range<Int> { (index == 0 ? 0 : ends[index - 1])..<ends[index] }

  /// The index of a string, or nil where it is not in the table.
  func find(_ bytes: Span<UInt8>) -> Int? { find(bytes, hash: ByteStringTable.hash(bytes)) }

  private func find(_ bytes: Span<UInt8>, hash: UInt64) -> Int? {
    var slot = Int(truncatingIfNeeded: hash) & (slots.count - 1)
    while slots[slot] != 0 {
      let entry = slots[slot]
      let index = Int(entry & 0xffff_ffff) - 1
      if entry >> 32 == hash >> 32, equals(index, bytes) { return index }
      slot = (slot + 1) & (slots.count - 1)
    }
    return nil
  }

  func find(_ bytes: [UInt8]) -> Int? { find(bytes.span) }
  func find(_ text: String) -> Int? { find(text.utf8.span) }

  /// Adds a string where it is missing. The index is that of the string in either case.
  @discardableResult
  mutating func insert(_ bytes: Span<UInt8>) -> (index: Int, isNew: Bool) {
    let hash = ByteStringTable.hash(bytes)
    if let index = find(bytes, hash: hash) { return (index, false) }
    if (ends.count + 1) * 2 > slots.count { grow() }
    arena.append(copying: bytes)
    ends.append(arena.count)
    place(ends.count - 1, hash: hash)
    return (ends.count - 1, true)
  }

  @discardableResult
  mutating func insert(_ text: String) -> (index: Int, isNew: Bool) { insert(text.utf8.span) }

  mutating func removeAll() {
    arena.removeAll(keepingCapacity: true)
    ends.removeAll(keepingCapacity: true)
    for i in slots.indices { slots[i] = 0 }
  }

  private mutating func place(_ index: Int, hash: UInt64) {
    var slot = Int(truncatingIfNeeded: hash) & (slots.count - 1)
    while slots[slot] != 0 { slot = (slot + 1) & (slots.count - 1) }
    slots[slot] = hash & ~0xffff_ffff | UInt64(index + 1)
  }

  private mutating func grow() {
    slots = Array(repeating: 0, count: slots.count * 2)
    for index in ends.indices {
      let hash = ByteStringTable.hash(arena.span.extracting(range(of: index)))
      place(index, hash: hash)
    }
  }

  private func equals(_ index: Int, _ bytes: Span<UInt8>) -> Bool {
    let range = range(of: index)
    guard range.count == bytes.count else { return false }
    return arena.span.extracting(range).withUnsafeBufferPointer { stored in
      bytes.withUnsafeBufferPointer { stored.elementsEqual($0) }
    }
  }

  private static func hash(_ bytes: Span<UInt8>) -> UInt64 {
    var hasher = Hasher()
    bytes.withUnsafeBytes { hasher.combine(bytes: $0) }
    return UInt64(bitPattern: Int64(hasher.finalize()))
  }

  private static func slotCount(for capacity: Int) -> Int {
    var n = 16
    while n < capacity * 2 { n *= 2 }
    return n
  }
}
