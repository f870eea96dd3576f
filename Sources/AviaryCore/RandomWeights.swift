import AviaryTensor

/// Random weights whose products stay near one in size: uniform, scaled by the square root of the row length; norms
/// are ones. Quantised types get random blocks of about the same spread. For measuring speed at published shapes.
struct RandomWeights {
  let dtype: DType
  /// A block of numbers that is repeated; filling 14 GB number by number would take longer than the measurement.
  private let block: [Float]

  init(dtype: DType, seed: UInt64) {
    self.dtype = dtype
    var state = seed
    block = (0..<(1 << 18) - 5).map { _ in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Float(Int32(truncatingIfNeeded: state >> 32)) / Float(1 << 31)
    }
  }

  /// How a weight is stored: vectors in f32, and where a checkpoint's would stay a float, f16.
  func dtype(for shape: Shape, under name: String, read types: Set<DType>) -> DType {
    if shape.count < 2 { return .f32 }
    return dtype.isQuantised ? dtype.quantised(shape, under: name, read: types) ?? .f16 : dtype
  }

  func fill(_ buffer: any Buffer, _ shape: Shape, _ dtype: DType, _ name: String, _ backend: any Backend) throws(AviaryError) {
    let isNorm = shape.count == 1 && name.contains("norm") && name.hasSuffix("weight")
    let scale = shape.count < 2 ? 0.02 : (3.0 / Float(max(shape.elements / max(shape[0], 1), 1))).squareRoot()
    let bytes: [UInt8]
    switch dtype {
    case .f16: bytes = raw(block.map { Float16($0 * scale).bitPattern })
    case .bf16: bytes = raw(block.map { UInt16(($0 * scale).bitPattern >> 16) })
    case _ where dtype.isQuantised: bytes = RandomBlocks.bytes(dtype, spread: scale / Float(3).squareRoot(), count: 4001)
    default: bytes = raw(isNorm ? block.map { _ in Float(1) } : block.map { $0 * scale })
    }
    var offset = 0
    while offset < buffer.byteCount {
      let count = min(bytes.count, buffer.byteCount - offset)
      var failure: AviaryError?
      bytes.withUnsafeBytes { source in
        do throws(AviaryError) {
          try backend.upload(UnsafeRawBufferPointer(rebasing: source[0..<count]), to: BufferSlice(buffer, offset: offset, byteCount: count))
        } catch { failure = error }
      }
      if let failure { throw failure }
      offset += count
    }
  }

  private func raw<T>(_ values: [T]) -> [UInt8] { values.withUnsafeBytes { Array($0) } }
}
