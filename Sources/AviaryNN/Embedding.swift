public import AviaryCore
public import AviaryTensor

/// A table of rows looked up by id.
public struct Embedding: Sendable {
  public let weight: Weight
  let path: ModulePath

  public init(_ w: Weights, _ count: Int, _ width: Int) throws(AviaryError) {
    path = w.path
    weight = try w.weight("weight", [count, width])
  }

  /// [...] i32 -> [..., width]
  public func callAsFunction(_ ids: Tensor) -> Tensor {
    ids.graph.within(path) { ids.graph.use(weight).gatherRows(ids) }
  }

  /// The table as an output projection (tied heads): [..., width] -> [..., count]
  public func project(_ hidden: Tensor) -> Tensor {
    hidden.graph.within(path) { hidden.matmul(hidden.graph.use(weight)) }
  }
}
