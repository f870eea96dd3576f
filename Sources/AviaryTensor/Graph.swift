/// The path of the module that recorded a node, interned: `language_model.layers.3.mlp`.
public struct ModulePath: Hashable, Sendable, CustomStringConvertible {
  let id: Int32
  public static let root = ModulePath("")
  /// Interns the path; meant for load time, not for every step.
  public init(_ path: String) { id = PathTable.shared.intern(path) }
  public var description: String { PathTable.shared.path(id) }
}

/// One recorded operation. Operands are a range of the graph's operand list: ids of nodes (>= 0) or of weights (< 0).
public struct Node: Hashable, Sendable {
  public let op: Op
  public let operands: Range<Int32>
  public let shape: Shape
  public let dtype: DType
  public let path: ModulePath
}

/// A list of operations in the order of recording: an arena whose capacity is kept from step to step.
///
/// Recording does nothing but append plain structs. Confined to the thread that records; `Lowering` reads it.
public final class Graph {
  public private(set) var nodes: ContiguousArray<Node> = []
  public private(set) var operandIDs: ContiguousArray<Int32> = []
  /// Nodes whose values are read back after the run, in the order of `output(_:)`.
  public private(set) var outputs: ContiguousArray<Int32> = []
  /// Values that a caller asked to see by name (golden comparison, debugging); outputs as well.
  public private(set) var taps: [(name: String, output: Int)] = []
  /// Whether `Tensor.tapped(_:)` records; off by default, so that taps cost nothing.
  public var recordsTaps = false
  /// Applied to what low-rank additions multiply: dropout, while training.
  package var lowRankInput: ((Tensor) -> Tensor)?
  /// The path given to nodes recorded now.
  public var path = ModulePath.root

  /// Weights by slot: shape and dtype, for nodes that name them.
  public let weights: WeightShapes

  public init(weights: WeightShapes = WeightShapes()) { self.weights = weights }

  /// Forgets the nodes and keeps the memory.
  public func reset() {
    nodes.removeAll(keepingCapacity: true)
    operandIDs.removeAll(keepingCapacity: true)
    outputs.removeAll(keepingCapacity: true)
    taps.removeAll(keepingCapacity: true)
    path = .root
  }

  /// Appends a node. A shape mismatch is a programming error and traps with the shapes and the module path.
  package func record(_ op: Op, _ operands: [Tensor], shape: Shape, dtype: DType) -> Tensor {
    let start = Int32(operandIDs.count)
    for operand in operands {
      assert(operand.graph === self, "an operand belongs to another graph")
      operandIDs.append(operand.id)
    }
    nodes.append(Node(op: op, operands: start..<Int32(operandIDs.count), shape: shape, dtype: dtype, path: path))
    return Tensor(graph: self, id: Int32(nodes.count - 1), shape: shape, dtype: dtype)
  }

  /// Infers the result's shape and dtype and appends the node.
  func record(_ op: Op, _ operands: Tensor...) -> Tensor { record(op, operands) }

  func record(_ op: Op, _ operands: [Tensor]) -> Tensor {
    switch op.infer(operands.map { ($0.shape, $0.dtype) }) {
    case .success(let result): return record(op, operands, shape: result.shape, dtype: result.dtype)
    case .failure(let mismatch): trap(op, mismatch.text)
    }
  }

  /// Stops with what was wrong and in which module. Only code that records can get here, never a file.
  func trap(_ op: Op, _ text: String) -> Never {
    preconditionFailure("\(path.description.isEmpty ? "graph" : path.description): \(op): \(text)")
  }

  /// Data given at each run in `Bindings.inputs[slot]`.
  public func input(_ slot: Int, _ shape: Shape, _ dtype: DType) -> Tensor {
    record(.input(Int32(slot)), [], shape: shape, dtype: dtype)
  }

  /// A persistent buffer, `Bindings.states[slot]`.
  public func state(_ slot: Int, _ shape: Shape, _ dtype: DType) -> Tensor {
    record(.state(Int32(slot)), [], shape: shape, dtype: dtype)
  }

  public func scalar(_ value: Float) -> Tensor { record(.scalar(value), [], shape: [], dtype: .f32) }

  public func iota(_ count: Int, start: Int = 0) -> Tensor {
    record(.iota(start: Int32(start)), [], shape: [count], dtype: .i32)
  }

  /// A weight as an operand. It is no node; it costs nothing.
  public func use(_ weight: Weight) -> Tensor {
    let isKnown = Int(weight.slot) < weights.all.count && weights.all[Int(weight.slot)] == weight
    precondition(isKnown, "\(path): weight \(weight.slot) \(weight.dtype)\(weight.shape) is not among the graph's \(weights.all.count) weights")
    return Tensor(graph: self, id: ~weight.slot, shape: weight.shape, dtype: weight.dtype)
  }

  /// Marks a value to be read back; returns its index among the outputs. Weights and views are copied first.
  @discardableResult
  public func output(_ tensor: Tensor) -> Int {
    let node = tensor.materialised()
    outputs.append(node.id)
    return outputs.count - 1
  }

  func tap(_ tensor: Tensor, _ name: String) {
    taps.append((name, output(tensor)))
  }

  /// Records with a module's path and restores the caller's.
  @inline(__always)
  public func within<R>(_ inner: ModulePath, _ body: () -> R) -> R {
    let outer = path
    path = inner
    defer { path = outer }
    return body()
  }
}

/// A weight of a model: survives every step. Quantisation is a property of it, never of a model.
public struct Weight: Hashable, Sendable {
  public let slot: Int32
  public let shape: Shape
  public let dtype: DType
  public init(slot: Int32, shape: Shape, dtype: DType) {
    self.slot = slot
    self.shape = shape
    self.dtype = dtype
  }
}

/// Shapes and dtypes of the weights that a graph's nodes may name, in order of slot.
public final class WeightShapes: Sendable {
  public let all: [Weight]
  /// By slot of a weight [out, in]: what products with it have added.
  public let lowRank: [Int32: [LowRank]]
  public init(_ all: [Weight] = [], lowRank: [Int32: [LowRank]] = [:]) {
    self.all = all
    self.lowRank = lowRank
  }
}
