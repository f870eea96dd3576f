import AviaryCore
import AviaryParts
import AviaryTensor
import CoreTestSupport
import Testing

/// The packing against loops over rows and columns.
struct TilePackerTests {
  struct Same: Adapter {
    func callAsFunction(_ features: Tensor, _ layout: MediaLayout) -> Tensor { features }
  }

  struct Layout: CustomTestStringConvertible {
    let rows, columns, side, width: Int
    let keptRows, keptColumns: Range<Int>
    let hasNewline: Bool
    var testDescription: String { "\(rows)x\(columns) tiles of \(side), rows \(keptRows), columns \(keptColumns), newline \(hasNewline)" }
  }

  static func naive(_ features: [Float], _ l: Layout, newline: [Float]) -> [Float] {
    let tile = l.side * l.side * l.width
    var packed = Array(features[..<tile])
    for y in l.keptRows {
      for x in l.keptColumns {
        let index = 1 + y / l.side * l.columns + x / l.side
        let row = y % l.side * l.side + x % l.side
        let start = index * tile + row * l.width
        packed += features[start..<start + l.width]
      }
      if l.hasNewline { packed += newline }
    }
    return packed
  }

  static func run(_ features: [Float], _ l: Layout, newline: [Float]) throws -> (values: [Float], shape: [Int]) {
    let backend = Reference()
    var source = MemoryWeights()
    try source.add("image_newline", [l.width], newline)
    let (packer, weights) = try Weights.load(.checkpoint(source, NameMap()), on: backend) { (w) throws(AviaryError) in
      TilePacker(Same(), newline: try w.weight("image_newline", [l.width]))
    }
    let plain = TilePacker(Same(), newline: nil)
    let tiling = MediaLayout.Tiling(rows: l.rows, columns: l.columns, side: l.side, keptRows: l.keptRows, keptColumns: l.keptColumns)
    let layout = MediaLayout(tokens: 0, imageWidth: 1, imageHeight: 1, tiling: tiling)
    return try OneGraph.run(weights, on: backend, [([1 + l.rows * l.columns, l.side * l.side, l.width], features)]) { x in
      l.hasNewline ? packer(x[0], layout) : plain(x[0], layout)
    }
  }

  static let layouts = [
    Layout(rows: 1, columns: 2, side: 2, width: 3, keptRows: 0..<2, keptColumns: 0..<4, hasNewline: true),
    Layout(rows: 2, columns: 2, side: 3, width: 2, keptRows: 1..<5, keptColumns: 0..<6, hasNewline: true),
    Layout(rows: 3, columns: 1, side: 4, width: 1, keptRows: 0..<12, keptColumns: 1..<3, hasNewline: true),
    Layout(rows: 1, columns: 3, side: 5, width: 2, keptRows: 2..<3, keptColumns: 0..<15, hasNewline: false),
    Layout(rows: 2, columns: 3, side: 1, width: 4, keptRows: 0..<2, keptColumns: 1..<2, hasNewline: true),
    Layout(rows: 1, columns: 1, side: 1, width: 1, keptRows: 0..<1, keptColumns: 0..<1, hasNewline: false),
  ]

  @Test(arguments: layouts.indices) func packingIsThatOfLoops(_ index: Int) throws {
    let l = Self.layouts[index]
    let features = (0..<(1 + l.rows * l.columns) * l.side * l.side * l.width).map { Float($0) + 0.5 }
    let newline = (0..<l.width).map { -Float($0) - 1 }
    let packed = try Self.run(features, l, newline: newline)
    #expect(packed.values == Self.naive(features, l, newline: newline))
    let tokens = l.side * l.side + l.keptRows.count * (l.keptColumns.count + (l.hasNewline ? 1 : 0))
    #expect(packed.shape == [tokens, l.width])
  }

  @Test func aPictureThatWasNotCutPasses() throws {
    let packer = TilePacker(Same(), newline: nil)
    let values: [Float] = [1, 2, 3, 4]
    let empty = try Weights.load(.random(.f32, seed: 1), on: Reference()) { _ in 0 }.1
    let result = try OneGraph.run(empty, on: Reference(), [([1, 2, 2], values)]) { packer($0[0], MediaLayout(tokens: 2, imageWidth: 1, imageHeight: 1)) }
    #expect(result.values == values)
    #expect(result.shape == [1, 2, 2])
  }
}
