/// The primitive operations (design, section 5) and, at the end, the fused forms that only Lowering makes.
///
/// A plain value without references, so that a node is a plain struct. Sizes that follow from the operands and the
/// node's own shape are not repeated in the payload.
public enum Op: Hashable, Sendable {
  // Leaves
  /// Data given anew at each run, by slot.
  case input(Int32)
  /// A buffer that outlives a run (KV cache, features of a picture), by slot. Written by `scatterRows` only.
  case state(Int32)
  /// A constant of shape [].
  case scalar(Float)
  /// start, start + 1, ... as i32.
  case iota(start: Int32)

  // Views: no kernel ever runs for them
  case reshape
  case permute(Axes)
  /// Every `step`-th index of one axis from `start`; the node's shape has the length.
  case slice(axis: Int32, start: Int32, step: Int32)
  /// Axes of size 1 repeated to the node's shape.
  case expand

  // Moves
  /// To the node's dtype. Floats to integers truncate towards zero; to f16 and bf16 rounds to nearest even.
  case cast
  case contiguous
  case concat(axis: Int32)
  case pad(axis: Int32, before: Int32, after: Int32, value: Float)
  /// (table [n, ...], ids i32 [...]) -> ids.shape + table.shape[1...]; f16 and bf16 tables give f32.
  case gatherRows
  /// (target [n, ...], rows [m, ...], ids i32 [m]) -> target with rows written at ids, cast to its dtype. In place
  /// where the target is a state or a window on one (slice, permute, reshape). An id outside the target is an error
  /// of the run, in `gatherRows` as well.
  case scatterRows
  /// (target f32 [n, ...], rows f32 [m, ...], ids i32 [m]) -> target with rows added at ids, in their order, so that an
  /// id may come several times: the gradient of `gatherRows`. In place and checked as `scatterRows` is.
  case scatterAddRows

  // Elementwise; operands have equal shapes (recording inserts `expand`)
  case unary(UnaryKind)
  case binary(BinaryKind)
  /// (condition bool, a, b)
  case select
  case clamp(low: Float, high: Float)

  // Reductions over one axis, which stays with size 1. argmax gives i32, the first of equals; NaN is the largest.
  case reduce(ReduceKind, axis: Int32)
  case cumsum(axis: Int32)

  // Linear
  /// (a [..., m, k], b [..., n, k]) where `transposed`, else b [..., k, n] -> [..., m, n]. A weight b is [n, k],
  /// of any stored type, shared by all batches.
  case matmul(transposed: Bool)

  // Spatial: NCHW
  case conv2d(Conv2D)
  case pool2d(Pool2D)
  /// To the node's last two sizes.
  case resize2d(Resize2D)

  // Norms over the last axis (groupNorm: over channels in groups of NC...)
  /// (x, weight, bias), all f32
  case layerNorm(epsilon: Float)
  /// (x, weight)
  case rmsNorm(epsilon: Float)
  /// (x, weight, bias)
  case groupNorm(groups: Int32, epsilon: Float)
  case softmax

  // Transformer
  /// (x [..., t, h, d], positions i32 [..., t], inverse frequencies f32 [rotary / 2])
  case rope(RoPE)
  /// (q [b, tq, hq, d], k [b, tk, hk, d], v [b, tk, hk, dv], positions i32 [b, tq]?, bias f32 [b|1, hq|1, tq, tk]?)
  /// -> [b, tq, hq, dv]
  case attention(Attention)

  // Rows
  /// Values of the k largest of the last axis, descending; with `indices` their i32 positions.
  case topK(indices: Bool)

  // Fused forms: made by Lowering where the backend claims them; each has a decomposition
  /// (x, weight [n, k], bias [n]?, residual?) -> activation(x weightᵀ + bias) + residual
  case linear(FusedLinear)
  /// (gate, up) -> silu(gate) * up
  case swiglu
}

public enum UnaryKind: UInt8, Hashable, Sendable, CaseIterable {
  case negate, abs, square, sqrt, rsqrt, reciprocal, exp, log, sin, cos, tanh, sigmoid, relu, silu, erf
  /// x Φ(x), exact.
  case gelu
  /// The tanh approximation of GELU.
  case geluTanh
  /// x sigmoid(1.702 x), as in CLIP.
  case quickGelu
  case floor, ceil
  /// Halves to even.
  case round
}

public enum BinaryKind: UInt8, Hashable, Sendable, CaseIterable {
  case add, subtract, multiply, divide, maximum, minimum, power
  /// These give bool.
  case equal, less, lessOrEqual
}

