import AviaryTensor
import Testing

/// A backend that every contract test runs on. Adding a backend is one line in `all`, and its target in Package.swift.
struct BackendUnderTest: Sendable, CustomTestStringConvertible {
  static let all: [BackendUnderTest] = [
    BackendUnderTest(Reference.self)
  ]

  let testDescription: String
  let make: @Sendable () throws(AviaryError) -> any Backend

  init<B: Backend>(_ type: B.Type) {
    testDescription = B.id
    make = { () throws(AviaryError) in try B(BackendOptions()) }
  }
}
