public import AviaryTensor

/// A model ready to run: its composition, its weights on a backend, its processor.
public final class LoadedModel: Sendable {
  public let architecture: String
  public let model: any MultimodalModel
  public let weights: ModelWeights
  public let processor: (any Processor)?
  public let backend: any Backend
  /// What stands for this model in keys and messages: the folder's name.
  public let name: String
  /// What a user should be told about the checkpoint, a sentence each.
  public let notices: [String]

  public init(
    architecture: String, model: any MultimodalModel, weights: ModelWeights, processor: (any Processor)?, backend: any Backend, name: String,
    notices: [String] = []
  ) {
    self.architecture = architecture
    self.model = model
    self.weights = weights
    self.processor = processor
    self.backend = backend
    self.name = name
    self.notices = notices
  }
}
