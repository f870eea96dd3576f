/// The one error type of the package: what was read, what was wanted, and where.
///
/// A bad file, request or configuration always becomes an `AviaryError`; it never traps. The text is ours: a
/// library's own message is not passed on, since such messages have leaked addresses and paths elsewhere.
public struct AviaryError: Error, Hashable, Sendable {
  /// Whose mistake it is and of what sort. Decides the exit code of the command line.
  public enum Kind: String, Hashable, Sendable {
    case file  // missing, unreadable, not a regular file
    case format  // bytes that break their format's rules
    case config  // a model's or the user's configuration
    case weights  // tensors missing, unknown, or of another shape
    case request  // what the user asked for cannot be done
    case limit  // over a limit of `Limits`
    case memory  // more memory than there is, or than was allowed
    case device  // the backend or its device
    case numeric  // NaN or infinity where a number must be
    case cancelled  // the user stopped it
    case `internal`  // our own mistake
  }

  public var kind: Kind
  /// What was read or found, in a sentence: "tensor `a.weight` has shape [3, 4]".
  public var found: String
  /// What was wanted instead: "[4, 3]". Empty when `found` says it all.
  public var wanted: String
  /// Where: a file and offset, a key path, a module path. Empty when there is no place.
  public var place: String

  public init(_ kind: Kind, _ found: String, wanted: String = "", at place: String = "") {
    self.kind = kind
    self.found = found
    self.wanted = wanted
    self.place = place
  }

  /// The same error with an outer place in front: `at("model.safetensors")`.
  public func at(_ outer: String) -> AviaryError {
    var copy = self
    copy.place = place.isEmpty ? outer : "\(outer): \(place)"
    return copy
  }

  /// 2 for the user's mistake, 1 for ours, 130 when cancelled by Ctrl-C.
  public var exitCode: Int32 {
    switch kind {
    case .internal, .numeric: 1
    case .cancelled: 130
    default: 2
    }
  }
}

extension AviaryError: CustomStringConvertible {
  public var description: String {
    var text = place.isEmpty ? "" : "\(place): "
    text += found
    if !wanted.isEmpty { text += "; wanted \(wanted)" }
    return text
  }
}
