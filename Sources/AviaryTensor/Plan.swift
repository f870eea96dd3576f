/// Where the bytes of an operand are.
public enum Place: Hashable, Sendable {
  /// Byte offset in the scratch arena of the run.
  case arena(Int)
  case weight(Int32)
  case input(Int32)
  case state(Int32)
}

/// A strided window on stored elements: what a kernel reads or writes.
public struct View: Hashable, Sendable {
  public var place: Place
  /// In elements from the place's start.
  public var offset: Int
  public var shape: Shape
  /// In elements, per axis; 0 on expanded axes.
  public var strides: PerAxis<Int>
  public var dtype: DType

  public init(place: Place, offset: Int, shape: Shape, strides: PerAxis<Int>, dtype: DType) {
    self.place = place
    self.offset = offset
    self.shape = shape
    self.strides = strides
    self.dtype = dtype
  }

  /// Row-major from offset 0.
  public init(contiguous shape: Shape, _ dtype: DType, at place: Place) {
    self.init(place: place, offset: 0, shape: shape, strides: View.rowMajor(shape), dtype: dtype)
  }

  public static func rowMajor(_ shape: Shape) -> PerAxis<Int> {
    var strides = PerAxis<Int>(repeating: 0)
    var step = 1
    for axis in stride(from: shape.count - 1, through: 0, by: -1) {
      strides[axis] = step
      step *= shape[axis]
    }
    return strides
  }

  /// Axes of size 1 may have any stride.
  public var isContiguous: Bool {
    var step = 1
    for axis in stride(from: shape.count - 1, through: 0, by: -1) where shape[axis] != 1 {
      if strides[axis] != step { return false }
      step *= shape[axis]
    }
    return true
  }

  /// The same view with a block as its element; its dtype no longer fits its shape.
  var inBlocks: View {
    let block = dtype.blockElements
    if block == 1 || shape.count == 0 { return self }
    var view = self
    view.offset /= block
    view.shape[-1] /= block
    for axis in 0..<shape.count - 1 { view.strides[axis] /= block }
    return view
  }

  /// Whether the elements of the last axis are neighbours.
  public var hasUnitRows: Bool { shape.count == 0 || shape[-1] <= 1 || strides[shape.count - 1] == 1 }
}

/// One kernel call.
public struct PlanStep: Sendable {
  public let op: Op
  /// Operands in `Plan.views`.
  public let operands: Range<Int>
  public internal(set) var output: View
  public let path: ModulePath

  public init(op: Op, operands: Range<Int>, output: View, path: ModulePath = .root) {
    self.op = op
    self.operands = operands
    self.output = output
    self.path = path
  }
}

/// What a backend runs: kernel calls in order over views, all memory known beforehand.
///
/// Leaves that have no memory (`scalar`, `iota`) are steps without operands. Views never are steps.
///
/// Operand layouts that every kernel may rely on, since Lowering inserts `contiguous` copies otherwise:
/// - outputs are contiguous, except that of `scatterRows` and `scatterAddRows`, which is its own operand 0, always written in place (a
///   window on a state, or a value that nobody else reads);
/// - elementwise ops, cast, contiguous, concat, pad, gatherRows' ids, rows and ids of the scatters: any
///   strides;
/// - matmul, linear, norms, softmax, rope, attention, swiglu, topK, tables: unit stride on the last axis, any on the
///   others; weights (2-D products included), biases of `linear` and positions of these: contiguous; factors of `matmul` in
///   f32: any strides where the backend claims `Capabilities.readsAnyStrides`;
/// - conv2d, pool2d, resize2d, groupNorm, reduce, cumsum: contiguous.
///
/// - quantised operands, under any operation: rows of whole blocks, at any distance that is a multiple of a block.
///
/// Dtypes, by what recording allows: weights of products and of `conv2d`, tables of `gatherRows`, keys and values come in
/// any of `Capabilities.weightTypes` (others are cast to f32 by a step), quantised ones as 2-D weights of products, as
/// tables, and Q8_0 as keys and values; no step's output is quantised, except a copy of a quantised operand and the Q8_0 state into which
/// `scatterRows` writes f32 rows; moves (contiguous, concat, pad, scatterRows,
/// select) take every type; arithmetic is f32, and `binary`, `clamp`, `reduce` and `cumsum` are i32 as well; all else
/// is f32 with i32 ids and positions.
///
/// An elementwise step's output may be exactly the memory of one of its operands (same size, same order); otherwise
/// outputs and operands in the arena never overlap.
public final class Plan: Sendable {
  public let steps: [PlanStep]
  public let views: [View]
  /// Bytes of the scratch arena, 64-byte aligned pieces.
  public let arenaBytes: Int
  /// The graph's outputs: contiguous views in the arena.
  public let outputs: [View]
  /// What the views reach, for checking bindings.
  let needs: PlanNeeds

  public init(steps: [PlanStep], views: [View], arenaBytes: Int, outputs: [View] = []) {
    self.steps = steps
    self.views = views
    self.arenaBytes = arenaBytes
    self.outputs = outputs
    needs = PlanNeeds(steps, views, outputs)
  }
}
