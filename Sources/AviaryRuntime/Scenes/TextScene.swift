import AviaryCore
import AviaryFonts
import AviaryMedia
import AviaryTensor

/// A picture of a few short lines of words that mean nothing, so that they can be read but not guessed. It follows from its seed and its font.
struct TextScene {
  let lines: [String]
  private let page: WrittenPage
  private let pieces: [WrittenPage.Piece]

  /// - Throws: `.file` where a font cannot be read.
  init(seed: UInt64, fonts: [String], side: Int) throws(AviaryError) {
    var random = SplitMix64(seed: seed ^ 0x7e87_1e77)
    let path = fonts.randomElement(using: &random) ?? ""
    let font = try OutlineFont(path: path, size: Int.random(in: WrittenPage.sizes(side: side), using: &random))
    let spacing = (font.ascent + font.descent) * Double.random(in: 1...1.15, using: &random)
    let room = Double(side) * 0.96
    let count = Int.random(in: 1...max(1, min(3, Int(room / spacing))), using: &random)
    let lines = (0..<count).map { _ in Self.line(&random) { font.width($0) <= room } }
    let widest = lines.map(font.width).max() ?? 0
    let left = Double.random(in: 0...max(0, Double(side) - widest), using: &random)
    let top = Double.random(in: 0...max(0, Double(side) - spacing * Double(count)), using: &random)
    self.lines = lines
    pieces = lines.enumerated().map { WrittenPage.Piece(text: $0.element, x: left, baseline: top + font.ascent + Double($0.offset) * spacing) }
    page = WrittenPage(font, side: side, &random)
  }

  func render() throws(AviaryError) -> PixelImage { try page.render(pieces) }
  var maps: [Scene.Turn] { page.maps(pieces) }

  func reading(seed: UInt64) -> Scene.Turn {
    var random = SplitMix64(seed: seed ^ 0x0c12)
    let words = ["Read the text.", "What is written here?", "Provide the OCR results of this image."]
    return Scene.Turn(question: words.randomElement(using: &random) ?? words[0], answer: lines.joined(separator: "\n"))
  }

  /// Words as long as they fit; at least one, cut off where it must be.
  private static func line(_ random: inout SplitMix64, fits: (String) -> Bool) -> String {
    var line = word(&random)
    while !fits(line), line.count > 1 { line.removeLast() }
    while true {
      let longer = line + " " + word(&random)
      guard fits(longer), Int.random(in: 0..<4, using: &random) > 0 else { return line }
      line = longer
    }
  }

  /// Syllables, now and then with a capital, or a number.
  private static func word(_ random: inout SplitMix64) -> String {
    if Int.random(in: 0..<6, using: &random) == 0 { return "\(Int.random(in: 0...9999, using: &random))" }
    let (starts, middles, ends) = (Array("bcdfghjklmnprstvwyz"), Array("aeiou"), ["", "", "n", "r", "s", "l", "t", "x", "q"])
    var word = ""
    for _ in 0..<Int.random(in: 1...3, using: &random) {
      word.append(starts.randomElement(using: &random) ?? "b")
      word.append(middles.randomElement(using: &random) ?? "a")
    }
    word += ends.randomElement(using: &random) ?? ""
    return Int.random(in: 0..<4, using: &random) == 0 ? word.prefix(1).uppercased() + word.dropFirst() : word
  }
}
