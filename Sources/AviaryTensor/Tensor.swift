/// A handle on a value that a graph will compute; nothing has run yet. `id` below 0 names a weight.
public struct Tensor {
  public let graph: Graph
  public let id: Int32
  public let shape: Shape
  public let dtype: DType

  public init(graph: Graph, id: Int32, shape: Shape, dtype: DType) {
    self.graph = graph
    self.id = id
    self.shape = shape
    self.dtype = dtype
  }

  public var rank: Int { shape.count }
  public func size(_ axis: Int) -> Int { shape[axis] }

  /// The value itself where a node computes it contiguously, else a `contiguous` copy of it.
  func materialised() -> Tensor {
    guard id >= 0 else { return graph.record(.contiguous, self) }
    switch graph.nodes[Int(id)].op {
    case .reshape, .permute, .slice, .expand, .input, .state, .scatterRows, .scatterAddRows, .scalar, .iota: return graph.record(.contiguous, self)
    default: return self
    }
  }

  /// Shows the value under that name to whoever asked for taps; returns itself.
  @discardableResult
  public func tapped(_ name: @autoclosure () -> String) -> Tensor {
    if graph.recordsTaps { graph.tap(self, name()) }
    return self
  }
}

// MARK: Views

extension Tensor {
  /// The same elements in another shape; one size may be -1.
  public func reshaped(_ dims: Int...) -> Tensor { reshaped(dims) }

  public func reshaped(_ dims: [Int]) -> Tensor {
    var sizes = dims
    if let free = sizes.firstIndex(of: -1) {
      let rest = sizes.reduce(1) { $1 == -1 ? $0 : $0 * $1 }
      if rest == 0 || shape.elements % rest != 0 { graph.trap(.reshape, "\(shape) does not fit \(dims)") }
      sizes[free] = shape.elements / rest
    }
    let target = Shape(sizes)
    if target == shape { return self }
    if target.elements != shape.elements { graph.trap(.reshape, "\(shape) does not fit \(target)") }
    return graph.record(.reshape, [self], shape: target, dtype: dtype)
  }

  public func permuted(_ axes: Int...) -> Tensor { permuted(axes) }
  public func permuted(_ axes: [Int]) -> Tensor { graph.record(.permute(Axes(axes)), self) }

  public func transposed(_ a: Int = -2, _ b: Int = -1) -> Tensor {
    var axes = Array(0..<rank)
    axes.swapAt(a < 0 ? a + rank : a, b < 0 ? b + rank : b)
    return graph.record(.permute(Axes(axes)), self)
  }

  /// Indices `range` of an axis.
  public func slice(_ axis: Int, _ range: Range<Int>, step: Int = 1) -> Tensor {
    let axis = axis < 0 ? axis + rank : axis
    if axis >= 0, axis < rank, range.lowerBound == 0, range.upperBound == shape[axis], step == 1 { return self }
    if axis < 0 || axis >= rank || range.lowerBound < 0 || range.upperBound > shape[axis] || step < 1 {
      graph.trap(.slice(axis: Int32(axis), start: Int32(range.lowerBound), step: Int32(step)), "\(range) of axis \(axis) of \(shape)")
    }
    var target = shape
    target[axis] = (range.count + step - 1) / step
    return graph.record(
      .slice(axis: Int32(axis), start: Int32(range.lowerBound), step: Int32(step)), [self], shape: target, dtype: dtype)
  }

  /// Axes of size 1 repeated; leading axes are added where the target has more.
  public func expanded(to target: Shape) -> Tensor {
    if target == shape { return self }
    if target.count < rank { graph.trap(.expand, "\(shape) does not expand to \(target)") }
    var source = self
    if target.count > rank {
      source = reshaped(Array(repeating: 1, count: target.count - rank) + shape.dims)
    }
    for axis in 0..<target.count where source.shape[axis] != target[axis] && source.shape[axis] != 1 {
      graph.trap(.expand, "\(shape) does not expand to \(target)")
    }
    return graph.record(.expand, [source], shape: target, dtype: dtype)
  }
}

