import Synchronization

/// What a machine can do at most, per second.
public struct MachineLimits: Sendable, Hashable {
  /// f32 operations; a multiply-add is two.
  public var floatOperations: Double
  /// Operations on bytes whose products are summed in wider numbers; 0 where there are none.
  public var byteOperations: Double
  public var bytesRead: Double
  public init(floatOperations: Double, byteOperations: Double, bytesRead: Double) {
    self.floatOperations = floatOperations
    self.byteOperations = byteOperations
    self.bytesRead = bytesRead
  }
}

/// Runs plans on another backend and, while asked to, step by step, adding up what each family of operations takes: the roofline report.
public final class TimedBackend: Backend {
  public static let id = "timed"
  public let base: any Backend
  public var capabilities: Capabilities { base.capabilities }

  /// What steps of one family took.
  public struct Family: Sendable {
    public var steps = 0
    public var seconds = 0.0
    /// Bytes of operands and outputs, each counted once a step.
    public var bytes = 0.0
    public var operations = 0.0
    /// Of these, products with weights whose activations are rounded to bytes.
    public var isOfBytes = false
  }

  private struct State {
    var isTiming = false
    var families: [String: Family] = [:]
    /// Plans of one step each, by the plan that they are of, which is kept so that its identity stays its own.
    var singles: [ObjectIdentifier: (plan: Plan, steps: [Plan])] = [:]
  }
  private let state = Mutex(State())

  public init(_ base: any Backend) { self.base = base }
  /// There is none by itself.
  public init(_ options: BackendOptions) throws(AviaryError) { throw AviaryError(.config, "a timed backend", wanted: "a backend to time", at: "backend") }

  /// Times the steps that `body` causes, and gives their families, those that took longest first.
  public func times(_ body: () throws(AviaryError) -> Void) throws(AviaryError) -> [(name: String, Family)] {
    state.withLock { ($0.isTiming, $0.families) = (true, [:]) }
    defer { state.withLock { $0.isTiming = false } }
    try body()
    return state.withLock { $0.families }.sorted { $0.value.seconds > $1.value.seconds }.map { ($0.key, $0.value) }
  }

  public var submissionCount: Int? { base.submissionCount }
  public func refusals(_ plan: Plan, _ bindings: Bindings) throws(AviaryError) -> [(step: Int, reason: String)] { try base.refusals(plan, bindings) }
  public func measureLimits() -> MachineLimits? { base.measureLimits() }
  public func supports(_ op: Op, _ dtypes: [DType]) -> Verdict { base.supports(op, dtypes) }
  public func adopt(_ pages: UnsafeRawBufferPointer, owner: any AnyObject & Sendable) throws(AviaryError) -> (any Buffer)? { try base.adopt(pages, owner: owner) }
  public func allocate(_ byteCount: Int) throws(AviaryError) -> any Buffer { try base.allocate(byteCount) }
  public func upload(_ bytes: UnsafeRawBufferPointer, to slice: BufferSlice) throws(AviaryError) { try base.upload(bytes, to: slice) }
  public func download(_ slice: BufferSlice, into bytes: UnsafeMutableRawBufferPointer) throws(AviaryError) { try base.download(slice, into: bytes) }

  public func execute(_ plan: Plan, _ bindings: Bindings, _ cancel: CancellationFlag) throws(AviaryError) {
    let singles: [Plan]? = state.withLock { state in
      guard state.isTiming else { return nil }
      if let known = state.singles[ObjectIdentifier(plan)] { return known.steps }
      let steps = plan.steps.map { Plan(steps: [$0.alone], views: Array(plan.views[$0.operands]), arenaBytes: plan.arenaBytes) }
      state.singles[ObjectIdentifier(plan)] = (plan, steps)
      return steps
    }
    guard let singles else { return try base.execute(plan, bindings, cancel) }
    let clock = ContinuousClock()
    for single in singles {
      let start = clock.now
      try base.execute(single, bindings, cancel)
      let (whole, rest) = (clock.now - start).components
      note(single, Double(whole) + Double(rest) * 1e-18)
    }
  }

  private func note(_ single: Plan, _ seconds: Double) {
    let step = single.steps[0]
    let isOfBytes = capabilities.roundsActivations && step.op.isProduct && single.views[1].dtype.isQuantised
    state.withLock { state in
      var family = state.families[step.op.family(single.views), default: Family()]
      family.steps += 1
      family.seconds += seconds
      family.bytes += step.op.bytes(single.views, step.output)
      family.operations += step.op.operations(single.views, step.output)
      family.isOfBytes = isOfBytes
      state.families[step.op.family(single.views)] = family
    }
  }
}

extension Op {
  /// What the roofline report calls it.
  fileprivate func family(_ x: [View]) -> String {
    switch self {
    case .linear, .matmul: isProduct && x[1].shape.count == 2 ? "linear \(x[1].dtype), \(rows(x[0]) == 1 ? "one row" : "many rows")" : "matmul"
    case .attention: x[0].shape[1] == 1 ? "attention, one row" : "attention, many rows"
    case .layerNorm, .rmsNorm, .groupNorm: "norms"
    case .unary, .binary, .select, .clamp, .swiglu: "elementwise"
    case .contiguous, .cast, .concat, .pad, .gatherRows, .scatterRows, .iota, .scalar: "moves"
    case .rope: "rope"
    case .conv2d: "conv2d"
    default: "other"
    }
  }

  private func rows(_ x: View) -> Int { x.shape.elements / max(x.shape[-1], 1) }

  fileprivate func operations(_ x: [View], _ out: View) -> Double {
    let elements = Double(out.shape.elements)
    switch self {
    case .linear, .matmul: return 2 * elements * Double(x[0].shape[-1])
    case .conv2d: return 2 * elements * Double(x[1].shape.dropFirst().elements)
    case .attention(let spec):
      // Under a causal mask a query sees half of the newest keys.
      let keys = Double(x[1].shape[1]) - (spec.hasPositions ? Double(x[0].shape[1] - 1) / 2 : 0)
      return 2 * Double(x[0].shape.dropLast().elements) * keys * Double(x[0].shape[-1] + x[2].shape[-1])
    case .contiguous, .cast, .concat, .pad, .gatherRows, .scatterRows, .iota, .scalar: return 0
    default: return elements
    }
  }

  fileprivate func bytes(_ x: [View], _ out: View) -> Double {
    switch self {
    case .gatherRows: 2 * out.bytes + x[1].bytes
    case .scatterRows: 2 * x[1].bytes + x[2].bytes
    default: x.reduce(out.bytes) { $0 + $1.bytes }
    }
  }
}

extension View {
  /// Bytes of the elements that it has; those of expanded axes once.
  fileprivate var bytes: Double {
    var count = 1
    for axis in 0..<shape.count where strides[axis] != 0 || shape[axis] == 0 { count *= shape[axis] }
    return Double(count) / Double(dtype.blockElements) * Double(dtype.blockBytes)
  }
}
