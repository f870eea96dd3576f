import AviaryCore
import AviaryTensor

/// The memory of everything that is trained: weights as f32, gradients, the optimiser's moments, averages, each in one
/// buffer, so that an optimiser's step is a few operations on long vectors and not many on each weight.
///
/// Weights stored in sixteen bits have their f32 master here, and a copy in their own type that the model reads.
final class ParameterStore {
  struct Parameter {
    let slot: Int
    let name: String
    let shape: Shape
    let dtype: DType
    let decays: Bool
    /// Of its first element in every buffer.
    let offset: Int
    var count: Int { shape.elements }
  }

  /// A run of parameters of one type and one decay, short enough that what a step makes of it stays in the caches.
  struct Chunk {
    let range: Range<Int>
    let dtype: DType
    let decays: Bool
  }

  /// What is kept of each weight.
  enum Kind: Hashable {
    case value, gradient, moment(Int), average
  }

  let parameters: [Parameter]
  let chunks: [Chunk]
  /// Elements of each buffer.
  let count: Int
  private let backend: any Backend
  private var buffers: [Kind: BufferSlice] = [:]
  /// Copies in the stored type, by type.
  private var copies: [DType: BufferSlice] = [:]

  private static let alignment = 16

  /// - Parameter decays: whether weight decay acts on a weight.
  init(
    _ weights: ModelWeights, _ slots: [Int], on backend: any Backend, kinds: [Kind], decays: (Weight) -> Bool, chunk: Int = 1 << 17
  ) throws(AviaryError) {
    self.backend = backend
    let all = slots.sorted().map { (slot: $0, weight: weights.shapes.all[$0]) }
    var parameters: [Parameter] = []
    var chunks: [Chunk] = []
    var offset = 0
    for dtype in [DType.f32, .f16, .bf16] {
      for isDecaying in [true, false] {
        let start = offset
        for (slot, weight) in all where weight.dtype == dtype && decays(weight) == isDecaying {
          parameters.append(
            Parameter(slot: slot, name: weights.names[slot], shape: weight.shape, dtype: dtype, decays: isDecaying, offset: offset))
          offset += (weight.shape.elements + Self.alignment - 1) / Self.alignment * Self.alignment
        }
        for from in stride(from: start, to: offset, by: chunk) {
          chunks.append(Chunk(range: from..<min(from + chunk, offset), dtype: dtype, decays: isDecaying))
        }
      }
    }
    guard parameters.count == slots.count else {
      throw AviaryError(.weights, "\(slots.count - parameters.count) weights are stored in a type that is not trained", wanted: "f32, f16 or bf16")
    }
    (self.parameters, self.chunks, count) = (parameters, chunks, offset)
    for kind in [.value, .gradient] + kinds { buffers[kind] = BufferSlice(try backend.allocate(offset * 4)) }
    for dtype in Set(parameters.map(\.dtype)) where dtype != .f32 { copies[dtype] = BufferSlice(try backend.allocate(offset * dtype.blockBytes)) }
    for parameter in parameters { try load(parameter, weights.slices[parameter.slot]) }
    if let averages = buffers[.average] { try backend.copy(slice(.value, 0..<count), to: averages) }
  }

  /// What the optimiser sees of one buffer.
  func slice(_ kind: Kind, _ range: Range<Int>) -> BufferSlice {
    guard let buffer = buffers[kind] else { preconditionFailure("no \(kind) is kept") }
    return BufferSlice(buffer.buffer, offset: range.lowerBound * 4, byteCount: range.count * 4)
  }

  func copy(_ dtype: DType, _ range: Range<Int>) -> BufferSlice? {
    copies[dtype].map { BufferSlice($0.buffer, offset: range.lowerBound * dtype.blockBytes, byteCount: range.count * dtype.blockBytes) }
  }

  func slice(_ kind: Kind, of parameter: Parameter) -> BufferSlice { slice(kind, parameter.offset..<parameter.offset + parameter.count) }

  func has(_ kind: Kind) -> Bool { buffers[kind] != nil }

  /// The bytes that the model's graph reads of each trained slot.
  var modelSlices: [Int: BufferSlice] {
    var slices: [Int: BufferSlice] = [:]
    for p in parameters {
      let range = p.offset..<p.offset + p.count
      slices[p.slot] = p.dtype == .f32 ? slice(.value, range) : copy(p.dtype, range)
    }
    return slices
  }

  func floats(_ kind: Kind, of parameter: Parameter) throws(AviaryError) -> [Float] { try backend.floats(slice(kind, of: parameter)) }

  /// Sets a weight's numbers, in the copy that the model reads as well.
  func set(_ kind: Kind, _ values: [Float], of parameter: Parameter) throws(AviaryError) {
    try backend.upload(values, to: slice(kind, of: parameter))
    guard kind == .value, parameter.dtype != .f32, let copy = copy(parameter.dtype, parameter.offset..<parameter.offset + parameter.count) else { return }
    let narrow = values.map { parameter.dtype == .bf16 ? bf16Bits($0) : f16Bits($0) }
    try backend.upload(narrow, to: copy)
  }

  private func load(_ parameter: Parameter, _ source: BufferSlice) throws(AviaryError) {
    if parameter.dtype == .f32 { return try backend.copy(source, to: slice(.value, of: parameter)) }
    let bits: [UInt16] = try backend.elements(source)
    try set(.value, bits.map { parameter.dtype == .bf16 ? float(bf16: $0) : float(f16: $0) }, of: parameter)
  }
}