public enum ReduceKind: UInt8, Hashable, Sendable, CaseIterable { case sum, mean, max, argmax }

/// An order of axes, `axes[i]` being the source of axis i.
public struct Axes: Hashable, Sendable, ExpressibleByArrayLiteral {
  var storage: PerAxis<Int8>
  public let count: Int8
  public init(_ axes: some Collection<Int>) {
    precondition(axes.count <= Shape.maxRank)
    storage = PerAxis(repeating: 0)
    count = Int8(axes.count)
    for (i, a) in axes.enumerated() { storage[i] = Int8(a) }
  }
  public init(arrayLiteral elements: Int...) { self.init(elements) }
  public subscript(i: Int) -> Int { Int(storage[i]) }

  /// Whether every axis of a tensor of that rank occurs once.
  func isPermutation(of rank: Int) -> Bool {
    var seen = 0
    for i in 0..<Int(count) where storage[i] >= 0 && storage[i] < 8 { seen |= 1 << Int(storage[i]) }
    return Int(count) == rank && seen == (1 << rank) - 1
  }
}

/// A convolution x [n, c, h, w] * kernel [out, c / groups, kh, kw], as a cross-correlation, zero-padded.
public struct Conv2D: Hashable, Sendable {
  public var strideH: Int32 = 1, strideW: Int32 = 1
  public var top: Int32 = 0, left: Int32 = 0, bottom: Int32 = 0, right: Int32 = 0
  public var dilationH: Int32 = 1, dilationW: Int32 = 1
  public var groups: Int32 = 1
  public init() {}
}

/// Padding never wins a maximum; a mean divides by the whole window, padding included.
public struct Pool2D: Hashable, Sendable {
  public enum Kind: UInt8, Hashable, Sendable { case max, mean }
  public var kind: Kind
  public var kernelH: Int32, kernelW: Int32, strideH: Int32, strideW: Int32
  public var padH: Int32 = 0, padW: Int32 = 0
  public init(_ kind: Kind, kernel: Int, stride: Int) {
    self.kind = kind
    kernelH = Int32(kernel)
    kernelW = Int32(kernel)
    strideH = Int32(stride)
    strideW = Int32(stride)
  }
}

/// Resampling as PyTorch's `interpolate` does it without antialiasing. Source coordinates are Floats; `nearest` takes
/// the floor of them and knows no `alignCorners`; borders repeat.
public struct Resize2D: Hashable, Sendable {
  public enum Mode: UInt8, Hashable, Sendable { case nearest, bilinear, bicubic }
  public var mode: Mode
  /// Corner pixels keep their places (PyTorch's align_corners); otherwise pixel centres are at halves.
  public var alignCorners = false
  /// The cubic kernel's parameter; PyTorch uses -0.75.
  public var cubicA: Float = -0.75
  public init(_ mode: Mode) { self.mode = mode }
}

/// Rotary position embedding (Su et al. 2021): a pair (a, b) becomes (a cos - b sin, b cos + a sin) of the angle
/// position * frequency, a Float product.
public struct RoPE: Hashable, Sendable {
  /// Pairs are neighbours (2i, 2i+1) instead of (i, i + rotary/2).
  public var interleaved = false
  /// Leading dimensions that are rotated; the rest pass through.
  public var rotary: Int32
  /// Factor on cos and sin (YaRN's attention scaling); 1 otherwise.
  public var scale: Float = 1
  public init(rotary: Int) { self.rotary = Int32(rotary) }
}

/// softmax(softcap(scale q k) + bias) v, with hk dividing hq (grouped queries). A query that sees no key, or only keys
/// whose bias is -infinity, gets zeros. Keys and values may be 16-bit floats.
public struct Attention: Hashable, Sendable {
  public var scale: Float
  /// Operand 3 is positions: key j is seen by a query at position p where j <= p.
  public var hasPositions = false
  /// The next operand is an additive bias.
  public var hasBias = false
  /// Keys further back than this are not seen (j > p - window); 0 means no window. Needs positions.
  public var window: Int32 = 0
  /// scores become softcap * tanh(scores / softcap); 0 means none.
  public var softcap: Float = 0
  public init(scale: Float) { self.scale = scale }
}

/// What a `linear` step does after its product, in this order: bias, activation, residual.
public struct FusedLinear: Hashable, Sendable {
  public var hasBias = false
  public var hasResidual = false
  public var activation: UnaryKind?
  public init() {}
}
