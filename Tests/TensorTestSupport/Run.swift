public import AviaryTensor

/// Values given to a graph: weights, states and inputs by slot, as bytes of their dtypes.
public struct Values {
  public var weights: [[UInt8]]
  public var states: [[UInt8]]
  public var inputs: [[UInt8]]
  public init(weights: [[UInt8]] = [], states: [[UInt8]] = [], inputs: [[UInt8]] = []) {
    self.weights = weights
    self.states = states
    self.inputs = inputs
  }
}

/// What a run left: the outputs' elements as Doubles, and the states' bytes.
public struct Results {
  public var outputs: [[Double]]
  public var states: [[UInt8]]
}

/// Lowers a graph and runs it once on a backend.
public func run(
  _ graph: Graph, _ values: Values, on backend: any Backend = Reference(), _ options: Lowering.Options = Lowering.Options()
) throws(AviaryError) -> Results {
  try run(Lowering.lower(graph, for: backend.capabilities, options), values, on: backend)
}

public func run(_ plan: Plan, _ values: Values, on backend: any Backend) throws(AviaryError) -> Results {
  try withBindings(plan, values, on: backend) { (bindings) throws(AviaryError) in try backend.execute(plan, bindings, CancellationFlag()) }
}

/// The same, every step compared with the reference.
@discardableResult
public func runChecked(
  _ graph: Graph, _ values: Values, on backend: some Backend, _ options: Lowering.Options = Lowering.Options()
) throws(AviaryError) -> Results {
  let plan = Lowering.lower(graph, for: backend.capabilities, options)
  return try withBindings(plan, values, on: backend) { (bindings) throws(AviaryError) in
    try CheckedExecution.execute(plan, bindings, on: backend)
  }
}

private func withBindings(
  _ plan: Plan, _ values: Values, on backend: any Backend, _ body: (Bindings) throws(AviaryError) -> Void
) throws(AviaryError) -> Results {
  var weights: [BufferSlice] = []
  for bytes in values.weights { weights.append(try upload(bytes, to: backend)) }
  var states: [BufferSlice] = []
  for bytes in values.states { states.append(try upload(bytes, to: backend)) }
  // Copies that outlive the closures of withUnsafeBytes.
  let inputs = values.inputs.map { bytes in
    let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 64)
    copy.copyBytes(from: bytes)
    return copy
  }
  defer { for input in inputs { input.deallocate() } }
  let bindings = Bindings(
    weights: weights, states: states, inputs: inputs.map { UnsafeRawBufferPointer($0) }, arena: BufferSlice(try backend.allocate(plan.arenaBytes)))
  try body(bindings)

  var results = Results(outputs: [], states: [])
  for output in plan.outputs {
    guard case .arena(let offset) = output.place, let count = output.dtype.byteCount(elements: output.shape.elements) else {
      throw AviaryError(.internal, "an output at \(output.place)")
    }
    let start = bindings.arena.offset + offset + output.offset * output.dtype.blockBytes
    let bytes = try download(BufferSlice(bindings.arena.buffer, offset: start, byteCount: count), from: backend)
    results.outputs.append(doubles(bytes, output.dtype))
  }
  for state in states { results.states.append(try download(state, from: backend)) }
  return results
}

private func upload(_ bytes: [UInt8], to backend: any Backend) throws(AviaryError) -> BufferSlice {
  let slice = BufferSlice(try backend.allocate(bytes.count))
  let result = bytes.withUnsafeBytes { raw in Result { () throws(AviaryError) in try backend.upload(raw, to: slice) } }
  try result.get()
  return slice
}

private func download(_ slice: BufferSlice, from backend: any Backend) throws(AviaryError) -> [UInt8] {
  var bytes = [UInt8](repeating: 0, count: slice.byteCount)
  let result = bytes.withUnsafeMutableBytes { raw in Result { () throws(AviaryError) in try backend.download(slice, into: raw) } }
  try result.get()
  return bytes
}
