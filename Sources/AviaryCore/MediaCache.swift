public import AviaryTensor

/// What a cross-attending model keeps of each picture.
public struct MediaShape: Hashable, Sendable {
  /// Keys and values per row of a picture, by block.
  public var blocks: [KVShape]
  /// Rows of one picture.
  public var tokens: Int
  /// Channels of a row before any block.
  public var width: Int
  public init(blocks: [KVShape], tokens: Int, width: Int) {
    self.blocks = blocks
    self.tokens = tokens
    self.width = width
  }
}

/// Keys and values of the pictures of one sequence: two buffers per block, beside those of the text.
struct MediaCache {
  let shape: MediaShape
  let dtype: DType
  /// The picture in each place, by key; nil where there is none yet.
  private(set) var keys: [String?] = []
  private(set) var states: [BufferSlice] = []

  init(_ shape: MediaShape, _ dtype: DType) {
    self.shape = shape
    self.dtype = dtype
  }

  /// Pictures that there is room for.
  var capacity: Int { keys.count }
  var byteCount: Int { states.reduce(0) { $0 + $1.byteCount } }

  /// Makes room; what was there is forgotten, since a picture's rows are at hand and its keys and values cost little.
  ///
  /// - Returns: whether the buffers are other ones now.
  /// - Throws: `.memory` where the backend has not enough.
  mutating func reserve(_ pictures: Int, on backend: any Backend) throws(AviaryError) -> Bool {
    guard pictures > capacity else { return false }
    var buffers: [BufferSlice] = []
    for block in shape.blocks {
      for width in [block.keyWidth, block.valueWidth] {
        buffers.append(BufferSlice(try backend.allocate(dtype.bytesKept(rows: pictures * shape.tokens, heads: block.heads, width: width, on: backend))))
      }
    }
    states = buffers
    keys = Array(repeating: nil, count: pictures)
    return true
  }

  /// Notes which pictures are in the first places; nil for one that is about to be written.
  mutating func hold(_ held: [String?]) { keys.replaceSubrange(0..<held.count, with: held) }

  /// The places of those pictures that are not there yet.
  func missing(_ wanted: [String]) -> [Int] { wanted.indices.filter { keys[$0] != wanted[$0] } }

  /// The rows of a picture's place.
  func rows(of picture: Int) -> Range<Int> { picture * shape.tokens..<(picture + 1) * shape.tokens }
}

/// One pass's view of the pictures: who may look at which, and which are new.
public struct MediaStep {
  /// Who may look where.
  enum Sight {
    /// [t] i32: the picture of each token, -1 for none.
    case each(Tensor)
    /// All tokens look at one picture.
    case one(Int)
  }
  /// Where the pictures' keys and values are.
  private enum Source {
    /// In states from that slot on, `new` rows of pictures [m, width] yet to be written at their places [m] i32.
    case states(first: Int, DType, new: (rows: Tensor, places: Tensor)?)
    /// Nowhere: they are made of these rows [pictures * tokens, width].
    case rows(Tensor)
  }
  private let graph: Graph
  private let shape: MediaShape
  private let pictures: Int
  private let source: Source
  private let only: Int?
  /// [1, 1, t, rows]: 0 where a token may look, -infinity elsewhere.
  private let mask: Tensor?

  init(_ graph: Graph, _ cache: MediaCache, firstState: Int, _ sight: Sight, new: (rows: Tensor, places: Tensor)? = nil) {
    self.graph = graph
    source = .states(first: firstState, cache.dtype, new: new)
    (shape, pictures) = (cache.shape, cache.capacity)
    switch sight {
    case .one(let picture): (only, mask) = (picture, nil)
    case .each(let seen): (only, mask) = (nil, Self.mask(seen, cache.capacity, cache.shape.tokens))
    }
  }

  /// Pictures whose keys and values are kept nowhere, as training has it: rows of all of them [pictures * tokens, width],
  /// and the picture that each token sees [t] i32, -1 for none.
  public init(_ shape: MediaShape, rows: Tensor, pictures: Int, seen: Tensor) {
    graph = rows.graph
    (self.shape, self.pictures, source, only) = (shape, pictures, .rows(rows), nil)
    mask = Self.mask(seen, pictures, shape.tokens)
  }

  private static func mask(_ seen: Tensor, _ pictures: Int, _ tokens: Int) -> Tensor {
    let (graph, t) = (seen.graph, seen.size(0))
    let all = [t, pictures] as Shape
    let mine = seen.cast(.f32).reshaped(t, 1).binary(.equal, graph.iota(pictures).cast(.f32).reshaped(1, -1))
    let bias = mine.select(graph.scalar(0).expanded(to: all), graph.scalar(-.infinity).expanded(to: all))
    return bias.reshaped(1, 1, t, pictures, 1).expanded(to: [1, 1, t, pictures, tokens]).reshaped(1, 1, t, -1)
  }

  /// What the tokens of this pass see through one block. New pictures are written to the cache first.
  func seen(block: Int, _ keysAndValues: (Tensor) -> (keys: Tensor, values: Tensor)) -> SeenMedia {
    var (keys, values): (Tensor, Tensor)
    switch source {
    case .rows(let rows): (keys, values) = keysAndValues(rows)
    case .states(let first, let dtype, let new):
      let kept = shape.blocks[block]
      let rows = pictures * shape.tokens
      keys = graph.state(first + 2 * block, [rows, kept.heads, kept.keyWidth], dtype)
      values = graph.state(first + 2 * block + 1, [rows, kept.heads, kept.valueWidth], dtype)
      if let new {
        let made = keysAndValues(new.rows)
        keys = keys.scatterRows(made.keys, at: new.places)
        values = values.scatterRows(made.values, at: new.places)
      }
    }
    if let only {
      let place = only * shape.tokens..<(only + 1) * shape.tokens
      (keys, values) = (keys.slice(0, place), values.slice(0, place))
    }
    return SeenMedia(keys: keys.reshaped([1] + keys.shape.dims), values: values.reshaped([1] + values.shape.dims), mask: mask)
  }
}

/// Keys and values of pictures for one block [1, rows, heads, width], and who may look at which row.
public struct SeenMedia {
  public let keys: Tensor
  public let values: Tensor
  /// [1, 1, t, rows], added to the scores; nil where every token sees every row.
  public let mask: Tensor?
}
