/// How a weight begins where a model is trained from nothing, and its name and shape do not say it; see `Weights.begins`.
public enum Beginning: Sendable, Hashable {
  /// All numbers are this one.
  case constant(Float)
  /// Places of a picture's patches, that many times as large as a table of tokens.
  case places(times: Float)
  /// Another weight's numbers, by its whole name.
  case like(String)
}
