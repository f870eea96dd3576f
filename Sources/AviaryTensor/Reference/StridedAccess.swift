/// One operand or output: a view and the bytes it looks at. The view has been checked against the bytes.
struct Operand {
  /// The start of the view's place.
  let base: UnsafeMutableRawPointer
  let view: View

  var shape: Shape { view.shape }
  var dtype: DType { view.dtype }

  /// The element at an element offset from the place's start.
  func load(_ offset: Int) -> Double {
    let p = UnsafeRawPointer(base)
    switch dtype {
    case .f32: return Double(p.loadUnaligned(fromByteOffset: offset * 4, as: Float.self))
    case .f16: return Double(float(f16: p.loadUnaligned(fromByteOffset: offset * 2, as: UInt16.self)))
    case .bf16: return Double(float(bf16: p.loadUnaligned(fromByteOffset: offset * 2, as: UInt16.self)))
    case .f64: return p.loadUnaligned(fromByteOffset: offset * 8, as: Double.self)
    case .i8: return Double(p.loadUnaligned(fromByteOffset: offset, as: Int8.self))
    case .u8: return Double(p.loadUnaligned(fromByteOffset: offset, as: UInt8.self))
    case .bool: return p.loadUnaligned(fromByteOffset: offset, as: UInt8.self) == 0 ? 0 : 1
    case .i16: return Double(p.loadUnaligned(fromByteOffset: offset * 2, as: Int16.self))
    case .i32: return Double(p.loadUnaligned(fromByteOffset: offset * 4, as: Int32.self))
    case .i64: return Double(p.loadUnaligned(fromByteOffset: offset * 8, as: Int64.self))
    case .q8_0, .q4_0, .q4_1, .q5_0, .q5_1, .q2_k, .q3_k, .q4_k, .q5_k, .q6_k, .iq4_nl, .iq4_xs:
      return withUnsafeTemporaryAllocation(of: Float.self, capacity: dtype.blockElements) { block in
        guard let y = block.baseAddress else { return 0 }
        Dequantise.block(dtype, p + dtype.byteOffset(of: offset), y)
        return Double(y[offset % dtype.blockElements])
      }
    }
  }

  /// `count` elements that are `stride` apart.
  func load(_ offset: Int, count: Int, stride: Int) -> [Double] {
    guard dtype.isQuantised, stride == 1, offset % dtype.blockElements == 0, count % dtype.blockElements == 0,
      let bytes = dtype.byteCount(elements: count)
    else { return (0..<count).map { load(offset + $0 * stride) } }
    // A block is read once, not once for each of its elements.
    var floats = [Float](repeating: 0, count: count)
    floats.withUnsafeMutableBufferPointer {
      Dequantise.blocks(dtype, UnsafeRawBufferPointer(start: base + dtype.byteOffset(of: offset), count: bytes), into: $0)
    }
    return floats.map(Double.init)
  }

  /// Stores with the rounding of `Op.cast`: floats to nearest even; integers truncate, saturate, and take NaN as 0.
  func store(_ value: Double, _ offset: Int) {
    switch dtype {
    case .f32: base.storeBytes(of: Float(value), toByteOffset: offset * 4, as: Float.self)
    case .f16: base.storeBytes(of: f16Bits(Float(value)), toByteOffset: offset * 2, as: UInt16.self)
    case .bf16: base.storeBytes(of: bf16Bits(Float(value)), toByteOffset: offset * 2, as: UInt16.self)
    case .f64: base.storeBytes(of: value, toByteOffset: offset * 8, as: Double.self)
    case .i8: base.storeBytes(of: saturated(value, Int8.self), toByteOffset: offset, as: Int8.self)
    case .u8: base.storeBytes(of: saturated(value, UInt8.self), toByteOffset: offset, as: UInt8.self)
    case .bool: base.storeBytes(of: value == 0 ? 0 : 1, toByteOffset: offset, as: UInt8.self)
    case .i16: base.storeBytes(of: saturated(value, Int16.self), toByteOffset: offset * 2, as: Int16.self)
    case .i32: base.storeBytes(of: saturated(value, Int32.self), toByteOffset: offset * 4, as: Int32.self)
    case .i64: base.storeBytes(of: saturated(value, Int64.self), toByteOffset: offset * 8, as: Int64.self)
    case .q8_0, .q4_0, .q4_1, .q5_0, .q5_1, .q2_k, .q3_k, .q4_k, .q5_k, .q6_k, .iq4_nl, .iq4_xs:
      preconditionFailure("a step writes one number of \(dtype)")  // rows alone are written
    }
  }

  /// All elements in row-major order.
  func values() -> [Double] {
    var result: [Double] = []
    result.reserveCapacity(shape.elements)
    if dtype.isQuantised, shape.count > 0 {
      view.forEachRow { result += load($0, count: shape[-1], stride: view.strides[shape.count - 1]) }
    } else {
      view.forEachOffset { result.append(load($0)) }
    }
    return result
  }

  /// Stores all elements in row-major order.
  func store(_ values: [Double]) {
    var next = 0
    if dtype.isQuantised {
      let width = shape[-1]
      return view.forEachRow { offset in
        let bytes = UnsafeMutableRawBufferPointer(start: base + dtype.byteOffset(of: offset), count: dtype.byteOffset(of: width))
        values[next..<next + width].map { Float($0) }.withUnsafeBufferPointer { Quantise.blocks(dtype, $0, into: bytes) }
        next += width
      }
    }
    view.forEachOffset {
      store(values[next], $0)
      next += 1
    }
  }

  /// Copies one element of the same dtype, or one block where offsets count blocks; bits unchanged.
  func copyElement(_ offset: Int, from source: Operand, _ sourceOffset: Int) {
    let size = dtype.blockBytes
    (base + offset * size).copyMemory(from: source.base + sourceOffset * size, byteCount: size)
  }

  /// The part at one index of the first axis, without that axis.
  func row(_ index: Int) -> Operand {
    var part = view.sliced(0, start: index, step: 1, length: 1)
    part.shape = shape.dropFirst()
    for axis in 0..<Shape.maxRank { part.strides[axis] = axis + 1 < Shape.maxRank ? view.strides[axis + 1] : 0 }
    return Operand(base: base, view: part)
  }
}

private func saturated<I: FixedWidthInteger>(_ value: Double, _: I.Type) -> I {
  if value.isNaN { return 0 }
  let whole = value.rounded(.towardZero)
  if whole <= Double(I.min) { return .min }
  if whole >= Double(I.max) { return .max }
  return I(exactly: whole) ?? 0
}

extension View {
  /// The element offsets from the place's start, in row-major order.
  func forEachOffset(_ body: (Int) -> Void) {
    if shape.elements == 0 { return }
    walk(0, offset, body)
  }

  /// The offsets of the first elements of all rows.
  func forEachRow(_ body: (Int) -> Void) {
    if shape.elements == 0 || shape.count == 0 { return }
    var heads = self
    heads.shape[-1] = 1
    heads.forEachOffset(body)
  }

  private func walk(_ axis: Int, _ offset: Int, _ body: (Int) -> Void) {
    if axis == shape.count { return body(offset) }
    let stride = strides[axis]
    if axis == shape.count - 1 {
      for i in 0..<shape[axis] { body(offset + i * stride) }
    } else {
      for i in 0..<shape[axis] { walk(axis + 1, offset + i * stride, body) }
    }
  }

  /// The element offsets in row-major order, as a list.
  var offsets: [Int] {
    var result: [Int] = []
    result.reserveCapacity(shape.elements)
    forEachOffset { result.append($0) }
    return result
  }
}
