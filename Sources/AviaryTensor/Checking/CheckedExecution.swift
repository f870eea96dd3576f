#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// Runs a plan step by step and compares every step with the reference backend, given the same operands: slow, for
/// finding out which module a wrong number comes from (`AVIARY_CHECK=1`).
public enum CheckedExecution {
  /// Whether the environment asks for it.
  public static var isRequested: Bool {
    guard let value = getenv("AVIARY_CHECK") else { return false }
    return String(cString: value) == "1"
  }

  /// Throws `.numeric` at the first step that is outside its tolerance, or that makes NaN or infinity of finite
  /// operands, with the path of the module that recorded it; whatever the backend throws else.
  /// - Parameter compute: the arithmetic of products that the backend was asked for.
  public static func execute(
    _ plan: Plan, _ bindings: Bindings, on backend: some Backend, compute: DType = .f32, _ cancel: CancellationFlag = CancellationFlag()
  ) throws(AviaryError) {
    try plan.validate(bindings)
    let judge = Reference()
    for step in plan.steps {
      var operands: [Snapshot] = []
      for k in step.operands { operands.append(try Snapshot(plan.views[k], bindings, backend)) }
      // Scatters write to what was there before.
      let before = try Snapshot(step.output, bindings, backend)

      let single = Plan(steps: [step.alone], views: Array(plan.views[step.operands]), arenaBytes: plan.arenaBytes)
      try backend.execute(single, bindings, cancel)

      let found = try Snapshot(step.output, bindings, backend).values
      let wanted = try judge.values(of: step, operands, before, cancel)
      try compare(step, operands, found, wanted, compute, backend.capabilities.roundsActivations)
    }
  }

  private static func compare(_ step: PlanStep, _ operands: [Snapshot], _ found: [Double], _ wanted: [Double], _ compute: DType, _ roundsActivations: Bool)
    throws(AviaryError)
  {
    let extents = operands.map(\.extent)
    if let bad = found.firstIndex(where: { !$0.isFinite }), !extents.isEmpty, extents.allSatisfy(\.isFinite) {
      throw AviaryError(
        .numeric, "\(step.op) gives \(found[bad]) at element \(bad) of \(step.output.shape)",
        wanted: "a number, as all operands are (reference: \(wanted[bad]))", at: step.path.description)
    }
    let isRounded = roundsActivations && step.op.isProduct && operands[1].view.dtype.isQuantised
    let tolerance = step.op.tolerance(
      extents.map(\.largest), terms: step.op.terms(operands.map(\.view.shape)), compute: compute, rounded: isRounded)
    if zip(found, wanted).allSatisfy(tolerance.accepts) { return }
    var (absolute, relative, worst) = (0.0, 0.0, 0)
    for (i, (x, y)) in zip(found, wanted).enumerated() where x != y && !(x.isNaN && y.isNaN) {
      let error = (x - y).isNaN ? .infinity : abs(x - y)
      if error > absolute { (absolute, worst) = (error, i) }
      relative = max(relative, y == 0 ? error : error / abs(y))
    }
    throw AviaryError(
      .numeric,
      "\(step.op) diverges: largest absolute error \(absolute), relative \(relative); element \(worst) of \(step.output.shape) is \(found[worst])",
      wanted: "\(wanted[worst]) within \(tolerance.floor) + \(tolerance.relative) of it", at: step.path.description)
  }
}

extension PlanStep {
  /// The same step in a plan that has only its operands as views.
  var alone: PlanStep { PlanStep(op: op, operands: 0..<operands.count, output: output, path: path) }
}

extension Reference {
  /// One step on the host: operands as weights 0, 1, ..., the output in the arena.
  fileprivate func values(of step: PlanStep, _ operands: [Snapshot], _ output: Snapshot, _ cancel: CancellationFlag) throws(AviaryError) -> [Double] {
    var views: [View] = []
    for (slot, operand) in operands.enumerated() {
      var view = operand.view
      view.place = .weight(Int32(slot))
      views.append(view)
    }
    var target = output
    target.view.place = .arena(0)
    let plan = Plan(
      steps: [PlanStep(op: step.op, operands: 0..<views.count, output: target.view, path: step.path)], views: views,
      arenaBytes: output.buffer.byteCount)
    try execute(plan, Bindings(weights: operands.map { BufferSlice($0.buffer) }, arena: BufferSlice(output.buffer)), cancel)
    return target.values
  }
}
