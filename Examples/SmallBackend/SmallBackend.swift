public import AviaryTensor
import Dispatch
import Glibc

/// A backend to learn from: host memory, matrix products on several threads, rows of norms and softmax, and the reference
/// backend for whatever has no kernel here yet.
public final class SmallBackend: Backend {
  public static let id = "small"
  public let capabilities: Capabilities
  private let threads: Int
  /// Owns the memory, and runs the operations that have no kernel here.
  private let reference = Reference()

  /// - Throws: `.config` where an option cannot be right.
  public init(_ options: BackendOptions) throws(AviaryError) {
    threads = options.threads ?? 2
    guard (1...1024).contains(threads) else { throw AviaryError(.config, "\(threads) threads", wanted: "1...1024", at: "threads") }
    capabilities = Capabilities(
      deviceName: "small", details: [("threads", "\(threads)"), ("arithmetic", "f32")], memoryBytes: .max,
      fusions: [.linear, .swiglu], weightTypes: [.f32, .f16, .bf16])
  }

  public func supports(_ op: Op, _ dtypes: [DType]) -> Verdict { reference.supports(op, dtypes) }
}

extension SmallBackend {
  public func adopt(_ pages: UnsafeRawBufferPointer, owner: any AnyObject & Sendable) throws(AviaryError) -> (any Buffer)? {
    try reference.adopt(pages, owner: owner)
  }

  public func allocate(_ byteCount: Int) throws(AviaryError) -> any Buffer { try reference.allocate(byteCount) }

  public func upload(_ bytes: UnsafeRawBufferPointer, to slice: BufferSlice) throws(AviaryError) { try reference.upload(bytes, to: slice) }

  public func download(_ slice: BufferSlice, into bytes: UnsafeMutableRawBufferPointer) throws(AviaryError) {
    try reference.download(slice, into: bytes)
  }
}

extension SmallBackend {
  public func execute(_ plan: Plan, _ bindings: Bindings, _ cancel: CancellationFlag) throws(AviaryError) {
    try plan.validate(bindings)
    for step in plan.steps {
      if cancel.isCancelled { throw AviaryError(.cancelled, "the run was cancelled", at: step.path.description) }
      var operands: [Rows] = []
      for view in plan.views[step.operands] { operands.append(try Rows(view, bindings)) }
      let output = try Rows(step.output, bindings)
      if run(step.op, operands, output, cancel) { continue }
      // No kernel here: the same step as a plan of its own, on the same memory.
      let alone = Plan(
        steps: [PlanStep(op: step.op, operands: 0..<step.operands.count, output: step.output, path: step.path)],
        views: Array(plan.views[step.operands]), arenaBytes: plan.arenaBytes)
      try reference.execute(alone, bindings, cancel)
    }
    // A product that was interrupted left garbage.
    if cancel.isCancelled { throw AviaryError(.cancelled, "the run was cancelled") }
  }
}

/// An operand as rows along its last axis, which may lie anywhere.
struct Rows: @unchecked Sendable {
  // Unchecked: the plan never lets two steps of a run write where another reads, and a kernel's threads write rows of
  // their own.
  let base: UnsafeMutableRawPointer
  let view: View
  let width: Int
  let count: Int

  init(_ view: View, _ bindings: Bindings) throws(AviaryError) {
    switch view.place {
    case .arena(let offset): base = try Rows.address(bindings.arena, offset)
    case .weight(let slot): base = try Rows.address(bindings.weights[Int(slot)])
    case .state(let slot): base = try Rows.address(bindings.states[Int(slot)])
    case .input(let slot): base = UnsafeMutableRawPointer(mutating: bindings.inputs[Int(slot)].baseAddress) ?? Rows.nowhere
    }
    self.view = view
    width = view.shape.count == 0 ? 1 : view.shape[-1]
    count = width == 0 ? 0 : view.shape.elements / width
  }

