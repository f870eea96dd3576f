import AviaryCore
import AviaryTensor

extension JSONReader {
  /// Reads `-? int frac? exp?`. An integer that fits is `.int`; everything else, where finite, is `.double`.
  mutating func number(_ s: Span<UInt8>) throws(AviaryError) -> JSONValue {
    let start = i
    let negative = s[i] == UInt8(ascii: "-")
    if negative { i += 1 }
    let firstDigit = i
    var magnitude = 0  // negative, since Int.min has no positive twin
    var fits = true
    while let digit = digit(s) {
      let (tens, overflow) = magnitude.multipliedReportingOverflow(by: 10)
      let (sum, underflow) = tens.subtractingReportingOverflow(digit)
      if overflow || underflow { fits = false } else { magnitude = sum }
      i += 1
    }
    guard i > firstDigit else { throw error(.format, "unexpected \(character(s))", wanted: "a digit", at: i, s) }
    guard i == firstDigit + 1 || s[firstDigit] != UInt8(ascii: "0") else {
      throw error(.format, "a number with a leading zero", at: start, s)
    }
    var isInteger = true
    if i < s.count, s[i] == UInt8(ascii: ".") {
      isInteger = false
      i += 1
      try digits(s)
    }
    if i < s.count, s[i] == UInt8(ascii: "e") || s[i] == UInt8(ascii: "E") {
      isInteger = false
      i += 1
      if i < s.count, s[i] == UInt8(ascii: "+") || s[i] == UInt8(ascii: "-") { i += 1 }
      try digits(s)
    }
    if isInteger, fits {
      if negative { return .int(magnitude) }
      let (positive, overflow) = (0).subtractingReportingOverflow(magnitude)
      if !overflow { return .int(positive) }
    }
    guard i - start <= limits.jsonNumberBytes else {
      let wanted = "at most \(limits.jsonNumberBytes)"
      throw error(.limit, "a number of \(i - start) characters", wanted: wanted, at: start, s)
    }
    let text = s.extracting(start..<i).withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) }
    guard let double = Double(text), double.isFinite else {
      throw error(.format, "the number \(quoted(text)) is too big", wanted: "a finite double", at: start, s)
    }
    return .double(double)
  }

  private func digit(_ s: Span<UInt8>) -> Int? {
    guard i < s.count, s[i] >= UInt8(ascii: "0"), s[i] <= UInt8(ascii: "9") else { return nil }
    return Int(s[i] - UInt8(ascii: "0"))
  }

  private mutating func digits(_ s: Span<UInt8>) throws(AviaryError) {
    guard digit(s) != nil else {
      throw error(.format, "unexpected \(character(s)) in a number", wanted: "a digit", at: i, s)
    }
    while digit(s) != nil { i += 1 }
  }
}
