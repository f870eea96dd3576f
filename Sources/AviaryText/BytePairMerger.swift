/// Byte-pair merging: joins the adjacent pair of lowest rank, leftmost first, until no pair has a merge
/// (Sennrich et al. 2016, https://arxiv.org/abs/1508.07909).
///
/// Short words are scanned again after each merge. Long ones (a text without blanks is one word) keep the positions
/// of each rank in a bucket, so that time grows as n log n and a run of one letter costs no more than prose.
struct BytePairMerger: Sendable {
  /// Merges by the ids of the two symbols.
  var merges: PairTable

  /// From this many symbols on, buckets are faster than scanning.
  static let longWord = 96

  /// Merges the symbols of one word in place.
  func merge(_ symbols: inout [Int32]) {
    if symbols.count < BytePairMerger.longWord {
      scan(&symbols)
    } else {
      mergeByBuckets(&symbols)
    }
  }

  func scan(_ symbols: inout [Int32]) {
    guard symbols.count > 1 else { return }
    // The merge of each symbol with its right neighbour.
    var pairs: [PairTable.Value] = []
    pairs.reserveCapacity(symbols.count)
    for i in 0..<symbols.count - 1 { pairs.append(value(symbols[i], symbols[i + 1])) }
    while true {
      var best = BytePairMerger.none
      var place = -1
      for i in pairs.indices where pairs[i].rank < best.rank {
        best = pairs[i]
        place = i
      }
      guard place >= 0 else { return }
      symbols[place] = best.merged
      symbols.remove(at: place + 1)
      pairs.remove(at: place)
      if place > 0 { pairs[place - 1] = value(symbols[place - 1], symbols[place]) }
      if place < pairs.count { pairs[place] = value(symbols[place], symbols[place + 1]) }
    }
  }

  func mergeByBuckets(_ symbols: inout [Int32]) {
    var chain = SymbolChain(symbols)
    var queue = RankQueue()
    for i in 0..<symbols.count - 1 {
      if let pair = merges[symbols[i], symbols[i + 1]] { queue.push(Int32(i), rank: pair.rank) }
    }
    while let (rank, position) = queue.pop() {
      // The entry may be stale: its symbol merged away, or its neighbour is another by now.
      guard let right = chain.next(of: position),
        let pair = merges[chain[position], chain[right]], pair.rank == rank
      else { continue }
      chain.join(position, right, as: pair.merged)
      if let left = chain.previous(of: position), let pair = merges[chain[left], chain[position]] {
        queue.push(left, rank: pair.rank)
      }
      if let next = chain.next(of: position), let pair = merges[chain[position], chain[next]] {
        queue.push(position, rank: pair.rank)
      }
    }
    symbols = chain.symbols
  }

  private static let none = PairTable.Value(rank: .max, merged: -1)

  private func value(_ left: Int32, _ right: Int32) -> PairTable.Value {
    merges[left, right] ?? BytePairMerger.none
  }
}

/// Symbols linked to their neighbours, so that joining two costs the same anywhere.
private struct SymbolChain {
  private var ids: [Int32]
  private var nexts: [Int32]
  private var previouses: [Int32]
  private static let gone: Int32 = -1

  init(_ symbols: [Int32]) {
    ids = symbols
    nexts = (0..<Int32(symbols.count)).map { $0 + 1 }
    previouses = (0..<Int32(symbols.count)).map { $0 - 1 }
  }

  subscript(position: Int32) -> Int32 { ids[Int(position)] }

  /// The right neighbour; nil at the end, or where the symbol itself has merged away.
  func next(of position: Int32) -> Int32? {
    let next = nexts[Int(position)]
    return ids[Int(position)] == SymbolChain.gone || next == Int32(ids.count) ? nil : next
  }

  func previous(of position: Int32) -> Int32? {
    let previous = previouses[Int(position)]
    return previous < 0 ? nil : previous
  }

  mutating func join(_ left: Int32, _ right: Int32, as merged: Int32) {
    ids[Int(left)] = merged
    ids[Int(right)] = SymbolChain.gone
    let after = nexts[Int(right)]
    nexts[Int(left)] = after
    if after < Int32(ids.count) { previouses[Int(after)] = left }
  }

  var symbols: [Int32] { ids.filter { $0 != SymbolChain.gone } }
}

/// Positions in the order of rank, then of place.
///
/// Entries of one rank share a bucket; a heap holds each waiting rank once. Ranks repeat a lot in long words, which
/// makes this several times faster than a heap of entries.
private struct RankQueue {
  private struct Bucket {
    var positions: [Int32] = []
    /// How many of the positions have been taken.
    var taken = 0
    var isSorted = true
    var isWaiting = false
  }

  private var buckets: [Bucket] = []
  private var bucketOf: [Int32: Int] = [:]
  private var heap: [Int32] = []
  private var recent: (rank: Int32, bucket: Int) = (-1, 0)

  mutating func push(_ position: Int32, rank: Int32) {
    let b = bucket(of: rank)
    if let last = buckets[b].positions.last, last > position { buckets[b].isSorted = false }
    buckets[b].positions.append(position)
    if !buckets[b].isWaiting {
      buckets[b].isWaiting = true
      siftUp(rank)
    }
  }

  mutating func pop() -> (rank: Int32, position: Int32)? {
    while let rank = heap.first {
      let b = bucket(of: rank)
      if !buckets[b].isSorted {
        buckets[b].positions.removeFirst(buckets[b].taken)
        buckets[b].positions.sort()
        buckets[b].taken = 0
        buckets[b].isSorted = true
      }
      if buckets[b].taken < buckets[b].positions.count {
        buckets[b].taken += 1
        return (rank, buckets[b].positions[buckets[b].taken - 1])
      }
      buckets[b] = Bucket()
      removeFirst()
    }
    return nil
  }

  private mutating func bucket(of rank: Int32) -> Int {
    if recent.rank == rank { return recent.bucket }
    if let known = bucketOf[rank] {
      recent = (rank, known)
    } else {
      bucketOf[rank] = buckets.count
      recent = (rank, buckets.count)
      buckets.append(Bucket())
    }
    return recent.bucket
  }

  private mutating func siftUp(_ rank: Int32) {
    heap.append(rank)
    var child = heap.count - 1
    while child > 0, heap[(child - 1) / 2] > heap[child] {
      heap.swapAt(child, (child - 1) / 2)
      child = (child - 1) / 2
    }
  }

  private mutating func removeFirst() {
    let last = heap.removeLast()
    guard !heap.isEmpty else { return }
    heap[0] = last
    var parent = 0
    while true {
      var least = parent
      for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count && heap[child] < heap[least] {
        least = child
      }
      if least == parent { return }
      heap.swapAt(parent, least)
      parent = least
    }
  }
}