  private static func address(_ slice: BufferSlice, _ offset: Int = 0) throws(AviaryError) -> UnsafeMutableRawPointer {
    guard let buffer = slice.buffer as? HostBuffer else { throw AviaryError(.internal, "a buffer of another backend", wanted: "one of this", at: "small") }
    return buffer.bytes.baseAddress.map { $0 + slice.offset + offset } ?? nowhere
  }

  /// An address for memory of no bytes; nothing is read from it or written to it.
  private nonisolated(unsafe) static let nowhere = UnsafeMutableRawPointer.allocate(byteCount: 64, alignment: 64)

  /// Whether the elements of a row are neighbours, of a type that `load` reads.
  var isReadable: Bool { view.hasUnitRows && [DType.f32, .f16, .bf16].contains(view.dtype) }

  /// The index of a row's first element: the leading axes counted down like digits.
  func start(_ row: Int) -> Int {
    var (rest, offset) = (row, view.offset)
    for axis in stride(from: view.shape.count - 2, through: 0, by: -1) {
      offset += rest % view.shape[axis] * view.strides[axis]
      rest /= view.shape[axis]
    }
    return offset
  }

  /// Where a row of floats lies; only for f32.
  func floats(_ row: Int) -> UnsafeMutablePointer<Float> { (base + start(row) * 4).assumingMemoryBound(to: Float.self) }

  /// An element of a row as a float, whatever it is stored as.
  func element(_ index: Int, of row: Int = 0) -> Float {
    let source = UnsafeRawPointer(base) + (start(row) + index) * view.dtype.blockBytes
    switch view.dtype {
    case .f16: return Float(Float16(bitPattern: source.loadUnaligned(as: UInt16.self)))
    case .bf16: return Float(bitPattern: UInt32(source.loadUnaligned(as: UInt16.self)) << 16)
    default: return source.loadUnaligned(as: Float.self)
    }
  }

  /// Copies a row as floats.
  func load(_ row: Int, into target: UnsafeMutablePointer<Float>) {
    for i in 0..<width { target[i] = element(i, of: row) }
  }
}

extension SmallBackend {
  /// Runs a step; false where there is no kernel for it, and nothing was written.
  private func run(_ op: Op, _ x: [Rows], _ out: Rows, _ cancel: CancellationFlag) -> Bool {
    guard out.view.dtype == .f32, !x.isEmpty, x.allSatisfy(\.isReadable) else { return false }
    switch op {
    case .linear(let spec): linear(spec, x, out, cancel)
    case .swiglu: swiglu(x[0], x[1], out, cancel)
    case .softmax: each(x[0], out, cancel) { Self.softmax($0) }
    case .rmsNorm(let epsilon):
      each(x[0], out, cancel) { y in
        let scale = Self.inverseRootMeanSquare(y, epsilon)
        for i in y.indices { y[i] *= scale * x[1].element(i) }
      }
    case .layerNorm(let epsilon):
      each(x[0], out, cancel) { y in
        Self.center(y)
        let scale = Self.inverseRootMeanSquare(y, epsilon)
        for i in y.indices { y[i] = y[i] * scale * x[1].element(i) + x[2].element(i) }
      }
    default: return false
    }
    return true
  }

  /// Work on blocks of rows, each block on some thread; what is left undone when the flag is set stays undone.
  private func parallel(_ count: Int, _ cancel: CancellationFlag, _ body: @Sendable (Range<Int>) -> Void) {
    let block = max(1, min(16, (count + threads - 1) / threads))
    DispatchQueue.concurrentPerform(iterations: (count + block - 1) / block) { index in
      if cancel.isCancelled { return }
      body(index * block..<min((index + 1) * block, count))
    }
  }

  /// Gives each row of the output the operand's row, to be worked on in place.
  private func each(_ x: Rows, _ out: Rows, _ cancel: CancellationFlag, _ body: @Sendable (UnsafeMutableBufferPointer<Float>) -> Void) {
    parallel(x.count, cancel) { rows in
      for row in rows {
        x.load(row, into: out.floats(row))
        body(UnsafeMutableBufferPointer(start: out.floats(row), count: x.width))
      }
    }
  }

