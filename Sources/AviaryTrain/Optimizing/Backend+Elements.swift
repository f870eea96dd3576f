import AviaryTensor

extension Backend {
  /// A slice's bytes as numbers of one kind.
  func elements<T: BitwiseCopyable & ExpressibleByIntegerLiteral>(_ slice: BufferSlice) throws(AviaryError) -> [T] {
    var values = [T](repeating: 0, count: slice.byteCount / MemoryLayout<T>.stride)
    var failure: AviaryError?
    values.withUnsafeMutableBytes { bytes in
      do throws(AviaryError) { try download(slice, into: bytes) } catch { failure = error }
    }
    if let failure { throw failure }
    return values
  }

  func floats(_ slice: BufferSlice) throws(AviaryError) -> [Float] { try elements(slice) }

  func upload<T: BitwiseCopyable>(_ values: [T], to slice: BufferSlice) throws(AviaryError) {
    var failure: AviaryError?
    values.withUnsafeBytes { bytes in
      do throws(AviaryError) { try upload(bytes, to: slice) } catch { failure = error }
    }
    if let failure { throw failure }
  }

  /// By way of the host, for load time.
  func copy(_ source: BufferSlice, to target: BufferSlice) throws(AviaryError) {
    let bytes: [UInt8] = try elements(source)
    try upload(bytes, to: target)
  }
}
