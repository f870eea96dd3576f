import AviaryCore
import AviaryFonts
import AviaryMedia
import AviaryTensor

/// Letters of one font on coloured paper, and maps of where they stand.
struct WrittenPage {
  /// Letters to be drawn one behind the other: where the first begins, and their baseline.
  struct Piece {
    let text: String
    let x: Double, baseline: Double
  }

  /// Of maps, along a side.
  static let places = 8
  let font: OutlineFont
  let side: Int
  private let paper: [Double], ink: [Double]

  init(_ font: OutlineFont, side: Int, _ random: inout SplitMix64) {
    let light = Double.random(in: 200...255, using: &random)
    paper = (0..<3).map { _ in min(255, light + Double.random(in: -10...10, using: &random)) }
    ink = (0..<3).map { _ in Double.random(in: 0...90, using: &random) }
    (self.font, self.side) = (font, side)
  }

  /// Pixels to the em at which some lines of words have room.
  static func sizes(side: Int) -> ClosedRange<Int> { max(8, side / 8)...max(8, side / 5) }

  func render(_ pieces: [Piece]) throws(AviaryError) -> PixelImage {
    var coverage = [UInt8](repeating: 0, count: side * side)
    for piece in pieces { try font.draw(piece.text, x: piece.x, y: piece.baseline, into: &coverage, width: side, height: side) }
    let pixels = coverage.flatMap { share in (0..<3).map { UInt8((paper[$0] + (ink[$0] - paper[$0]) * Double(share) / 255).rounded()) } }
    return PixelImage(width: side, height: side, channels: 3, pixels: pixels)
  }

  /// What stands in each of eight by eight places, row by row, in a letter for each: the first whose middle lies there, or the second; a dot where there
  /// is none. They are easier learnt than reading, since the k-th letter of a map is always the same part of the picture.
  func maps(_ pieces: [Piece]) -> [Scene.Turn] {
    let places = Self.places
    var found = [[Character]](repeating: [], count: places * places)
    func place(_ at: Double) -> Int { max(0, min(places - 1, Int(at * Double(places) / Double(side)))) }
    for piece in pieces {
      let row = place(piece.baseline - font.middle)
      var written = ""
      for letter in piece.text {
        let begin = font.width(written)
        written.append(letter)
        if letter != " " { found[row * places + place(piece.x + (begin + font.width(written)) / 2)].append(letter) }
      }
    }
    return ["first", "second"].enumerated().map { index, name in
      Scene.Turn(question: "Map of \(name) letters.", answer: String(found.map { index < $0.count ? $0[index] : "." }))
    }
  }
}

extension OutlineFont {
  /// How far above the line they stand on small letters have their middle.
  var middle: Double { ascent * 0.35 }
}
