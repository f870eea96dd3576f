/// The sizes of a tensor's axes, outermost first; at most eight, held inline so that a node stays a plain struct.
public struct Shape: Hashable, Sendable, ExpressibleByArrayLiteral {
  public static let maxRank = 8

  @usableFromInline var storage: PerAxis<Int32>
  public private(set) var rank: Int32

  /// - Precondition: at most eight axes, each within `0...Int32.max`. Sizes from files are validated before they get here.
  public init(_ dims: some Collection<Int>) {
    precondition(dims.count <= Shape.maxRank, "a shape has at most \(Shape.maxRank) axes, got \(dims.count)")
    storage = PerAxis(repeating: 0)
    rank = Int32(dims.count)
    for (axis, size) in dims.enumerated() {
      precondition(size >= 0 && size <= Int(Int32.max), "axis size \(size) is out of range")
      storage[axis] = Int32(size)
    }
  }

  public init(arrayLiteral elements: Int...) { self.init(elements) }

  /// The size of an axis; negative axes count from the end.
  public subscript(axis: Int) -> Int {
    get { Int(storage[index(axis)]) }
    set {
      precondition(newValue >= 0 && newValue <= Int(Int32.max), "axis size \(newValue) is out of range")
      storage[index(axis)] = Int32(newValue)
    }
  }

  private func index(_ axis: Int) -> Int {
    let i = axis < 0 ? axis + Int(rank) : axis
    precondition(i >= 0 && i < Int(rank), "axis \(axis) is out of range for \(self)")
    return i
  }

  public var count: Int { Int(rank) }
  public var dims: [Int] { (0..<Int(rank)).map { Int(storage[$0]) } }

  /// The number of elements; 1 for a scalar.
  public var elements: Int {
    var n = 1
    for axis in 0..<Int(rank) { n *= Int(storage[axis]) }
    return n
  }

  /// The shape without its last `k` axes.
  public func dropLast(_ k: Int = 1) -> Shape {
    precondition(k >= 0 && k <= count, "\(self) has no \(k) axes to drop")
    var shape = self
    for axis in count - k..<count { shape.storage[axis] = 0 }
    shape.rank -= Int32(k)
    return shape
  }

  /// The shape without its first axis.
  public func dropFirst() -> Shape {
    precondition(count >= 1, "\(self) has no axis to drop")
    var shape = self
    for axis in 0..<Shape.maxRank { shape.storage[axis] = axis + 1 < count ? storage[axis + 1] : 0 }
    shape.rank -= 1
    return shape
  }

  public func appending(_ size: Int) -> Shape {
    precondition(count < Shape.maxRank, "\(self) has \(Shape.maxRank) axes already")
    var shape = self
    shape.rank += 1
    shape[-1] = size
    return shape
  }
}

extension Shape: CustomStringConvertible {
  public var description: String { "[" + dims.map(String.init).joined(separator: ", ") + "]" }
}