// MARK: Moves

extension Tensor {
  public func cast(_ to: DType) -> Tensor {
    if to != dtype, to.isQuantised { graph.trap(.cast, "no step makes \(to)") }
    return to == dtype ? self : graph.record(.cast, [self], shape: shape, dtype: to)
  }
  public func contiguous() -> Tensor { graph.record(.contiguous, self) }

  public static func concat(_ parts: [Tensor], axis: Int) -> Tensor {
    if parts.count == 1 { return parts[0] }
    return parts[0].graph.record(.concat(axis: Int32(axis < 0 ? axis + parts[0].rank : axis)), parts)
  }

  public func padded(_ axis: Int, before: Int = 0, after: Int = 0, value: Float = 0) -> Tensor {
    if before == 0 && after == 0 { return self }
    return graph.record(.pad(axis: Int32(axis < 0 ? axis + rank : axis), before: Int32(before), after: Int32(after), value: value), self)
  }

  /// Rows of this table at `ids` (i32).
  public func gatherRows(_ ids: Tensor) -> Tensor { graph.record(.gatherRows, self, ids) }

  /// This with `rows` written at `ids`; in place where this is a state.
  public func scatterRows(_ rows: Tensor, at ids: Tensor) -> Tensor { graph.record(.scatterRows, self, dtype.isQuantised ? rows.asF32() : rows, ids) }

  /// This with `rows` added at `ids`, of which several may be equal; in place where this is a state.
  public func scatterAddRows(_ rows: Tensor, at ids: Tensor) -> Tensor { graph.record(.scatterAddRows, self, rows.asF32(), ids) }
}

// MARK: Arithmetic

extension Tensor {
  public func unary(_ kind: UnaryKind) -> Tensor { graph.record(.unary(kind), self.asF32()) }

  public func binary(_ kind: BinaryKind, _ other: Tensor) -> Tensor {
    let (a, b) = Tensor.broadcast(self.asF32(), other.asF32(), .binary(kind))
    return graph.record(.binary(kind), a, b)
  }

  public static func + (a: Tensor, b: Tensor) -> Tensor { a.binary(.add, b) }
  public static func - (a: Tensor, b: Tensor) -> Tensor { a.binary(.subtract, b) }
  public static func * (a: Tensor, b: Tensor) -> Tensor { a.binary(.multiply, b) }
  public static func / (a: Tensor, b: Tensor) -> Tensor { a.binary(.divide, b) }
  public static func * (a: Tensor, b: Float) -> Tensor { a * a.graph.scalar(b) }
  public static func + (a: Tensor, b: Float) -> Tensor { a + a.graph.scalar(b) }

  /// `a` where this (bool) holds, else `b`.
  public func select(_ a: Tensor, _ b: Tensor) -> Tensor {
    let (x, y) = a.dtype == b.dtype ? Tensor.broadcast(a, b, .select) : Tensor.broadcast(a.asF32(), b.asF32(), .select)
    return graph.record(.select, expanded(to: x.shape), x, y)
  }

  public func clamped(_ low: Float, _ high: Float) -> Tensor { graph.record(.clamp(low: low, high: high), asF32()) }
  public func reduce(_ kind: ReduceKind, axis: Int = -1) -> Tensor {
    graph.record(.reduce(kind, axis: Int32(axis < 0 ? axis + rank : axis)), asF32())
  }
  public func cumsum(axis: Int = -1) -> Tensor { graph.record(.cumsum(axis: Int32(axis < 0 ? axis + rank : axis)), asF32()) }
  public func softmax() -> Tensor { graph.record(.softmax, asF32()) }
  public func topK(_ k: Int, indices: Bool) -> Tensor {
    if rank == 0 || k < 0 || k > shape[-1] { graph.trap(.topK(indices: indices), "k \(k) of \(shape)") }
    var target = shape
    target[-1] = k
    let source = asF32()
    return graph.record(.topK(indices: indices), [source], shape: target, dtype: indices ? .i32 : source.dtype)
  }

