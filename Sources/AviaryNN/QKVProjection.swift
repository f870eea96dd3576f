public import AviaryCore
public import AviaryTensor

/// Queries, keys and values from one input, however a checkpoint stores their matrices.
public struct QKVProjection: Sendable {
  public enum Layout: Sendable, Hashable {
    /// `q_proj`, `k_proj`, `v_proj`.
    case separate
    /// One matrix of that name: the rows of all queries, then all keys', then all values'.
    case joined(String)
    /// One matrix of that name: each head's query, key and value rows in turn (GPT-NeoX). As many keys as queries.
    case interleaved(String)
  }
  private enum Matrices: Sendable {
    case separate(Linear, Linear, Linear)
    case joined(Linear)
    case interleaved(Linear)
  }
  private let matrices: Matrices
  private let heads: Int
  private let kvHeads: Int
  private let head: Int

  /// - Parameter keyBias: keys may go without a bias, in matrices of their own, since softmax does not see it; nil is `bias`.
  public init(
    _ w: Weights, _ width: Int, heads: Int, kvHeads: Int, head: Int, bias: Bool, keyBias: Bool? = nil, layout: Layout = .separate
  ) throws(AviaryError) {
    (self.heads, self.kvHeads, self.head) = (heads, kvHeads, head)
    let all = (heads + 2 * kvHeads) * head
    switch layout {
    case .separate:
      matrices = .separate(
        try Linear(w["q_proj"], width, heads * head, bias: bias), try Linear(w["k_proj"], width, kvHeads * head, bias: keyBias ?? bias),
        try Linear(w["v_proj"], width, kvHeads * head, bias: bias))
    case .joined(let name): matrices = .joined(try Linear(w[name], width, all, bias: bias))
    case .interleaved(let name):
      precondition(heads == kvHeads, "interleaved rows for grouped queries")
      matrices = .interleaved(try Linear(w[name], width, all, bias: bias))
    }
  }

  /// [..., width] -> [..., heads, head] of each; keys and values have their own number of heads.
  public func callAsFunction(_ x: Tensor) -> (query: Tensor, key: Tensor, value: Tensor) {
    let outer = Array(x.shape.dims.dropLast())
    func split(_ y: Tensor, _ heads: Int) -> Tensor { y.reshaped(outer + [heads, head]) }
    switch matrices {
    case .separate(let query, let key, let value): return (split(query(x), heads), split(key(x), kvHeads), split(value(x), kvHeads))
    case .joined(let linear):
      let y = split(linear(x), heads + 2 * kvHeads)
      return (
        y.slice(-2, 0..<heads), y.slice(-2, heads..<heads + kvHeads), y.slice(-2, heads + kvHeads..<heads + 2 * kvHeads)
      )
    case .interleaved(let linear):
      let y = linear(x).reshaped(outer + [heads, 3 * head])
      return (y.slice(-1, 0..<head), y.slice(-1, head..<2 * head), y.slice(-1, 2 * head..<3 * head))
    }
  }
}
