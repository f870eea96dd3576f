public import AviaryTensor

/// Keys and values of one sequence or of several in slots: two buffers per layer, `capacity` rows for each sequence, on
/// the model's backend.
public final class KVCache: Sendable {
  public let capacity: Int
  public let sequences: Int
  public let dtype: DType
  let shapes: [KVShape]
  let states: [BufferSlice]

  /// - Throws: `.memory` where the backend has not enough.
  public init(_ loaded: LoadedModel, capacity: Int, sequences: Int = 1, dtype: DType = .f32) throws(AviaryError) {
    self.capacity = capacity
    self.sequences = sequences
    self.dtype = dtype
    shapes = loaded.model.language.cacheShapes
    var states: [BufferSlice] = []
    for shape in shapes {
      for width in [shape.keyWidth, shape.valueWidth] {
        states.append(BufferSlice(try loaded.backend.allocate(sequences * capacity * shape.heads * width * dtype.blockBytes)))
      }
    }
    self.states = states
  }

  public var byteCount: Int { states.reduce(0) { $0 + $1.byteCount } }

  func view(_ graph: Graph) -> CacheStates { CacheStates(graph: graph, shapes: shapes, capacity: capacity, sequences: sequences, dtype: dtype) }
}
