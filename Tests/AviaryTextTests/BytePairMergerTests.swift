import Testing

@testable import AviaryText

struct BytePairMergerTests {
  /// Merges of every pair below a bound, ranks in random order, some of them equal.
  private func merger(_ random: inout SeededRandom, symbols: Int32, density: Double) -> BytePairMerger {
    var merges = PairTable()
    var next = symbols
    var order = Array(0..<Int32(symbols * symbols * 4)).shuffled(using: &random)
    while next < symbols * 3 {
      let (left, right) = (Int32.random(in: 0..<next, using: &random), Int32.random(in: 0..<next, using: &random))
      if merges[left, right] == nil, Double.random(in: 0..<1, using: &random) < density, let rank = order.popLast() {
        merges.set(left, right, PairTable.Value(rank: rank, merged: next))
        next += 1
      }
    }
    return BytePairMerger(merges: merges)
  }

  /// The definition, word for word.
  private func obvious(_ merger: BytePairMerger, _ symbols: [Int32]) -> [Int32] {
    var symbols = symbols
    while true {
      let pairs = zip(symbols, symbols.dropFirst()).enumerated()
      let merges = pairs.compactMap { place, pair in merger.merges[pair.0, pair.1].map { (place, $0) } }
      guard let (place, merge) = merges.min(by: { ($0.1.rank, $0.0) < ($1.1.rank, $1.0) }) else { return symbols }
      symbols.replaceSubrange(place...place + 1, with: [merge.merged])
    }
  }

  @Test(arguments: 0..<60)
  func bothWaysDoWhatTheDefinitionSays(seed: Int) {
    var random = SeededRandom(seed: UInt64(seed))
    let merger = merger(&random, symbols: Int32.random(in: 2...12, using: &random), density: 0.6)
    let count = seed < 5 ? seed : Int.random(in: 2...300, using: &random)
    let word = (0..<count).map { _ in Int32.random(in: 0..<4, using: &random) }
    let wanted = obvious(merger, word)
    var scanned = word
    merger.scan(&scanned)
    #expect(scanned == wanted)
    guard count > 0 else { return }
    var bucketed = word
    merger.mergeByBuckets(&bucketed)
    #expect(bucketed == wanted)
    var chosen = word
    merger.merge(&chosen)
    #expect(chosen == wanted)
  }

  @Test func pairTableKeepsTheLaterValueAndGrows() {
    var table = PairTable()
    for i in 0..<Int32(5000) { table.set(i, i &* 7 % 1000, PairTable.Value(rank: i, merged: i)) }
    table.set(17, 119, PairTable.Value(rank: 1, merged: 2))
    #expect(table.count == 5000)
    #expect(table[17, 119] == PairTable.Value(rank: 1, merged: 2))
    #expect((0..<Int32(5000)).allSatisfy { $0 == 17 || table[$0, $0 &* 7 % 1000]?.rank == $0 })
    #expect(table[1, 1] == nil)
  }

  @Test func byteStringsAreToldApartByTheirBytes() {
    var table = ByteStringTable()
    #expect(table.insert("é") == (0, true))
    #expect(table.insert("e\u{301}") == (1, true), "canonically equivalent, and still another token")
    #expect(table.insert("é") == (0, false))
    for i in 0..<1000 { table.insert("w\(i)") }
    #expect(table.find("w999") == 1001)
    #expect(table.find("w1000") == nil)
    #expect(Array(table[1]) == Array("e\u{301}".utf8))
  }
}
