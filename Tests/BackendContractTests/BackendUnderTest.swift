import AviaryTensor
import BackendCPU
import BackendVulkan
import SmallBackend
import Testing

/// A backend that every contract test runs on. Adding a backend is one line in `all`, and its target in Package.swift.
struct BackendUnderTest: Sendable, CustomTestStringConvertible {
  static let all: [BackendUnderTest] = [
    BackendUnderTest(Reference.self),
    // An instruction set that the processor lacks falls back to the best that it has.
    BackendUnderTest(CPUBackend.self, isa: "scalar"),
    BackendUnderTest(CPUBackend.self, isa: "avx2"),
    BackendUnderTest(CPUBackend.self, isa: "avx512"),
    BackendUnderTest(VulkanBackend.self),
    BackendUnderTest(SmallBackend.self),
  ]

  /// Products with quantised weights on activations as they are.
  static let exact = BackendUnderTest(CPUBackend.self, compute: .f32)

  let testDescription: String
  let make: @Sendable () throws(AviaryError) -> any Backend

  init<B: Backend>(_ type: B.Type, isa: String? = nil, compute: DType? = nil) {
    testDescription = [B.id, isa, compute?.description].compactMap { $0 }.joined(separator: " ")
    var options = BackendOptions()
    if let isa { options.extra["isa"] = isa }
    options.compute = compute
    make = { [options] () throws(AviaryError) in try B(options) }
  }
}
