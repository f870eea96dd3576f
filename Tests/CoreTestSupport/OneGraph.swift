public import AviaryCore
public import AviaryTensor

/// Records one graph over some inputs, runs it, and reads its one output.
public enum OneGraph {
  public static func run(
    _ weights: ModelWeights, on backend: any Backend, _ inputs: [(shape: Shape, values: [Float])], positions: [Int32] = [], _ record: ([Tensor]) -> Tensor
  ) throws -> (values: [Float], shape: [Int]) {
    let loaded = LoadedModel(architecture: "graph", model: Nothing(), weights: weights, processor: nil, backend: backend, name: "graph")
    let runner = try GraphRunner(loaded, states: [])
    var shape: [Int] = []
    let planned = try runner.plan { graph in
      var x = inputs.enumerated().map { graph.input($0.offset, $0.element.shape, .f32) }
      if !positions.isEmpty { x.append(graph.input(inputs.count, [positions.count], .i32)) }
      let output = record(x)
      shape = output.shape.dims
      return [output]
    }
    let data = inputs.map { GraphRunner.Input.floats($0.values) } + (positions.isEmpty ? [] : [.ints(positions)])
    return (try runner.run(planned, data).outputs[0], shape)
  }

  /// A model that is never asked for anything.
  private struct Nothing: MultimodalModel, LanguageModel {
    var language: Nothing { self }
    var canSee: Bool { false }
    var viewShapes: [Shape] { [] }
    var width: Int { 1 }
    var vocabularySize: Int { 1 }
    var contextLength: Int { 1 }
    var cacheShapes: [KVShape] { [] }
    func perceive(_ views: [Tensor], _ layout: MediaLayout) -> Percept { .soft(views[0]) }
    func embed(_ ids: Tensor) -> Tensor { ids }
    func callAsFunction(_ x: Tensor, _ step: Step) -> Tensor { x }
    func logits(_ hidden: Tensor) -> Tensor { hidden }
  }
}
