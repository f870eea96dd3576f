import AviaryTensor
import CPCRE2

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// A compiled pattern of a tokenizer file (PCRE2, Unicode properties on).
///
/// Sendable because a compiled pattern is never written to again; every search brings its own scratch memory.
final class TextPattern: @unchecked Sendable {
  private let code: OpaquePointer
  /// The pattern as the file has it.
  let source: String

  /// Longest pattern read from a file, in UTF-8 bytes.
  private static let longestPattern = 1 << 16

  init(_ source: String) throws(AviaryError) {
    guard source.utf8.count <= TextPattern.longestPattern else {
      throw AviaryError(
        .limit, "a pattern of \(source.utf8.count) bytes", wanted: "at most \(TextPattern.longestPattern)")
    }
    let translated = try PatternSyntax.translate(source)
    // In the files' syntax `^` and `$` match at every line.
    let options = PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE | PCRE2_NEVER_BACKSLASH_C | PCRE2_USE_OFFSET_LIMIT
    switch TextPattern.compile(translated, options: options) {
    case .success(let code):
      self.code = code
      self.source = source
    case .failure(let flaw):
      throw AviaryError(
        .format, "the pattern \"\(source.prefix(60))\" is no regular expression (PCRE2 error \(flaw.code))",
        at: "character \(flaw.offset)")
    }
    pcre2_jit_compile_8(code, UInt32(PCRE2_JIT_COMPLETE))
  }

  /// A pattern that matches this text and nothing else.
  convenience init(literal text: String) throws(AviaryError) {
    var escaped = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
      if scalar.isASCII, scalar.value > 0x20, !scalar.properties.isAlphabetic, !("0"..."9").contains(scalar) {
        escaped.append("\\")
      }
      escaped.append(scalar)
    }
    try self.init(String(escaped))
  }

  deinit { pcre2_code_free_8(code) }

  fileprivate var pointer: OpaquePointer { code }

  static func isScript(_ name: String) -> Bool {
    guard case .success(let code) = compile("\\p{sc:\(name)}", options: UInt32(PCRE2_UTF)) else { return false }
    pcre2_code_free_8(code)
    return true
  }

  private struct Flaw: Error {
    var code: Int32
    var offset: Int
  }

  private static func compile(_ pattern: String, options: UInt32) -> Result<OpaquePointer, Flaw> {
    var code: Int32 = 0
    var offset = 0
    let context = pcre2_compile_context_create_8(nil)
    defer { pcre2_compile_context_free_8(context) }
    pcre2_set_newline_8(context, UInt32(PCRE2_NEWLINE_LF))
    let bytes = Array(pattern.utf8)
    let compiled = pcre2_compile_8(bytes, bytes.count, options, &code, &offset, context)
    return compiled.map(Result.success) ?? .failure(Flaw(code: code, offset: offset))
  }
}

/// Scratch memory and the time budget of the searches of one text.
///
/// PCRE2's own limits bound one attempt at one place. A pattern such as `\s+$` is harmless at each place and still
/// quadratic over a long run of blanks, so the places are tried in windows, and a clock is read between windows: that of the thread's own work, since a machine that
/// slept, or a process that was stopped, has not searched for long.
final class PatternSearch {
  private let data: OpaquePointer?
  private let context: OpaquePointer?
  private var calls = 0
  private let deadline: Double
  private let seconds: Double

  private static let matchLimit: UInt32 = 10_000_000
  private static let heapKiB: UInt32 = 64 << 10
  /// Characters that one call may look at, roughly: places in its window times what lies behind them.
  private static let workPerCall = 1 << 24

  /// - Parameter seconds: time that this thread may work on all searches made with this object.
  init(seconds: Double) {
    data = pcre2_match_data_create_8(1, nil)
    context = pcre2_match_context_create_8(nil)
    pcre2_set_match_limit_8(context, PatternSearch.matchLimit)
    pcre2_set_heap_limit_8(context, PatternSearch.heapKiB)
    self.seconds = seconds
    deadline = Self.secondsOfThread() + seconds
  }

  private static func secondsOfThread() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }

  deinit {
    pcre2_match_data_free_8(data)
    pcre2_match_context_free_8(context)
  }

  /// All matches in `text[range]`, which the pattern sees as a whole text of its own. An empty match directly behind
  /// another match does not count.
  func matches(_ pattern: TextPattern, in text: Span<UInt8>, _ range: Range<Int>, into found: inout [Range<Int>])
    throws(AviaryError)
  {
    found.removeAll(keepingCapacity: true)
    var failure: AviaryError?
    text.extracting(range).withUnsafeBufferPointer { subject in
      failure = collect(pattern, subject, shift: range.lowerBound, into: &found)
    }
    if let failure { throw failure }
  }

  private func collect(
    _ pattern: TextPattern, _ subject: UnsafeBufferPointer<UInt8>, shift: Int, into found: inout [Range<Int>]
  ) -> AviaryError? {
    guard let data, let context else { return AviaryError(.memory, "no memory for a pattern search") }
    var start = 0
    var lastEnd = -1
    while start <= subject.count {
      let window = max(1, PatternSearch.workPerCall / max(1, subject.count - start))
      let windowEnd = window < subject.count - start ? start + window : subject.count
      pcre2_set_offset_limit_8(context, windowEnd)
      if let late = checkClock(pattern) { return late }
      var rc = find(pattern, subject, start, options: PCRE2_NO_UTF_CHECK)
      if rc == PCRE2_ERROR_JIT_STACKLIMIT {
        rc = find(pattern, subject, start, options: PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT)
      }
      if rc == PCRE2_ERROR_NOMATCH {
        if windowEnd == subject.count { return nil }
        start = nextScalar(in: subject, after: windowEnd)
        continue
      }
      guard rc >= 0, let offsets = pcre2_get_ovector_pointer_8(data) else { return tooHard(pattern) }
      let (low, high) = (offsets[0], offsets[1])
      guard low >= start, high >= low, high <= subject.count else { return tooHard(pattern) }
      if low == high, low == lastEnd {
        start = nextScalar(in: subject, after: low)
        continue
      }
      found.append(low + shift..<high + shift)
      lastEnd = high
      start = high
    }
    return nil
  }

  private func find(
    _ pattern: TextPattern, _ subject: UnsafeBufferPointer<UInt8>, _ start: Int, options: UInt32
  ) -> Int32 {
    // PCRE2 refuses a nil subject even when it is empty.
    guard let base = subject.baseAddress else {
      return [UInt8(0)].withUnsafeBufferPointer {
        pcre2_match_8(pattern.pointer, $0.baseAddress, 0, 0, options, data, context)
      }
    }
    return pcre2_match_8(pattern.pointer, base, subject.count, start, options, data, context)
  }

  private func nextScalar(in subject: UnsafeBufferPointer<UInt8>, after position: Int) -> Int {
    var next = position + 1
    while next < subject.count, subject[next] & 0xc0 == 0x80 { next += 1 }
    return next
  }

  private func checkClock(_ pattern: TextPattern) -> AviaryError? {
    calls += 1
    guard calls % 16 == 0, Self.secondsOfThread() > deadline else { return nil }
    return AviaryError(
      .limit, "splitting the text by the pattern \"\(pattern.source.prefix(60))\" takes too long",
      wanted: "at most \(seconds) s")
  }

  private func tooHard(_ pattern: TextPattern) -> AviaryError {
    AviaryError(.limit, "the pattern \"\(pattern.source.prefix(60))\" goes back and forth too often on this text")
  }
}
