import AviaryTensor
import Dispatch

extension DType {
  /// This quantised type, or the one like it that a weight's rows fill, f16 where the backend does not read that; nil for what is neither a matrix of products nor a
  /// table of tokens.
  func quantised(_ shape: Shape, under name: String, read types: Set<DType>) -> DType? {
    let isArithmetic = ["position", "codebook", "quantize."].contains { name.contains($0) }
    guard shape.count == 2, name.hasSuffix("weight"), !isArithmetic else { return nil }
    let fitting = fitting(rows: shape[-1])
    return types.contains(fitting) ? fitting : .f16
  }
}

/// Conversion of a tensor on its way to a backend, piece by piece: what is never in memory is the tensor in both types.
extension StoredTensor {
  /// Whether `convert` knows the way from one type to the other.
  static func converts(_ from: DType, to: DType) -> Bool { from.isWeight && DType.storable.contains(to) }

  /// In which type a weight of that name is stored where `wanted` is asked for: a quantised type is for matrices of
  /// products and for tables of tokens alone, and for rows that fill its blocks.
  func stored(as wanted: DType, under name: String, read types: Set<DType>) -> DType {
    guard wanted.isQuantised else { return wanted }
    return wanted.quantised(shape, under: name, read: types) ?? (dtype.isQuantised ? .f16 : dtype)
  }

  /// Writes the elements as `dtype` (rounded to nearest even, or quantised) to a buffer of the right size.
  func convert(to dtype: DType, into buffer: any Buffer, on backend: any Backend) throws(AviaryError) {
    let count = shape.elements
    let lanes = 4
    var block = [UInt8](repeating: 0, count: dtype.byteCount(elements: min(count, lanes * Self.piece)) ?? 0)
    for start in stride(from: 0, to: count, by: lanes * Self.piece) {
      let end = min(start + lanes * Self.piece, count)
      let bytes = dtype.byteOffset(of: end - start)
      var failure: AviaryError?
      block.withUnsafeMutableBytes { target in
        nonisolated(unsafe) let target = target
        DispatchQueue.concurrentPerform(iterations: (end - start + Self.piece - 1) / Self.piece) { lane in
          let first = start + lane * Self.piece
          write(first..<min(first + Self.piece, end), as: dtype, to: UnsafeMutableRawBufferPointer(rebasing: target[dtype.byteOffset(of: lane * Self.piece)..<bytes]))
        }
        do throws(AviaryError) {
          try backend.upload(
            UnsafeRawBufferPointer(rebasing: target[..<bytes]), to: BufferSlice(buffer, offset: dtype.byteOffset(of: start), byteCount: bytes))
        } catch { failure = error }
      }
      if let failure { throw failure }
    }
  }

  private func write(_ range: Range<Int>, as dtype: DType, to target: UnsafeMutableRawBufferPointer) {
    withUnsafeTemporaryAllocation(of: Float.self, capacity: range.count) { floats in
      floats.initialize(repeating: 0)
      read(range, into: floats)
      dtype.store(UnsafeBufferPointer(floats), into: target)
    }
  }
}
