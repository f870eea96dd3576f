public import AviaryTensor

/// What a trainer needs to go on as if it had never stopped, beside the weights that a checkpoint has.
extension Trainer {
  public struct State: Sendable {
    public var step: Int
    public var passes: UInt64
    /// Numbers by name: moments, averages, perhaps the weights.
    public var tensors: [(name: String, shape: Shape, values: [Float])]
    public init(step: Int, passes: UInt64, tensors: [(name: String, shape: Shape, values: [Float])]) {
      self.step = step
      self.passes = passes
      self.tensors = tensors
    }
  }

  /// - Parameter values: whether the weights themselves are in it, for checkpoints that do not hold their f32 numbers.
  public func state(values: Bool) throws(AviaryError) -> State {
    var state = State(step: step, passes: passes, tensors: [])
    for parameter in store.parameters {
      for (word, kind) in kinds + (values ? [("value", .value)] : []) {
        state.tensors.append(("\(word).\(parameter.name)", parameter.shape, try store.floats(kind, of: parameter)))
      }
    }
    return state
  }

  /// - Throws: `.weights` where the state is of another model or of other settings.
  public func restore(_ state: State) throws(AviaryError) {
    let saved = Dictionary(state.tensors.map { ($0.name, $0.values) }, uniquingKeysWith: { first, _ in first })
    for parameter in store.parameters {
      if let values = saved["value.\(parameter.name)"], values.count == parameter.count { try store.set(.value, values, of: parameter) }
      for (word, kind) in kinds {
        guard let values = saved["\(word).\(parameter.name)"], values.count == parameter.count else {
          throw AviaryError(.weights, "the optimiser's state has no \(word).\(parameter.name) of \(parameter.shape)", wanted: "the state of a run with these settings", at: loaded.name)
        }
        try store.set(kind, values, of: parameter)
      }
    }
    resume(step: state.step, passes: state.passes)
  }

  private var kinds: [(String, ParameterStore.Kind)] {
    (0..<options.optimizer.moments).map { ("moment\($0)", .moment($0)) } + (store.has(.average) ? [("average", .average)] : [])
  }
}
