/// A product of two thin matrices added to a weight without changing it: W + scale B A (Hu et al. 2021, LoRA).
///
/// A property of the weight's slot, so that every product with it has the addition, in any model and without the
/// model's knowledge.
public struct LowRank: Hashable, Sendable {
  /// [rank, in]
  public let a: Weight
  /// [out, rank]
  public let b: Weight
  public let scale: Float
  public init(a: Weight, b: Weight, scale: Float) {
    self.a = a
    self.b = b
    self.scale = scale
  }
}

extension Tensor {
  /// The product with a weight's low-rank additions, or nil where it has none.
  func lowRankProduct(_ weight: Tensor) -> Tensor? {
    guard weight.id < 0, let additions = graph.weights.lowRank[~weight.id] else { return nil }
    let x = graph.lowRankInput?(self) ?? self
    var sum: Tensor?
    for addition in additions {
      let product = (x.plainMatmul(graph.use(addition.a)) * addition.scale).plainMatmul(graph.use(addition.b))
      sum = sum.map { $0 + product } ?? product
    }
    return sum
  }
}
