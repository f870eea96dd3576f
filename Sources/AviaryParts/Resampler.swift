public import AviaryCore
import AviaryNN
public import AviaryTensor

/// Sizes of Qwen-VL's adapter.
public struct ResamplerConfig: Sendable, Hashable {
  /// Channels of the features.
  public var input: Int
  /// Channels of the queries and of what comes out.
  public var width: Int
  /// Queries along one side of their grid; there are `side` squared.
  public var side: Int
  /// Patches along one side of a picture.
  public var grid: Int
  public var epsilon = 1e-6

  static let headWidth = 128

  /// - Throws: `.config` where the width has no whole number of heads.
  public init(input: Int, width: Int, side: Int, grid: Int, at place: String) throws(AviaryError) {
    guard width >= Self.headWidth, width % Self.headWidth == 0 else {
      throw AviaryError(.config, "a resampler of \(width) channels", wanted: "a multiple of \(Self.headWidth), a head's width", at: place)
    }
    (self.input, self.width, self.side, self.grid) = (input, width, side, grid)
  }

  public var queries: Int { side * side }
}

/// The adapter of Qwen-VL (Bai et al. 2023, arXiv:2308.12966): learned queries on a grid look once at all patches, each
/// with a position in the same table, then a norm and a square matrix.
public struct Resampler: Adapter {
  let input: Linear?
  let inputNorm: LayerNorm
  let queries: Weight
  let queryNorm: LayerNorm
  let positions: PositionTable
  let attention: CrossAttention
  let outputNorm: LayerNorm
  let output: Weight
  let config: ResamplerConfig
  let path: ModulePath

  /// Takes `attn_pool` (with queries, keys and values as matrices of their own, see `split`), `ln_post` and `proj` below
  /// the scope.
  public init(_ w: Weights, _ config: ResamplerConfig) throws(AviaryError) {
    self.config = config
    path = w.path
    let pool = w["attn_pool"]
    let width = config.width
    input = config.input == width ? nil : try Linear(pool["kv_proj"], config.input, width)
    inputNorm = try LayerNorm(pool["ln_kv"], width, epsilon: config.epsilon)
    queries = try pool.weight("query", [config.queries, width])
    queryNorm = try LayerNorm(pool["ln_q"], width, epsilon: config.epsilon)
    positions = try PositionTable(pool, "pos_embed", width: width, side: config.side, grid: config.grid)
    attention = try CrossAttention(
      pool["attn"], width, context: width, heads: width / ResamplerConfig.headWidth, head: ResamplerConfig.headWidth,
      names: CrossAttention.Names(query: "q_proj", context: .separate(key: "k_proj", value: "v_proj"), output: "out_proj"), bias: true)
    // Queries begin by looking at their own place: keys and queries have the same matrix, and places are larger than what lies at them.
    pool.begins("pos_embed", as: .places(times: 4))
    pool["attn"].begins("k_proj.weight", as: .like(pool["attn"].fullName("q_proj.weight")))
    outputNorm = try LayerNorm(w["ln_post"], width, epsilon: config.epsilon)
    output = try w.weight("proj", [width, width])
  }

  /// PyTorch keeps the three matrices of its attention in one.
  public static let split = ["weight", "bias"].map { kind in
    SplitSource.Rule("attn_pool.attn.in_proj_\(kind)", ["q_proj", "k_proj", "v_proj"].map { "attn_pool.attn.\($0).\(kind)" })
  }

  /// [n, grid², input] -> [n, queries, width]
  public func callAsFunction(_ features: Tensor, _ layout: MediaLayout) -> Tensor {
    let graph = features.graph
    let n = features.size(0)
    let x = inputNorm(input.map { $0(features) } ?? features)
    let asked = graph.within(path) {
      let q = queryNorm(graph.use(queries)) + positions(graph, grid: config.side)
      return q.expanded(to: [n, config.queries, config.width])
    }
    let (keys, values) = attention.keysAndValues(x, place: graph.within(path) { positions(graph, grid: config.grid) })
    let seen = outputNorm(attention(asked, keys, values))
    return graph.within(path) { seen.matmul(graph.use(output), transposed: false) }
  }
}