  /// Sixteen-bit floats and quantised weights join arithmetic as f32: only weights of products, tables, keys and values
  /// stay as stored.
  func asF32() -> Tensor { dtype == .f16 || dtype == .bf16 || dtype.isQuantised ? cast(.f32) : self }

  static func broadcast(_ a: Tensor, _ b: Tensor, _ op: Op) -> (Tensor, Tensor) {
    if a.shape == b.shape { return (a, b) }
    let rank = max(a.rank, b.rank)
    var dims = [Int](repeating: 1, count: rank)
    for i in 1...max(rank, 1) where rank > 0 {
      let x = i <= a.rank ? a.shape[-i] : 1
      let y = i <= b.rank ? b.shape[-i] : 1
      if x != y && x != 1 && y != 1 { a.graph.trap(op, "\(a.shape) against \(b.shape)") }
      dims[rank - i] = x == 1 ? y : x
    }
    let target = Shape(dims)
    return (a.expanded(to: target), b.expanded(to: target))
  }
}

// MARK: Products, norms, transformer

extension Tensor {
  /// This [..., m, k] times `other`: [..., n, k] where `transposed` (a weight always is), else [..., k, n].
  public func matmul(_ other: Tensor, transposed: Bool = true) -> Tensor {
    let product = graph.record(.matmul(transposed: transposed), asF32(), other)
    guard transposed, let addition = lowRankProduct(other) else { return product }
    return product + addition
  }
  /// Without a weight's low-rank additions.
  func plainMatmul(_ other: Tensor) -> Tensor { graph.record(.matmul(transposed: true), asF32(), other) }
  public func conv2d(_ weight: Tensor, _ spec: Conv2D) -> Tensor { graph.record(.conv2d(spec), asF32(), weight) }
  public func pool2d(_ spec: Pool2D) -> Tensor { graph.record(.pool2d(spec), asF32()) }
  public func resize2d(_ spec: Resize2D, height: Int, width: Int) -> Tensor {
    if rank != 4 || shape[-1] == 0 || shape[-2] == 0 { graph.trap(.resize2d(spec), "wants pixels [n, c, h, w], got \(shape)") }
    var target = shape
    target[-2] = height
    target[-1] = width
    let source = asF32()
    if source.dtype != .f32 { graph.trap(.resize2d(spec), "wants f32, got \(dtype)") }
    return graph.record(.resize2d(spec), [source], shape: target, dtype: .f32)
  }
  public func layerNorm(_ weight: Tensor, _ bias: Tensor, epsilon: Float) -> Tensor {
    graph.record(.layerNorm(epsilon: epsilon), asF32(), weight.asF32(), bias.asF32())
  }
  public func rmsNorm(_ weight: Tensor, epsilon: Float) -> Tensor { graph.record(.rmsNorm(epsilon: epsilon), asF32(), weight.asF32()) }
  public func groupNorm(_ weight: Tensor, _ bias: Tensor, groups: Int, epsilon: Float) -> Tensor {
    graph.record(.groupNorm(groups: Int32(groups), epsilon: epsilon), asF32(), weight.asF32(), bias.asF32())
  }
  public func rope(_ spec: RoPE, positions: Tensor, inverseFrequencies: Tensor) -> Tensor {
    graph.record(.rope(spec), asF32(), positions, inverseFrequencies.asF32())
  }

  /// Scaled dot-product attention of this [b, tq, hq, d] over keys and values; see `Op.attention`.
  public func attention(_ keys: Tensor, _ values: Tensor, _ spec: Attention, positions: Tensor? = nil, bias: Tensor? = nil) -> Tensor {
    var spec = spec
    var operands = [asF32(), keys, values]
    if let positions {
      spec.hasPositions = true
      operands.append(positions)
    }
    if let bias {
      spec.hasBias = true
      operands.append(bias.asF32())
    }
    return graph.record(.attention(spec), operands)
  }
}
