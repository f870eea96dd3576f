import AviaryCore
import Testing

struct FeatureCacheTests {
  @Test func theLeastRecentlyUsedGoesFirst() {
    let cache = FeatureCache(maxBytes: 40)  // ten numbers
    cache.insert([Float](repeating: 1, count: 4), for: "a")
    cache.insert([Float](repeating: 2, count: 4), for: "b")
    #expect(cache["a"]?.first == 1)
    cache.insert([Float](repeating: 3, count: 4), for: "c")
    #expect(cache["b"] == nil)
    #expect(cache["a"]?.count == 4)
    #expect(cache["c"]?.first == 3)
  }

  @Test func aKeyKeepsItsFirstRows() {
    let cache = FeatureCache(maxBytes: 400)
    cache.insert([1], for: "a")
    cache.insert([2], for: "a")
    #expect(cache["a"] == [1])
    #expect(cache["A"] == nil)
  }

  /// One that is larger than all the room is kept until the next comes.
  @Test func roomIsKeptWithinBounds() {
    let cache = FeatureCache(maxBytes: 8)
    cache.insert([1, 2, 3, 4], for: "large")
    #expect(cache["large"]?.count == 4)
    cache.insert([5], for: "small")
    #expect(cache["large"] == nil)
    #expect(cache["small"] == [5])
    for index in 0..<100 { cache.insert([Float(index)], for: "\(index)") }
    #expect((0..<100).count { cache["\($0)"] != nil } == 2)
  }
}