  /// out = silu(gate) up. The output may lie where one of them does: each element is read before it is written.
  private func swiglu(_ gate: Rows, _ up: Rows, _ out: Rows, _ cancel: CancellationFlag) {
    parallel(out.count, cancel) { rows in
      for row in rows {
        for i in 0..<out.width {
          out.floats(row)[i] = Self.activate(.silu, gate.element(i, of: row)) * up.element(i, of: row)
        }
      }
    }
  }
}

extension SmallBackend {
  /// out = activation(x wᵀ + bias) + residual. Threads share the weight's rows: each is turned into floats once, and all
  /// rows of x are multiplied with it.
  private func linear(_ spec: FusedLinear, _ x: [Rows], _ out: Rows, _ cancel: CancellationFlag) {
    let (input, weight) = (x[0], x[1])
    let bias = spec.hasBias ? x[2] : nil
    let residual = spec.hasResidual ? x[spec.hasBias ? 3 : 2] : nil
    let (rows, k) = (out.count, input.width)
    parallel(out.width, cancel) { columns in
      withUnsafeTemporaryAllocation(of: Float.self, capacity: 2 * k + 1) { scratch in
        guard let w = scratch.baseAddress else { return }
        for column in columns {
          if cancel.isCancelled { return }
          weight.load(column, into: w)
          for row in 0..<rows {
            if input.view.dtype != .f32 { input.load(row, into: w + k) }
            var y = Self.dot(input.view.dtype == .f32 ? input.floats(row) : w + k, w, k)
            if let bias { y += bias.element(column) }
            if let activation = spec.activation { y = Self.activate(activation, y) }
            if let residual { y += residual.element(column, of: row) }
            out.floats(row)[column] = y
          }
        }
      }
    }
  }

  /// Sums in 8 lanes, so that the compiler can use vectors; one sum after the other it may not reorder.
  private static func dot(_ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ count: Int) -> Float {
    var sum = SIMD8<Float>.zero
    let whole = count & ~7
    for i in stride(from: 0, to: whole, by: 8) {
      sum += UnsafeRawPointer(a + i).loadUnaligned(as: SIMD8<Float>.self) * UnsafeRawPointer(b + i).loadUnaligned(as: SIMD8<Float>.self)
    }
    return (whole..<count).reduce(sum.sum()) { $0 + a[$1] * b[$1] }
  }
}

extension SmallBackend {
  /// The activations that Lowering fuses into products.
  private static func activate(_ kind: UnaryKind, _ x: Float) -> Float {
    switch kind {
    case .relu: x > 0 || x.isNaN ? x : 0
    case .silu: x / (1 + exp(-x))
    case .quickGelu: x / (1 + exp(-1.702 * x))
    case .gelu: 0.5 * x * (1 + erf(x * Float(0.5).squareRoot()))
    case .geluTanh: 0.5 * x * (1 + tanh((2 / Float.pi).squareRoot() * (x + 0.044715 * x * x * x)))
    default: .nan
    }
  }

  /// exp(y) over its sum, from the largest down, so that nothing overflows.
  private static func softmax(_ y: UnsafeMutableBufferPointer<Float>) {
    let peak = y.reduce(-Float.infinity) { $1 > $0 || $1.isNaN ? $1 : $0 }
    var sum: Float = 0
    for i in y.indices {
      y[i] = exp(y[i] - peak)
      sum += y[i]
    }
    for i in y.indices { y[i] /= sum }
  }

  /// Takes the mean away.
  private static func center(_ y: UnsafeMutableBufferPointer<Float>) {
    let mean = Float(y.reduce(0.0) { $0 + Double($1) } / Double(y.count))
    for i in y.indices { y[i] -= mean }
  }

  /// What brings the mean square, and a little, to one.
  private static func inverseRootMeanSquare(_ y: UnsafeMutableBufferPointer<Float>, _ epsilon: Float) -> Float {
    let mean = y.reduce(0.0) { $0 + Double($1) * Double($1) } / Double(y.count)
    return Float(1 / (mean + Double(epsilon)).squareRoot())
  }
}
