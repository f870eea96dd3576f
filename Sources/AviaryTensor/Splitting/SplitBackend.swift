import Synchronization

/// Runs plans on a device, and those steps that the device cannot run on another backend, whose memory is the host's: their
/// operands are brought there and their results back. Slow where there are many, and never silent.
public final class SplitBackend: Backend {
  public static let id = "split"
  public let device: any Backend
  public let helper: any Backend
  public var capabilities: Capabilities { device.capabilities }
  private let report: @Sendable (Split) -> Void

  /// How a plan was divided.
  public struct Split: Sendable, Hashable {
    /// Steps of the plan, and how many of them the device cannot run.
    public let steps: Int
    public let helped: Int
    /// Operations with what is in their way, and how often.
    public let reasons: [String: Int]

    /// `2 of 240 steps run on cpu: pool2d: an operand of ... (2 times)`
    public func text(helper: String) -> String {
      let lines = reasons.sorted { $0.key < $1.key }.map { $0.value == 1 ? $0.key : "\($0.key) (\($0.value) times)" }
      return "\(helped) of \(steps) steps run on \(helper): " + lines.joined(separator: "; ")
    }
  }

  /// Steps that run one after the other in one place.
  private struct Part {
    let plan: Plan
    let isHelped: Bool
  }

  private struct State {
    /// By the plan that they are of, which is kept so that its identity stays its own.
    var divided: [ObjectIdentifier: (plan: Plan, parts: [Part])] = [:]
    var reported: Set<Split> = []
  }
  private let state = Mutex(State())
  private static let kept = 64

  /// - Parameter report: told of each new way in which a plan with such steps was divided.
  public init(_ device: any Backend, helper: any Backend, report: @escaping @Sendable (Split) -> Void) {
    (self.device, self.helper, self.report) = (device, helper, report)
  }

  /// There is none by itself.
  public init(_ options: BackendOptions) throws(AviaryError) { throw AviaryError(.config, "a split backend", wanted: "a device and a helper", at: "backend") }

  public var submissionCount: Int? { device.submissionCount }
  public func measureLimits() -> MachineLimits? { device.measureLimits() }
  public func adopt(_ pages: UnsafeRawBufferPointer, owner: any AnyObject & Sendable) throws(AviaryError) -> (any Buffer)? { try device.adopt(pages, owner: owner) }
  public func allocate(_ byteCount: Int) throws(AviaryError) -> any Buffer { try device.allocate(byteCount) }
  public func upload(_ bytes: UnsafeRawBufferPointer, to slice: BufferSlice) throws(AviaryError) { try device.upload(bytes, to: slice) }
  public func download(_ slice: BufferSlice, into bytes: UnsafeMutableRawBufferPointer) throws(AviaryError) { try device.download(slice, into: bytes) }

  public func supports(_ op: Op, _ dtypes: [DType]) -> Verdict {
    if case .unsupported = device.supports(op, dtypes) { return helper.supports(op, dtypes) }
    return device.supports(op, dtypes)
  }

  public func execute(_ plan: Plan, _ bindings: Bindings, _ cancel: CancellationFlag) throws(AviaryError) {
    for part in try parts(plan, bindings) {
      if part.isHelped { try help(part.plan.steps[0], part.plan.views, bindings, cancel) } else { try device.execute(part.plan, bindings, cancel) }
    }
  }

  private func parts(_ plan: Plan, _ bindings: Bindings) throws(AviaryError) -> [Part] {
    if let known = state.withLock({ $0.divided[ObjectIdentifier(plan)] }) { return known.parts }
    try plan.validate(bindings)
    let refusals = try device.refusals(plan, bindings)
    let parts = refusals.isEmpty ? [Part(plan: plan, isHelped: false)] : SplitBackend.divided(plan, Set(refusals.map(\.step)))
    var reasons: [String: Int] = [:]
    for (step, reason) in refusals { reasons["\(plan.steps[step].op) at \(plan.steps[step].path): \(reason)", default: 0] += 1 }
    let split = Split(steps: plan.steps.count, helped: refusals.count, reasons: reasons)
    let isNew = state.withLock { state in
      if state.divided.count >= SplitBackend.kept { state.divided = [:] }
      state.divided[ObjectIdentifier(plan)] = (plan, parts)
      return split.helped > 0 && state.reported.insert(split).inserted
    }
    if isNew { report(split) }
    return parts
  }

  private static func divided(_ plan: Plan, _ refused: Set<Int>) -> [Part] {
    var parts: [Part] = []
    var steps: [PlanStep] = []
    func made(_ steps: [PlanStep]) -> Plan { Plan(steps: steps, views: plan.views, arenaBytes: plan.arenaBytes) }
    for (index, step) in plan.steps.enumerated() {
      guard refused.contains(index) else {
        steps.append(step)
        continue
      }
      if !steps.isEmpty { parts.append(Part(plan: made(steps), isHelped: false)) }
      parts.append(Part(plan: made([step]), isHelped: true))
      steps = []
    }
    if !steps.isEmpty { parts.append(Part(plan: made(steps), isHelped: false)) }
    return parts
  }

  /// One step on the helper: its operands as weights 0, 1, ..., its output in the arena.
  private func help(_ step: PlanStep, _ views: [View], _ bindings: Bindings, _ cancel: CancellationFlag) throws(AviaryError) {
    var operands: [View] = []
    var weights: [BufferSlice] = []
    for (slot, k) in step.operands.enumerated() {
      let taken = try Snapshot(views[k], bindings, device)
      operands.append(taken.view)
      operands[slot].place = .weight(Int32(slot))
      weights.append(try moved(taken.buffer))
    }
    let before = try Snapshot(step.output, bindings, device)
    var target = before.view
    target.place = .arena(0)
    let arena = try moved(before.buffer)
    let alone = Plan(
      steps: [PlanStep(op: step.op, operands: 0..<operands.count, output: target, path: step.path)], views: operands, arenaBytes: before.buffer.byteCount)
    try helper.execute(alone, Bindings(weights: weights, arena: arena), cancel)
    try helper.download(BufferSlice(arena.buffer, byteCount: before.buffer.byteCount), into: before.buffer.bytes)
    if let origin = before.origin { try device.upload(UnsafeRawBufferPointer(before.buffer.bytes), to: origin) }
  }

  private func moved(_ bytes: HostBuffer) throws(AviaryError) -> BufferSlice {
    let slice = BufferSlice(try helper.allocate(max(bytes.byteCount, 64)))
    try helper.upload(UnsafeRawBufferPointer(bytes.bytes), to: slice)
    return slice
  }
}
