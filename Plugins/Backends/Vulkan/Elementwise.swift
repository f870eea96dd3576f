import AviaryTensor

/// Operations from numbers at one place to a number at that place, and moves of elements.
extension Recorder {
  /// Forms of elementwise.comp.
  private enum Form: UInt32 { case unary, binary, binaryInteger, clamp, clampInteger, swiglu }
  /// Modes of move.comp.
  private enum Mode: UInt32 { case copy, fill, select, count }

  mutating func unary(_ kind: UnaryKind, _ a: View, _ out: View) throws(AviaryError) {
    try strided("elementwise", [Form.unary.rawValue, UInt32(kind.rawValue)], [a], out, perItem: 40)
  }

  mutating func binary(_ kind: BinaryKind, _ a: View, _ b: View, _ out: View) throws(AviaryError) {
    let form: Form = a.dtype == .f32 ? .binary : .binaryInteger
    let isByte = a.dtype.blockBytes == 1
    guard !isByte else { throw AviaryError(.internal, "arithmetic on \(a.dtype)", at: "vulkan") }
    try strided("elementwise", [form.rawValue, UInt32(kind.rawValue)], [a, b], out, perItem: 20)
  }

  mutating func clamp(_ a: View, _ out: View, _ low: Float, _ high: Float) throws(AviaryError) {
    if a.dtype == .f32 {
      try strided("elementwise", [Form.clamp.rawValue, 0], [a], out, perItem: 20, [low.bitPattern, high.bitPattern])
    } else {
      // The whole numbers between the two.
      let bounds = [Int32(saturating: low.rounded(.up)), Int32(saturating: high.rounded(.down))]
      try strided("elementwise", [Form.clampInteger.rawValue, 0], [a], out, perItem: 20, bounds.map { UInt32(bitPattern: $0) })
    }
  }

  mutating func swiglu(_ gate: View, _ up: View, _ out: View) throws(AviaryError) {
    try strided("elementwise", [Form.swiglu.rawValue, 0], [gate, up], out, perItem: 40)
  }

  // MARK: Moves

  mutating func fill(_ out: View, _ value: [UInt32]) throws(AviaryError) {
    try strided("move", [Mode.fill.rawValue, UInt32(out.dtype.blockBytes)], [], out, perItem: 10, value)
  }

  mutating func count(_ out: View, from start: Int32) throws(AviaryError) {
    try strided("move", [Mode.count.rawValue, 4], [], out, perItem: 10, [UInt32(bitPattern: start)])
  }

  mutating func copy(_ a: View, _ out: View) throws(AviaryError) {
    try strided("move", [Mode.copy.rawValue, UInt32(a.dtype.blockBytes)], [a], out, perItem: 20)
  }

  mutating func select(_ condition: View, _ a: View, _ b: View, _ out: View) throws(AviaryError) {
    try strided("move", [Mode.select.rawValue, UInt32(a.dtype.blockBytes)], [a, b, condition], out, perItem: 20)
  }

  mutating func cast(_ a: View, _ out: View) throws(AviaryError) {
    if a.dtype == out.dtype { return try copy(a, out) }
    try strided("cast", [UInt32(a.dtype.rawValue), UInt32(out.dtype.rawValue)], [a], out, perItem: 20)
  }

  mutating func concat(_ parts: [View], _ out: View, _ axis: Int) throws(AviaryError) {
    var start = 0
    for part in parts {
      if part.shape.elements > 0 { try copy(part, out.window(part.shape, axis, start)) }
      start += part.shape[axis]
    }
  }

  mutating func pad(_ a: View, _ out: View, _ axis: Int, _ before: Int, _ value: Float) throws(AviaryError) {
    try fill(out, value.words(as: out.dtype))
    if a.shape.elements > 0 { try copy(a, out.window(a.shape, axis, before)) }
  }

