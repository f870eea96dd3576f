public import AviaryCore
public import AviaryTensor

/// Attention of one sequence to another's keys and values (Vaswani et al. 2017), without positions.
public struct CrossAttention: Sendable {
  /// What the layers are called in a checkpoint.
  public struct Names: Sendable, Hashable {
    public var query: String
    public var context: Context
    public var output: String

    public enum Context: Sendable, Hashable {
      /// One matrix: the rows of the keys, then those of the values.
      case joined(String)
      case separate(key: String, value: String)
    }
    public init(query: String, context: Context, output: String) {
      self.query = query
      self.context = context
      self.output = output
    }
    /// As lucidrains' code has it, and OpenFlamingo's after it.
    public static let lucidrains = Names(query: "to_q", context: .joined("to_kv"), output: "to_out")
    /// As Hugging Face has it in most models.
    public static let projections = Names(query: "q_proj", context: .separate(key: "k_proj", value: "v_proj"), output: "o_proj")
  }

  private let query: Linear
  private let key: Linear
  /// nil where `key` makes values, too.
  private let value: Linear?
  private let output: Linear
  private let norms: (query: Norm, key: Norm)?
  private let heads: Int
  private let head: Int
  private let path: ModulePath

  /// - Parameters:
  ///   - width: channels of what asks.
  ///   - context: channels of what is looked at.
  ///   - bias: of all layers.
  ///   - norms: over each head of queries and keys.
  public init(
    _ w: Weights, _ width: Int, context: Int, heads: Int, head: Int, names: Names, bias: Bool = false, norms: (query: Norm, key: Norm)? = nil
  ) throws(AviaryError) {
    path = w.path
    (self.heads, self.head, self.norms) = (heads, head, norms)
    let inner = heads * head
    query = try Linear(w[names.query], width, inner, bias: bias)
    switch names.context {
    case .joined(let name): (key, value) = (try Linear(w[name], context, 2 * inner, bias: bias), nil)
    case .separate(let keyName, let valueName):
      (key, value) = (try Linear(w[keyName], context, inner, bias: bias), try Linear(w[valueName], context, inner, bias: bias))
    }
    output = try Linear(w[names.output], inner, width, bias: bias)
  }

  public var cacheShape: KVShape { KVShape(heads: heads, keyWidth: head, valueWidth: head) }

  /// [..., context] -> [..., heads, head]
  ///
  /// - Parameter place: added to what keys are made of, and not to what values are made of; for matrices of their own.
  public func keysAndValues(_ context: Tensor, place: Tensor? = nil) -> (keys: Tensor, values: Tensor) {
    let outer = Array(context.shape.dims.dropLast())
    func split(_ y: Tensor) -> Tensor { y.reshaped(outer + [heads, head]) }
    return context.graph.within(path) {
      let keys: Tensor
      let values: Tensor
      if let value {
        (keys, values) = (split(key(place.map { context + $0 } ?? context)), split(value(context)))
      } else {
        let both = key(context).reshaped(outer + [2 * heads, head])
        (keys, values) = (both.slice(-2, 0..<heads), both.slice(-2, heads..<2 * heads))
      }
      return (norms?.key(keys) ?? keys, values)
    }
  }

  /// [n, t, width] over keys and values [n, k, heads, head] -> [n, t, width]
  ///
  /// - Parameter mask: added to the scores, [1, 1, t, k].
  public func callAsFunction(_ x: Tensor, _ keys: Tensor, _ values: Tensor, mask: Tensor? = nil) -> Tensor {
    let (n, t) = (x.size(0), x.size(1))
    let mixed = x.graph.within(path) {
      let q = query(x).reshaped(n, t, heads, head)
      return (norms?.query(q) ?? q).attention(keys, values, Attention(scale: 1 / Float(head).squareRoot()), bias: mask)
    }
    return output(mixed.reshaped(n, t, heads * head))
  }
}
