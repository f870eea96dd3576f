/// Finds where numbers stop being numbers.
public enum NonFinite {
  /// Runs a plan step by step and gives an error about the first step whose result has NaN or +infinity where its operands have none, with
  /// the path of the module that recorded it; nil where there is no such step. Minus infinity is a mask's usual number.
  public static func first(_ plan: Plan, _ bindings: Bindings, on backend: some Backend) throws(AviaryError) -> AviaryError? {
    try plan.validate(bindings)
    for step in plan.steps {
      let single = Plan(
        steps: [PlanStep(op: step.op, operands: 0..<step.operands.count, output: step.output, path: step.path)], views: Array(plan.views[step.operands]),
        arenaBytes: plan.arenaBytes)
      try backend.execute(single, bindings, CancellationFlag())
      guard step.output.dtype == .f32, case .arena(let offset) = step.output.place, let count = step.output.byteEnd, count > 0 else { continue }
      let buffer = try HostBuffer(zeroed: count)
      let start = bindings.arena.offset + offset + step.output.offset * 4
      try backend.download(BufferSlice(bindings.arena.buffer, offset: start, byteCount: count), into: buffer.bytes)
      let values = buffer.bytes.assumingMemoryBound(to: Float.self)
      if let bad = values.firstIndex(where: { $0.isNaN || $0 == .infinity }) {
        return AviaryError(.numeric, "\(step.op) gives \(values[bad]) at element \(bad) of \(step.output.shape)", wanted: "numbers", at: step.path.description)
      }
    }
    return nil
  }
}
