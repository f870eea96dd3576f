/// The bytes that a plan's views reach, by place: found once, so that checking a run's bindings is a comparison per slot.
struct PlanNeeds: Sendable {
  /// Bytes per slot; -1 where no view names the slot.
  private(set) var weights: [Int] = []
  private(set) var states: [Int] = []
  private(set) var inputs: [Int] = []
  private(set) var arena = 0
  /// A view that no memory can hold, or a step whose operands are not among the views.
  private(set) var flaw: String?

  init(_ steps: [PlanStep], _ views: [View], _ outputs: [View]) {
    for view in views { add(view) }
    for output in outputs { add(output) }
    for step in steps {
      add(step.output)
      if step.operands.lowerBound < 0 || step.operands.upperBound > views.count { flaw = "\(step.op) has operands \(step.operands) of \(views.count)" }
    }
  }

  private mutating func add(_ view: View) {
    guard let end = view.byteEnd else {
      flaw = "a view of \(view.shape) at element \(view.offset) with strides \(view.strides) has no end"
      return
    }
    if !view.hasWholeBlocks { flaw = "a view of \(view.dtype)\(view.shape) at element \(view.offset) with strides \(view.strides) cuts blocks" }
    switch view.place {
    case .weight(let slot) where slot < 0, .state(let slot) where slot < 0, .input(let slot) where slot < 0:
      flaw = "a view of slot \(slot)"
    case .arena(let offset):
      let (sum, overflow) = offset.addingReportingOverflow(end)
      if overflow || offset < 0 { flaw = "a view at arena offset \(offset)" } else { arena = max(arena, sum) }
    case .weight(let slot): PlanNeeds.note(&weights, slot, end)
    case .state(let slot): PlanNeeds.note(&states, slot, end)
    case .input(let slot): PlanNeeds.note(&inputs, slot, end)
    }
  }

  private static func note(_ table: inout [Int], _ slot: Int32, _ bytes: Int) {
    while table.count <= Int(slot) { table.append(-1) }
    table[Int(slot)] = max(table[Int(slot)], bytes)
  }
}

extension View {
  /// The first byte after the last element, from the place's start; nil where a part lies before the start or the
  /// arithmetic overflows.
  var byteEnd: Int? {
    guard offset >= 0 else { return nil }
    var last = offset
    var isEmpty = false
    for axis in 0..<shape.count {
      if shape[axis] == 0 { isEmpty = true }
      guard strides[axis] >= 0 else { return nil }
      let (reach, overflow) = max(shape[axis] - 1, 0).multipliedReportingOverflow(by: strides[axis])
      let (sum, overflow2) = last.addingReportingOverflow(reach)
      if overflow || overflow2 { return nil }
      last = sum
    }
    if isEmpty { return 0 }
    // The end of the last element's block.
    let (count, overflow) = last.addingReportingOverflow(dtype.blockElements - last % dtype.blockElements)
    return overflow ? nil : dtype.byteCount(elements: count)
  }

  /// Whether rows begin and end at whole blocks; always so for plain types.
  var hasWholeBlocks: Bool {
    let block = dtype.blockElements
    if block == 1 || shape.elements == 0 { return true }
    guard shape.count > 0, offset % block == 0, shape[-1] % block == 0, strides[shape.count - 1] == 1 else { return false }
    return (0..<shape.count - 1).allSatisfy { strides[$0] % block == 0 }
  }
}

extension Plan {
  /// Checks once, before a run, that every view lies within the memory bound to its slot. Backends call it first.
  /// Throws `.internal` naming the slot: bindings come from our own code.
  public func validate(_ bindings: Bindings) throws(AviaryError) {
    if let flaw = needs.flaw { throw AviaryError(.internal, flaw, wanted: "views within their memory", at: "plan") }
    try Plan.check("weight", needs.weights, bindings.weights.count) { bindings.weights[$0].isWithin ? bindings.weights[$0].byteCount : nil }
    try Plan.check("state", needs.states, bindings.states.count) { bindings.states[$0].isWithin ? bindings.states[$0].byteCount : nil }
    try Plan.check("input", needs.inputs, bindings.inputs.count) { bindings.inputs[$0].count }
    guard bindings.arena.isWithin, bindings.arena.byteCount >= max(arenaBytes, needs.arena) else {
      throw AviaryError(.internal, "the arena has \(bindings.arena.byteCount) bytes", wanted: "\(max(arenaBytes, needs.arena))", at: "plan")
    }
  }

  private static func check(_ what: String, _ needs: [Int], _ count: Int, _ bytes: (Int) -> Int?) throws(AviaryError) {
    for (slot, need) in needs.enumerated() where need >= 0 {
      guard slot < count else { throw AviaryError(.internal, "\(count) \(what)s are bound", wanted: "one for slot \(slot)", at: "plan") }
      guard let bytes = bytes(slot), bytes >= need else {
        throw AviaryError(.internal, "\(what) \(slot) has \(bytes(slot) ?? 0) bytes", wanted: "\(need)", at: "plan")
      }
    }
  }
}

extension BufferSlice {
  /// Whether the slice lies within its buffer.
  public var isWithin: Bool { offset >= 0 && byteCount >= 0 && offset <= buffer.byteCount && byteCount <= buffer.byteCount - offset }
}
