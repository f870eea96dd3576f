public import AviaryTensor
public import Testing

/// Expects an error of that kind whose text has all of these parts: a file's, a key's, a number's.
public func expectError(
  _ kind: AviaryError.Kind, _ parts: String..., sourceLocation: SourceLocation = #_sourceLocation, _ body: () throws -> Void
) {
  do {
    try body()
    Issue.record("no error was thrown, wanted \(kind): \(parts)", sourceLocation: sourceLocation)
  } catch {
    check(error, kind, parts, sourceLocation)
  }
}

/// The same for asynchronous work.
public func expectError(
  _ kind: AviaryError.Kind, _ parts: String..., sourceLocation: SourceLocation = #_sourceLocation, _ body: () async throws -> Void
) async {
  do {
    try await body()
    Issue.record("no error was thrown, wanted \(kind): \(parts)", sourceLocation: sourceLocation)
  } catch {
    check(error, kind, parts, sourceLocation)
  }
}

private func check(_ error: any Error, _ kind: AviaryError.Kind, _ parts: [String], _ sourceLocation: SourceLocation) {
  guard let error = error as? AviaryError else {
    Issue.record("\(error) is no AviaryError", sourceLocation: sourceLocation)
    return
  }
  #expect(error.kind == kind, "\(error)", sourceLocation: sourceLocation)
  for part in parts { #expect(error.description.contains(part), "\(error)", sourceLocation: sourceLocation) }
}
