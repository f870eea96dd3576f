import AviaryCore
import AviaryTensor

/// What all fuzz targets share. A target gives an input to a parser, touches everything that comes of it, and lets
/// `AviaryError` pass: any other end of the process is a finding.
enum Fuzz {
  /// The limits, with those lowered that would let one input take seconds.
  static let limits: Limits = {
    var limits = Limits.standard
    limits.imagePixels = 1 << 20
    limits.imageDecodeSeconds = 5
    limits.textBytes = 1 << 20
    return limits
  }()

  /// The same for chat templates: a million steps take a second.
  static let templateLimits: Limits = {
    var limits = Fuzz.limits
    limits.templateSteps = 20_000
    return limits
  }()

  /// The input of one run. Valid during the call only, as libFuzzer has it.
  static func bytes(_ start: UnsafePointer<UInt8>?, _ count: Int) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: start, count: count)
  }

  /// Reads every byte, so that AddressSanitizer sees where it lies.
  static func touch(_ bytes: UnsafeRawBufferPointer) {
    var sum: UInt8 = 0
    for byte in bytes { sum &+= byte }
    sink = sum
  }

  /// Ends the process where something that must hold does not.
  static func require(_ holds: Bool, _ what: String) {
    if !holds { fatalError(what) }
  }

  /// The planted bug: reached only by an input that no seed holds, behind a parser that has accepted it.
  static func canary(_ isReached: @autoclosure () -> Bool) {
    #if FUZZ_CANARY
    if isReached() { fatalError("FUZZ_CANARY") }
    #endif
  }

  /// Whether a text holds a sign that nothing in the seeds is named with: what canaries look for.
  static func isMarked(_ text: String) -> Bool { text.utf8.contains { "#$&@^`~".utf8.contains($0) || (1..<9).contains($0) } }

  /// Whether a name is spelled as no seed spells one, for parsers of which few mutations are accepted.
  static func isOdd(_ name: String) -> Bool {
    name.utf8.contains { $0 < 0x80 && !"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._".utf8.contains($0) }
  }

  nonisolated(unsafe) private static var sink: UInt8 = 0
}

/// A file that consists of the input.
final class InputPages: Pages, @unchecked Sendable {
  // Sendable: never written, and confined to one run.
  let bytes: UnsafeRawBufferPointer
  let name = "input"
  init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }
}
