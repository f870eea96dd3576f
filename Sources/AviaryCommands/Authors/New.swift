import ArgumentParser

/// Begins something new, for authors of models.
struct New: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Begin a new model family, or make a checkpoint of random numbers.", subcommands: [NewArchitecture.self, NewCheckpoint.self])
}
