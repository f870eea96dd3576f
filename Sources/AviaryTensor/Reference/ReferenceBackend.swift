/// The judge of the other backends: obvious loops over strided views, sums in Double, results rounded once.
///
/// It takes any strides in every operand, so it needs none of Lowering's copies. Slow by intent.
public final class Reference: Backend {
  public static let id = "reference"
  public let capabilities = Capabilities(
    deviceName: "reference", details: [("arithmetic", "double, one thread")], memoryBytes: .max, fusions: Set(Fusion.allCases),
    weightTypes: Set([.f32, .f16, .bf16, .f64] + DType.quantised))

  public init(_ options: BackendOptions = BackendOptions()) {}

  public func supports(_ op: Op, _ dtypes: [DType]) -> Verdict {
    .native
  }

  // MARK: Memory

  public func adopt(_ pages: UnsafeRawBufferPointer, owner: any AnyObject & Sendable) throws(AviaryError) -> (any Buffer)? {
    HostBuffer(adopting: pages, owner: owner)
  }

  public func allocate(_ byteCount: Int) throws(AviaryError) -> any Buffer {
    try HostBuffer(zeroed: byteCount)
  }

  public func upload(_ bytes: UnsafeRawBufferPointer, to slice: BufferSlice) throws(AviaryError) {
    let target = try Reference.host(slice)
    guard !target.isReadOnly, bytes.count <= target.bytes.count else {
      throw AviaryError(.internal, "\(bytes.count) bytes for \(target.isReadOnly ? "read-only pages" : "\(target.bytes.count)")", at: "upload")
    }
    target.bytes.copyMemory(from: bytes)
  }

  public func download(_ slice: BufferSlice, into bytes: UnsafeMutableRawBufferPointer) throws(AviaryError) {
    let source = try Reference.host(slice)
    guard source.bytes.count <= bytes.count else {
      throw AviaryError(.internal, "\(source.bytes.count) bytes into \(bytes.count)", at: "download")
    }
    bytes.copyMemory(from: UnsafeRawBufferPointer(source.bytes))
  }

  private static func host(_ slice: BufferSlice) throws(AviaryError) -> (bytes: UnsafeMutableRawBufferPointer, isReadOnly: Bool) {
    guard let buffer = slice.buffer as? HostBuffer, slice.isWithin else {
      throw AviaryError(.internal, "a slice of \(slice.byteCount) bytes at \(slice.offset)", wanted: "a part of a buffer of this backend", at: "reference")
    }
    return (UnsafeMutableRawBufferPointer(rebasing: buffer.bytes[slice.offset..<slice.offset + slice.byteCount]), buffer.isReadOnly)
  }

  // MARK: Running

  public func execute(_ plan: Plan, _ bindings: Bindings, _ cancel: CancellationFlag) throws(AviaryError) {
    try plan.validate(bindings)
    for step in plan.steps {
      if cancel.isCancelled { throw AviaryError(.cancelled, "the run was cancelled", at: step.path.description) }
      var operands: [Operand] = []
      for k in step.operands { operands.append(try Reference.operand(plan.views[k], bindings)) }
      let output = try Reference.operand(step.output, bindings, written: true)
      do {
        try run(step.op, operands, output)
      } catch {
        throw error.at(step.path.description)
      }
    }
  }

  private static func operand(_ view: View, _ bindings: Bindings, written: Bool = false) throws(AviaryError) -> Operand {
    let base: UnsafeMutableRawPointer?
    switch view.place {
    case .arena(let offset): base = try host(bindings.arena).bytes.baseAddress.map { $0 + offset }
    case .weight(let slot): base = try writable(host(bindings.weights[Int(slot)]), written)
    case .state(let slot): base = try writable(host(bindings.states[Int(slot)]), written)
    case .input(let slot): base = UnsafeMutableRawPointer(mutating: bindings.inputs[Int(slot)].baseAddress)
    }
    // Memory of no bytes may have no address; a view of no elements never looks at it.
    return Operand(base: base ?? emptyBase, view: view)
  }

  private static func writable(_ memory: (bytes: UnsafeMutableRawBufferPointer, isReadOnly: Bool), _ written: Bool) throws(AviaryError)
    -> UnsafeMutableRawPointer?
  {
    if written && memory.isReadOnly { throw AviaryError(.internal, "a step writes to read-only pages", at: "reference") }
    return memory.bytes.baseAddress
  }

  private func run(_ op: Op, _ x: [Operand], _ out: Operand) throws(AviaryError) {
    switch op {
    case .scalar(let value): out.store([Double(value)])
    case .iota(let start): out.store((0..<out.shape.elements).map { Double(start) + Double($0) })
    case .contiguous: copy(x[0], out)
    case .cast: cast(x[0], out)
    case .concat(let axis): concat(x, out, Int(axis))
    case .pad(let axis, let before, _, let value): pad(x[0], out, Int(axis), Int(before), value)
    case .gatherRows: try gatherRows(x[0], x[1], out)
    case .scatterRows: try scatterRows(x[1], x[2], out)
    case .scatterAddRows: try scatterAddRows(x[1], x[2], out)
    case .unary(let kind): out.store(x[0].values().map { unary(kind, $0) })
    case .binary(let kind): out.store(zip(x[0].values(), x[1].values()).map { binary(kind, $0, $1) })
    case .select: select(x[0], x[1], x[2], out)
    case .clamp(let low, let high): out.store(x[0].values().map { clamp($0, Double(low), Double(high)) })
    case .swiglu: out.store(zip(x[0].values(), x[1].values()).map { rounded(unary(.silu, $0)) * $1 })
    case .reduce(let kind, let axis): reduce(kind, x[0], out, Int(axis))
    case .cumsum(let axis): cumsum(x[0], out, Int(axis))
    case .topK(let indices): topK(x[0], out, indices: indices)
    case .softmax: softmax(x[0], out)
    case .matmul(let transposed): matmul(x[0], x[1], out, transposed: transposed)
    case .linear(let spec): linear(spec, x, out)
    case .conv2d(let spec): conv2d(spec, x[0], x[1], out)
    case .pool2d(let spec): pool2d(spec, x[0], out)
    case .resize2d(let spec): resize2d(spec, x[0], out)
    case .layerNorm(let epsilon): layerNorm(x[0], x[1], x[2], out, Double(epsilon))
    case .rmsNorm(let epsilon): rmsNorm(x[0], x[1], out, Double(epsilon))
    case .groupNorm(let groups, let epsilon): groupNorm(x[0], x[1], x[2], out, Int(groups), Double(epsilon))
    case .rope(let spec): rope(spec, x[0], x[1], x[2], out)
    case .attention(let spec): attention(spec, x, out)
    case .input, .state, .reshape, .permute, .slice, .expand:
      throw AviaryError(.internal, "a step of \(op)", wanted: "an operation that has a kernel", at: "reference")
    }
  }
}

/// An address for memory of no bytes; nothing is ever read from it or written to it.
nonisolated(unsafe) private let emptyBase = UnsafeMutableRawPointer.allocate(byteCount: 64, alignment: 64)
