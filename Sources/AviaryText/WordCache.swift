import Synchronization

/// Token ids of words seen before. Bounded: when full it starts anew, since text repeats its words soon enough.
struct WordCache: Sendable {
  private var words = ByteStringTable()
  private var ids: [Int32] = []
  private var ends: [Int] = []

  private static let mostWords = 1 << 15
  private static let mostBytes = 1 << 20
  /// Longer words hardly come again.
  static let longestWord = 64

  func find(_ word: Span<UInt8>) -> ArraySlice<Int32>? {
    guard let index = words.find(word) else { return nil }
    return ids[(index == 0 ? 0 : ends[index - 1])..<ends[index]]
  }

  mutating func insert(_ word: Span<UInt8>, _ tokens: [Int32]) {
    guard word.count <= WordCache.longestWord else { return }
    if words.count >= WordCache.mostWords || words.byteCount >= WordCache.mostBytes {
      words.removeAll()
      ids.removeAll(keepingCapacity: true)
      ends.removeAll(keepingCapacity: true)
    }
    guard words.insert(word).isNew else { return }
    ids.append(contentsOf: tokens)
    ends.append(ids.count)
  }
}

/// A cache that callers on any thread may use: whoever finds it taken works with an empty one of his own.
final class SharedWordCache: Sendable {
  private let cache = Mutex<WordCache?>(WordCache())

  func take() -> WordCache {
    cache.withLock { stored in
      defer { stored = nil }
      return stored ?? WordCache()
    }
  }

  func giveBack(_ cache: consuming WordCache) {
    let returned = cache
    self.cache.withLock { $0 = returned }
  }
}
