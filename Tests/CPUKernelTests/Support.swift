import CAviaryKernels
import Foundation
import Testing

/// One instruction set with a number of threads; tests run over all that this processor has.
struct Level: Sendable, CustomTestStringConvertible {
  let isa: av_isa
  let threads: Int32

  static let all: [Level] = [AV_ISA_SCALAR, AV_ISA_AVX2, AV_ISA_AVX512, AV_ISA_AMX]
    .filter { $0.rawValue <= av_isa_best().rawValue }
    .flatMap { isa in [1, 3].map { Level(isa: isa, threads: $0) } }

  /// Those with products in bf16.
  static let ofBF16 = all.filter { $0.isa.rawValue >= AV_ISA_AVX512.rawValue }

  var testDescription: String { "\(String(cString: av_isa_name(isa))), \(threads) threads" }

  /// Runs the body with a pool of this level.
  func withPool<R>(_ body: (OpaquePointer) throws -> R) rethrows -> R {
    guard let pool = av_pool_create(threads, isa) else { preconditionFailure("no pool") }
    defer { av_pool_destroy(pool) }
    return try body(pool)
  }
}

/// Sizes around every vector and tile width.
let oddSizes = [1, 3, 17, 33, 65]

/// Numbers in -1..<1 that depend on the seed alone.
func noise(_ count: Int, seed: UInt64 = 1) -> [Float] {
  var state = seed &* 0x9E37_79B9_7F4A_7C15 | 1
  return (0..<count).map { _ in
    state ^= state << 13
    state ^= state >> 7
    state ^= state << 17
    return Float(Int32(truncatingIfNeeded: state >> 32)) * 0x1p-31
  }
}

/// A vector stored as f32, f16 or bf16, with the values it really holds.
struct Stored {
  let type: av_dtype
  let bytes: [UInt8]
  let values: [Float]

  init(_ source: [Float], _ type: av_dtype) {
    self.type = type
    switch type {
    case AV_F16:
      let halves = source.map { Float16($0) }
      values = halves.map { Float($0) }
      bytes = halves.flatMap { withUnsafeBytes(of: $0) { Array($0) } }
    case AV_BF16:
      let halves = source.map { bfloat16($0) }
      values = halves.map { Float(bitPattern: UInt32($0) << 16) }
      bytes = halves.flatMap { withUnsafeBytes(of: $0) { Array($0) } }
    case AV_Q8_0:
      var (blocks, numbers) = ([UInt8](), [Float]())
      for start in stride(from: 0, to: source.count, by: 32) {
        let block = source[start..<start + 32]
        let scale = Float16((block.map(abs).max() ?? 0) / 127)
        let levels = block.map { Int8(max(-127, min(127, ($0 / max(Float(scale), 1e-9)).rounded()))) }
        blocks += withUnsafeBytes(of: scale) { Array($0) } + levels.map { UInt8(bitPattern: $0) }
        numbers += levels.map { Float($0) * Float(scale) }
      }
      (bytes, values) = (blocks, numbers)
    default:
      values = source
      bytes = source.flatMap { withUnsafeBytes(of: $0) { Array($0) } }
    }
  }
}

let floatTypes = [AV_F32, AV_F16, AV_BF16]

/// Rounds to nearest even by the definition.
func bfloat16(_ x: Float) -> UInt16 {
  if x.isNaN { return UInt16(x.bitPattern >> 16) | 0x40 }
  let below = x.bitPattern & 0xFFFF_0000
  let rest = x.bitPattern & 0xFFFF
  let odd = x.bitPattern & 0x1_0000 != 0
  return UInt16((rest > 0x8000 || (rest == 0x8000 && odd) ? below &+ 0x1_0000 : below) >> 16)
}

/// The largest difference relative to the largest expected value.
func relativeError(_ got: [Float], _ wanted: [Float]) -> Float {
  precondition(got.count == wanted.count)
  let scale = max(wanted.map(abs).max() ?? 0, 1e-20)
  return zip(got, wanted).map { $0.isNaN || $1.isNaN ? ($0.isNaN == $1.isNaN ? 0 : .infinity) : abs($0 - $1) / scale }.max() ?? 0
}

func activated(_ kind: av_activation, _ x: Float) -> Float {
  let v = Double(x)
  switch kind {
  case AV_ACT_RELU: return max(x, 0)
  case AV_ACT_GELU: return Float(0.5 * v * (1 + erf(v / 2.0.squareRoot())))
  case AV_ACT_GELU_TANH: return Float(0.5 * v * (1 + tanh((2 / Double.pi).squareRoot() * (v + 0.044715 * v * v * v))))
  case AV_ACT_QUICK_GELU: return Float(v / (1 + exp(-1.702 * v)))
  case AV_ACT_SILU: return Float(v / (1 + exp(-v)))
  default: return x
  }
}

/// Fills a fixed C array of a struct from Swift.
func fill<Tuple>(_ tuple: inout Tuple, _ values: [Int]) {
  withUnsafeMutableBytes(of: &tuple) { raw in
    for (i, value) in values.enumerated() { raw.storeBytes(of: Int64(value), toByteOffset: i * 8, as: Int64.self) }
  }
}

func rowMajor(_ shape: [Int]) -> [Int] {
  var strides = [Int](repeating: 1, count: shape.count)
  for i in stride(from: shape.count - 2, through: 0, by: -1) { strides[i] = strides[i + 1] * shape[i + 1] }
  return strides
}

func makeMap(_ shape: [Int], a: [Int]? = nil, b: [Int]? = nil, c: [Int]? = nil) -> av_map {
  var map = av_map()
  map.rank = Int32(shape.count)
  fill(&map.shape, shape)
  fill(&map.a, a ?? rowMajor(shape))
  fill(&map.b, b ?? rowMajor(shape))
  fill(&map.c, c ?? rowMajor(shape))
  return map
}
