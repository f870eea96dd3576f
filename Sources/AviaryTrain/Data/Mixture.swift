import AviaryCore

/// In which order a stage sees the lines of its data sets: each set shuffled anew at every pass by the seed, the sets
/// interleaved by their weights. A function of the position alone, so that a run goes on anywhere.
public struct Mixture: Sendable {
  public struct Part: Sendable, Hashable {
    public var lines: Int
    public var weight: Double
    public init(lines: Int, weight: Double) {
      self.lines = lines
      self.weight = weight
    }
  }
  private let parts: [Part]
  private let seed: UInt64
  private var taken: [Int]
  private var drawn = 0
  /// The shuffled lines of each part's present pass.
  private var orders: [[Int32]]
  private var passes: [Int]

  /// - Precondition: every part has lines and a weight above 0.
  public init(_ parts: [Part], seed: UInt64) {
    precondition(!parts.isEmpty && parts.allSatisfy { $0.lines > 0 && $0.weight > 0 })
    self.parts = parts
    self.seed = seed
    taken = parts.map { _ in 0 }
    orders = parts.map { _ in [] }
    passes = parts.map { _ in -1 }
  }

  /// Lines of one pass over everything, by the weights: every line of the set that ends last has been seen.
  public var passLength: Int {
    let total = parts.reduce(0) { $0 + $1.weight }
    return parts.map { Int((Double($0.lines) * total / $0.weight).rounded(.up)) }.max() ?? 0
  }

  public mutating func skip(_ count: Int) { for _ in 0..<count { _ = place() } }

  /// The next line, and how many times all lines of its part have been seen.
  public mutating func next() -> (part: Int, line: Int, pass: Int) {
    let (part, count) = place()
    let (pass, index) = count.quotientAndRemainder(dividingBy: parts[part].lines)
    if passes[part] != pass {
      var random = SplitMix64(seed: seed &+ UInt64(part) &* 0x9E37_79B9_7F4A_7C15 &+ UInt64(pass) &* 0xBF58_476D_1CE4_E5B9)
      orders[part] = (0..<Int32(parts[part].lines)).shuffled(using: &random)
      passes[part] = pass
    }
    return (part, Int(orders[part][index]), pass)
  }

  /// The part that is furthest behind its share, and how many of its lines came before.
  private mutating func place() -> (part: Int, count: Int) {
    drawn += 1
    let total = parts.reduce(0) { $0 + $1.weight }
    var best = 0
    var debt = -Double.infinity
    for (index, part) in parts.enumerated() {
      let own = Double(drawn) * part.weight / total - Double(taken[index])
      if own > debt { (best, debt) = (index, own) }
    }
    defer { taken[best] += 1 }
    return (best, taken[best])
  }
}
