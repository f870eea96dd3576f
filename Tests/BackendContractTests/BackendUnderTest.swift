import AviaryTensor
import BackendCPU
import Testing

/// A backend that every contract test runs on. Adding a backend is one line in `all`, and its target in Package.swift.
struct BackendUnderTest: Sendable, CustomTestStringConvertible {
  static let all: [BackendUnderTest] = [
    BackendUnderTest(Reference.self),
    // An instruction set that the processor lacks falls back to the best that it has.
    BackendUnderTest(CPUBackend.self, isa: "scalar"),
    BackendUnderTest(CPUBackend.self, isa: "avx2"),
    BackendUnderTest(CPUBackend.self, isa: "avx512"),
  ]

  let testDescription: String
  let make: @Sendable () throws(AviaryError) -> any Backend

  init<B: Backend>(_ type: B.Type, isa: String? = nil) {
    testDescription = isa.map { "\(B.id) \($0)" } ?? B.id
    var options = BackendOptions()
    if let isa { options.extra["isa"] = isa }
    make = { [options] () throws(AviaryError) in try B(options) }
  }
}
