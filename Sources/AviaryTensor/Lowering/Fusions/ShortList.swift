/// Up to eight node numbers, inline: a fused chain or its operands. A plain value, so that matching fusions touches no
/// reference count (an array here was released once too often by the optimiser of Swift 6.3).
struct ShortList: ExpressibleByArrayLiteral {
  private var storage = PerAxis<Int32>(repeating: 0)
  private(set) var count = 0

  init(arrayLiteral elements: Int32...) { for element in elements { append(element) } }

  mutating func append(_ id: Int32) {
    storage[count] = id
    count += 1
  }

  subscript(i: Int) -> Int32 { storage[i] }
  var indices: Range<Int> { 0..<count }
  var last: Int32? { count > 0 ? storage[count - 1] : nil }
}
