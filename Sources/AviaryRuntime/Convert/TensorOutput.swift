import AviaryCore
import AviaryFormats
import AviaryTensor
import Dispatch
import Synchronization

/// An order of a matrix's rows that llama.cpp's files have and published checkpoints have not.
enum RowOrder: Sendable {
  /// Of queries and keys: each head's two halves in turn, so that rotated pairs are neighbours.
  case pairs(heads: Int, head: Int)
  /// Of GPT-NeoX's joint matrix: all queries, all keys, all values instead of each head's three in turn.
  case thirds(heads: Int, head: Int)

  /// Which row of the checkpoint is row `index` of the file.
  func source(of index: Int) -> Int {
    switch self {
    case .pairs(_, let head):
      let (h, i) = (index / head, index % head)
      return h * head + i % 2 * (head / 2) + i / 2
    case .thirds(let heads, let head):
      let (third, h, i) = (index / (heads * head), index / head % heads, index % head)
      return (h * 3 + third) * head + i
    }
  }

  /// Rows of the matrix.
  var rows: Int {
    switch self {
    case .pairs(let heads, let head): heads * head
    case .thirds(let heads, let head): 3 * heads * head
    }
  }
}

extension StoredTensor {
  /// A tensor of this shape that is all zeros.
  func zeros() throws(AviaryError) -> StoredTensor {
    StoredTensor(name: name, shape: shape, dtype: .f32, pages: try OwnedPages([Float](repeating: 0, count: shape.elements), name: name), offset: 0)
  }

  /// A vector with a number added to each of its own, as f32.
  func adding(_ offset: Float) throws(AviaryError) -> StoredTensor {
    StoredTensor(name: name, shape: shape, dtype: .f32, pages: try OwnedPages(floats().map { $0 + offset }, name: name), offset: 0)
  }

  /// The tensor for a GGUF file: vectors as f32, matrices as `dtype` or what fits their rows.
  func output(_ name: String, as dtype: DType, _ order: RowOrder?) -> TensorOutput {
    let row = shape.count == 0 ? 1 : shape[-1]
    let wanted = shape.count < 2 ? .f32 : dtype.fitting(rows: row)
    // Convolutions are no products over rows: they stay floats.
    let type = shape.count > 2 && wanted.isQuantised ? .f16 : wanted
    return output(name, shape.count == 0 ? [1] : shape, storedAs: type, order)
  }

  /// The tensor with its numbers in another type.
  ///
  /// Writing throws `.weights` where a number is too large for f16.
  func output(_ name: String, _ shape: Shape, storedAs type: DType, _ order: RowOrder? = nil) -> TensorOutput {
    TensorOutput(name, shape, type) { (sink) throws(AviaryError) in
      try withExtendedLifetime(pages) { () throws(AviaryError) in
        if self.dtype == type, order == nil { return try sink(bytes) }
        try convert(to: type, order, sink)
      }
    }
  }

  /// Pieces of whole rows, made by all cores, in the order of the file.
  private func convert(to type: DType, _ order: RowOrder?, _ sink: (UnsafeRawBufferPointer) throws(AviaryError) -> Void) throws(AviaryError) {
    // A vector is ordered as a matrix of one column is.
    let row = shape.count < 2 ? 1 : shape[-1]
    let rows = shape.elements / max(row, 1)
    let step = max(1, StoredTensor.piece / row)
    let lanes = 4
    for start in stride(from: 0, to: rows, by: step * lanes) {
      let end = min(start + step * lanes, rows)
      guard let size = type.byteCount(elements: (end - start) * row) else { throw AviaryError(.internal, "rows of \(row) in \(type)", at: name) }
      var block = [UInt8](repeating: 0, count: size)
      let fits = Mutex(true)
      block.withUnsafeMutableBytes { target in
        nonisolated(unsafe) let target = target
        DispatchQueue.concurrentPerform(iterations: (end - start + step - 1) / step) { lane in
          let (first, last) = (start + lane * step, min(start + (lane + 1) * step, end))
          var floats = [Float](repeating: 0, count: (last - first) * row)
          floats.withUnsafeMutableBufferPointer { floats in
            if let order {
              for index in first..<last { read(rowOf: order.source(of: index), row, into: UnsafeMutableBufferPointer(rebasing: floats[((index - first) * row)..<((index - first + 1) * row)])) }
            } else {
              read(first * row..<last * row, into: floats)
            }
            // What is no finite number already stays what it is.
            if type == .f16, floats.contains(where: { abs($0) > 65504 && abs($0) < .infinity }) { fits.withLock { $0 = false } }
            let from = type.byteOffset(of: (first - start) * row)
            type.store(UnsafeBufferPointer(floats), into: UnsafeMutableRawBufferPointer(rebasing: target[from..<type.byteOffset(of: (last - start) * row)]))
          }
        }
      }
      guard fits.withLock({ $0 }) else { throw AviaryError(.weights, "a number beyond 65504", wanted: "numbers that f16 holds, or the type bf16", at: "tensor \(quoted(name))") }
      try block.span.withUnsafeBytes { (bytes) throws(AviaryError) in try sink(bytes) }
    }
  }

  private func read(rowOf index: Int, _ row: Int, into floats: UnsafeMutableBufferPointer<Float>) { read(index * row..<(index + 1) * row, into: floats) }
}
