public import AviaryCore
public import AviaryTensor

/// A table of rows looked up by id.
public struct Embedding: Sendable {
  public let weight: Weight
  /// Rows behind those of the table, where a family keeps its added tokens apart.
  let additional: Weight?
  let path: ModulePath

  /// - Parameter additional: rows of a second table, `additional_embedding`, whose ids follow.
  public init(_ w: Weights, _ count: Int, _ width: Int, additional: Int = 0) throws(AviaryError) {
    path = w.path
    weight = try w.weight("weight", [count, width])
    self.additional = additional > 0 ? try w["additional_embedding"].weight("weight", [additional, width]) : nil
  }

  /// [t] i32 -> [t, width]; without a second table any shape of ids.
  public func callAsFunction(_ ids: Tensor) -> Tensor {
    let graph = ids.graph
    return graph.within(path) {
      guard let additional else { return graph.use(weight).gatherRows(ids) }
      // Both tables are read at a row that they have; ids are small enough to be exact as floats.
      let (id, count) = (ids.cast(.f32), Float(weight.shape[0]))
      let usual = graph.use(weight).gatherRows(id.clamped(0, count - 1).cast(.i32))
      let added = graph.use(additional).gatherRows((id + -count).clamped(0, Float(additional.shape[0] - 1)).cast(.i32))
      return id.binary(.less, graph.scalar(count)).reshaped(-1, 1).select(usual, added)
    }
  }

  /// The table as an output projection (tied heads): [..., width] -> [..., count]
  public func project(_ hidden: Tensor) -> Tensor {
    let graph = hidden.graph
    return graph.within(path) {
      let usual = hidden.matmul(graph.use(weight))
      return additional.map { Tensor.concat([usual, hidden.matmul(graph.use($0))], axis: -1) } ?? usual
    }
  }
}
