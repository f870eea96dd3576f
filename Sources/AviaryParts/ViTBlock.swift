import AviaryCore
import AviaryNN
import AviaryTensor

/// One block of a vision transformer with norms in front (Dosovitskiy et al. 2021): two residual lines. CLIP, SigLIP
/// and SAM's ViTDet are stacks of these.
struct ViTBlock: Sendable {
  let norm1: LayerNorm
  let attention: SelfAttention
  let norm2: LayerNorm
  let mlp: MLP
  let windows: Windows?

  /// Takes `layer_norm1`, `self_attn`, `layer_norm2` and `mlp` (`fc1`, `fc2`) below the scope.
  ///
  /// - Parameters:
  ///   - keyBias: whether keys have a bias, as queries and values have.
  ///   - layout: of queries, keys and values.
  ///   - positions: relative positions among the cells that see each other: of a window where there are windows.
  ///   - windows: attention stays inside of these.
  init(
    _ w: Weights, _ width: Int, _ hidden: Int, heads: Int, epsilon: Double, activation: UnaryKind, keyBias: Bool = true,
    layout: QKVProjection.Layout = .separate, positions: SquareMap? = nil, windows: Windows? = nil
  ) throws(AviaryError) {
    norm1 = try LayerNorm(w["layer_norm1"], width, epsilon: epsilon)
    let scope = w["self_attn"]
    let relative = try positions.map { map throws(AviaryError) in try RelativePositions(scope, map, head: width / heads) }
    attention = try SelfAttention(scope, width, heads: heads, keyBias: keyBias, layout: layout, relative: relative)
    norm2 = try LayerNorm(w["layer_norm2"], width, epsilon: epsilon)
    mlp = try MLP(w["mlp"], width, hidden, activation)
    self.windows = windows
  }

  /// [n, t, width] -> [n, t, width]
  func callAsFunction(_ x: Tensor) -> Tensor {
    let normed = norm1(x)
    let h = x + (windows.map { $0(normed, attention) } ?? attention(normed))
    return h + mlp(norm2(h))
  }
}

/// A square map cut into square windows (Li et al. 2022, ViTDet). Where the side is no multiple of the window, zeros
/// stand at the right and the bottom; they are attended to like all other cells, as in the original.
struct Windows: Sendable {
  /// Cells along the map's side and along a window's.
  let map: Int
  let window: Int

  /// Runs `inner` on [n windows, window², width] and puts the windows back: [n, map², width].
  func callAsFunction(_ x: Tensor, _ inner: SelfAttention) -> Tensor {
    let (n, width) = (x.size(0), x.size(2))
    let count = (map + window - 1) / window
    let spare = count * window - map
    let cut = x.reshaped(n, map, map, width).padded(1, after: spare).padded(2, after: spare)
      .reshaped(n, count, window, count, window, width)
      .permuted(0, 1, 3, 2, 4, 5)  // [n, count, count, window, window, width]
      .reshaped(n * count * count, window * window, width)
    return inner(cut)
      .reshaped(n, count, count, window, window, width)
      .permuted(0, 1, 3, 2, 4, 5)
      .reshaped(n, count * window, count * window, width)
      .slice(1, 0..<map).slice(2, 0..<map)
      .reshaped(n, map * map, width)
  }
}

/// Names of a block's tensors.
enum ViTNames {
  /// Rules from the names of timm and of Segment Anything, in its repository and in Hugging Face's package, to those
  /// that `ViTBlock` takes.
  static func blocks(_ count: Int, from: String, to: String) -> [NameMap.Rule] {
    (0..<count).flatMap { index -> [NameMap.Rule] in
      let (stored, own) = ("\(from)\(index).", "\(to)\(index).")
      return [
        .prefix(stored + "norm1.", own + "layer_norm1."), .prefix(stored + "norm2.", own + "layer_norm2."),
        .prefix(stored + "attn.proj.", own + "self_attn.out_proj."), .prefix(stored + "attn.", own + "self_attn."),
        .prefix(stored + "mlp.lin1.", own + "mlp.fc1."), .prefix(stored + "mlp.lin2.", own + "mlp.fc2."),
        .prefix(stored, own),
      ]
    }
  }
}