  /// A dispatch over elements; views too large for a binding are walked in pieces along their first axis.
  private mutating func strided(
    _ shader: String, _ constants: [UInt32], _ x: [View], _ out: View, perItem: Double, _ extra: [UInt32] = []
  ) throws(AviaryError) {
    if let axis = largeAxis(x + [out]) {
      let half = out.shape[axis] / 2
      for (start, length) in [(0, half), (half, out.shape[axis] - half)] {
        // Counting goes on where the piece before ended; axes before this one have one element.
        var extra = extra
        if constants[0] == Mode.count.rawValue, shader == "move" { extra[0] &+= UInt32(start * out.strides[axis]) }
        try strided(shader, constants, x.map { $0.part(axis, start, length) }, out.part(axis, start, length), perItem: perItem, extra)
      }
      return
    }
    let views: [View?] = [x.count > 0 ? x[0] : nil, x.count > 1 ? x[1] : nil, x.count > 2 ? x[2] : nil]
    let shape = out.shape.dims
    let none = shape.map { _ in 0 }
    var strides: [[Int]] = views.map { $0?.steps ?? none }
    strides.append(out.steps)
    let walk = Walk(shape, strides)
    var bounds: [Bound?] = []
    for view in views { bounds.append(try bound(view)) }
    let target: Bound = try bound(out)
    let head: [UInt32] = [UInt32(walk.count), UInt32(walk.sizes.count)]
    let firsts: [UInt32] = bounds.map { $0?.first ?? 0 }
    let parameters = words(head, firsts, [target.first, 0, 0], walk.sizes.words, walk.strides.flatMap { $0.words }, extra)
    dispatch(shader, constants, items: walk.count, perItem: perItem * Double(walk.sizes.count + 1) / 2, bounds, target, parameters)
  }
}

extension Recorder {
  /// The first axis that can be halved where one of these views is larger than a binding; nil where all fit.
  func largeAxis(_ views: [View]) -> Int? {
    guard views.contains(where: { $0.bytesReached > device.largestBinding - device.offsetAlignment }), let out = views.last else { return nil }
    return (0..<out.shape.count).first { out.shape[$0] > 1 }
  }
}

extension View {
  /// Bytes from the first to the last element.
  var bytesReached: Int { ((0..<shape.count).reduce(1) { $0 + max(shape[$1] - 1, 0) * strides[$1] }) / dtype.blockElements * dtype.blockBytes }

  /// The indices of an axis from `start`.
  func part(_ axis: Int, _ start: Int, _ length: Int) -> View {
    var view = self
    view.offset += start * strides[axis]
    view.shape[axis] = length
    return view
  }

  /// A part of that shape, from an index of one axis on.
  func window(_ shape: Shape, _ axis: Int, _ start: Int) -> View {
    var view = self
    view.offset += start * strides[axis]
    view.shape = shape
    return view
  }
}

extension Int32 {
  fileprivate init(saturating value: Float) {
    self = value.isNaN ? 0 : value >= 2_147_483_648 ? .max : value <= -2_147_483_648 ? .min : Int32(value)
  }
}

extension Float {
  /// The bits of this number as an element, in one word or two.
  fileprivate func words(as dtype: DType) -> [UInt32] {
    switch dtype {
    case .f32: return [bitPattern]
    case .f16: return [UInt32(f16Bits(self))]
    case .bf16: return [UInt32(bf16Bits(self))]
    case .f64:
      let bits = Double(self).bitPattern
      return [UInt32(truncatingIfNeeded: bits), UInt32(truncatingIfNeeded: bits >> 32)]
    case .bool: return [self == 0 ? 0 : 1]
    default:
      let number = Int64(Int32(saturating: self))
      let whole: Int64 = dtype == .u8 ? min(max(number, 0), 255) : dtype == .i8 ? min(max(number, -128), 127) : dtype == .i16 ? min(max(number, -32768), 32767) : number
      return [UInt32(truncatingIfNeeded: whole), UInt32(truncatingIfNeeded: whole >> 32)]
    }
  }
}
