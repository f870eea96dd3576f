import AviaryTensor

/// Copies a strided view into row-major order.
enum StridedCopy {
  /// - Parameters:
  ///   - source: the whole storage.
  ///   - target: exactly the tensor's elements.
  static func copy(
    _ tensor: PickledTensor, from source: UnsafeRawBufferPointer, to target: UnsafeMutableRawBufferPointer
  ) throws(AviaryError) {
    switch tensor.storage.dtype.blockBytes {
    case 1: try copy(tensor, from: source, to: target, as: UInt8.self)
    case 2: try copy(tensor, from: source, to: target, as: UInt16.self)
    case 4: try copy(tensor, from: source, to: target, as: UInt32.self)
    default: try copy(tensor, from: source, to: target, as: UInt64.self)
    }
  }

  private static func copy<T: BitwiseCopyable>(
    _ tensor: PickledTensor, from source: UnsafeRawBufferPointer, to target: UnsafeMutableRawBufferPointer, as: T.Type
  ) throws(AviaryError) {
    let width = MemoryLayout<T>.size
    let count = source.count / width
    let dims = tensor.shape.dims
    let inner = dims.last ?? 1
    let innerStride = tensor.strides.last ?? 0
    guard tensor.shape.elements > 0, target.count == tensor.shape.elements * width else { return }
    var index = [Int](repeating: 0, count: dims.count)
    var row = tensor.offset
    var written = 0
    while written < target.count {
      // `PickledTensor` has shown that no index overflows; the memory itself is still guarded at each read.
      for k in 0..<inner {
        let element = row + k * innerStride
        guard element >= 0, element < count else {
          throw AviaryError(.internal, "element \(element) of a storage of \(count) was asked for")
        }
        let value = source.loadUnaligned(fromByteOffset: element * width, as: T.self)
        target.storeBytes(of: value, toByteOffset: written, as: T.self)
        written += width
      }
      // The next row: count up the outer axes, the last of them fastest.
      var axis = dims.count - 2
      while axis >= 0 {
        if index[axis] + 1 < dims[axis] {
          index[axis] += 1
          row += tensor.strides[axis]
          break
        }
        row -= index[axis] * tensor.strides[axis]
        index[axis] = 0
        axis -= 1
      }
    }
  }
}
