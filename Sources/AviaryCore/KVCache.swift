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
        states.append(BufferSlice(try loaded.backend.allocate(dtype.bytesKept(rows: sequences * capacity, heads: shape.heads, width: width, on: loaded.backend))))
      }
    }
    self.states = states
  }

  public var byteCount: Int { states.reduce(0) { $0 + $1.byteCount } }

  func view(_ graph: Graph) -> CacheStates { CacheStates(graph: graph, shapes: shapes, capacity: capacity, sequences: sequences, dtype: dtype) }
}

extension DType {
  /// Bytes of that many rows of keys or of values, `width` numbers to a head.
  ///
  /// - Throws: `.config` where the backend does not keep them so, or heads are no whole blocks.
  func bytesKept(rows: Int, heads: Int, width: Int, on backend: any Backend) throws(AviaryError) -> Int {
    guard holdsRows(of: width) else {
      throw AviaryError(.config, "keys and values of \(width) numbers", wanted: "a multiple of \(blockElements), which \(self) has in a block", at: "kv")
    }
    if case .unsupported(let why) = backend.supports(.scatterRows, [self, .f32, .i32, self]) {
      throw AviaryError(.config, "keys and values in \(self): \(why)", wanted: "f32, f16 or bf16 on this backend", at: "kv")
    }
    return byteOffset(of: rows * heads * width)
  }
}
