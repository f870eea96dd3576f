public import AviaryTensor

/// Two sources as one; the parts of a composed checkpoint have different names.
public struct JoinedSource: WeightSource {
  let first: any WeightSource
  let second: any WeightSource
  private let firstNames: Set<String>

  public init(_ first: any WeightSource, _ second: any WeightSource) {
    self.first = first
    self.second = second
    firstNames = Set(first.names)
  }

  /// A name that both have is listed twice, and loading reports it.
  public var names: [String] { first.names + second.names }
  public var summary: String { "\(first.summary) and \(second.summary)" }
  public func tensor(_ name: String) throws(AviaryError) -> StoredTensor? {
    firstNames.contains(name) ? try first.tensor(name) : try second.tensor(name)
  }
}
