import AviaryTensor
import TensorTestSupport
import Testing

/// The reference with one fault: what it computes for one op is changed afterwards.
private final class Faulty: Backend {
  static let id = "faulty"
  private let reference = Reference()
  private let fault: @Sendable (Op) -> Float?
  var capabilities: Capabilities { reference.capabilities }

  init(_ options: BackendOptions) { fault = { _ in nil } }
  init(_ fault: @escaping @Sendable (Op) -> Float?) { self.fault = fault }

  func supports(_ op: Op, _ dtypes: [DType]) -> Verdict { reference.supports(op, dtypes) }
  func adopt(_ pages: UnsafeRawBufferPointer, owner: any AnyObject & Sendable) throws(AviaryError) -> (any Buffer)? {
    try reference.adopt(pages, owner: owner)
  }
  func allocate(_ byteCount: Int) throws(AviaryError) -> any Buffer { try reference.allocate(byteCount) }
  func upload(_ bytes: UnsafeRawBufferPointer, to slice: BufferSlice) throws(AviaryError) { try reference.upload(bytes, to: slice) }
  func download(_ slice: BufferSlice, into bytes: UnsafeMutableRawBufferPointer) throws(AviaryError) { try reference.download(slice, into: bytes) }

  func execute(_ plan: Plan, _ bindings: Bindings, _ cancel: CancellationFlag) throws(AviaryError) {
    try reference.execute(plan, bindings, cancel)
    for step in plan.steps {
      guard let value = fault(step.op), case .arena(let offset) = step.output.place, let buffer = bindings.arena.buffer as? HostBuffer else { continue }
      buffer.bytes.storeBytes(of: value, toByteOffset: offset, as: Float.self)
    }
  }
}

@Suite struct CheckedExecutionTests {
  private func check(_ backend: some Backend, _ body: (Tensor) -> Tensor) throws(AviaryError) {
    let graph = Graph()
    let x = graph.input(0, [2, 4], .f32)
    graph.output(graph.within(ModulePath("model.layers.3.mlp")) { body(x) })
    try runChecked(graph, Values(inputs: [bytes(Given.pattern([2, 4]).values)]), on: backend)
  }

  @Test func aSoundBackendPasses() throws {
    try check(Reference()) { x in (x.unary(.silu) * x).softmax() + x.transposed().reshaped(2, 4) }
  }

  @Test(arguments: 0..<60) func randomGraphsPass(_ seed: Int) throws {
    let random = RandomGraph(seed: UInt64(seed))
    try runChecked(random.graph, random.values, on: Reference())
  }

  @Test func theFirstDivergingNodeIsNamed() {
    let backend = Faulty { $0 == .softmax ? 0.75 : nil }
    let error = #expect(throws: AviaryError.self) { try check(backend) { x in (x.unary(.tanh).softmax() + x).unary(.gelu) } }
    #expect(error?.kind == .numeric)
    #expect(error?.place == "model.layers.3.mlp")
    #expect(error?.found.contains("softmax diverges") == true, "\(String(describing: error))")
    #expect(error?.found.contains("element 0 of [2, 4] is 0.75") == true)
  }

  @Test(arguments: [Float.nan, .infinity]) func numbersThatStopBeingNumbersAreNamed(_ value: Float) {
    let backend = Faulty { $0 == .unary(.tanh) ? value : nil }
    let error = #expect(throws: AviaryError.self) { try check(backend) { x in x.unary(.tanh).softmax() } }
    #expect(error?.found.contains("tanh") == true)
    #expect(error?.found.contains("element 0") == true)
  }

  /// The reference gives the same infinity, but finite operands should not have led to it.
  @Test func infinitiesOfFiniteOperandsAreNamed() {
    let error = #expect(throws: AviaryError.self) { try check(Reference()) { x in (x * 1000).unary(.exp) } }
    #expect(error?.found.contains("exp") == true)
  }

  @Test func masksMayBeInfinite() throws {
    try check(Reference()) { x in x.binary(.less, x.graph.scalar(0.5)).select(x, x.graph.scalar(-.infinity)).softmax() }
  }
}
