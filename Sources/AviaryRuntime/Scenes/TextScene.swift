import AviaryCore
import AviaryFonts
import AviaryMedia
import AviaryTensor

/// A picture of a few short lines of words that mean nothing, so that they can be read but not guessed. It follows from its seed and its font.
struct TextScene {
  let lines: [String]
  private let font: OutlineFont
  private let paper: [Double], ink: [Double]
  /// Where the first line's letters begin: from the left, and below the top.
  private let left: Double, top: Double
  private let spacing: Double
  private let side: Int

  /// - Throws: `.file` where a font cannot be read.
  init(seed: UInt64, fonts: [String], side: Int) throws(AviaryError) {
    var random = SplitMix64(seed: seed ^ 0x7e87_1e77)
    let path = fonts.randomElement(using: &random) ?? ""
    let font = try OutlineFont(path: path, size: max(8, Int.random(in: side / 8...side / 5, using: &random)))
    spacing = (font.ascent + font.descent) * Double.random(in: 1...1.15, using: &random)
    let room = Double(side) * 0.96
    let count = Int.random(in: 1...max(1, min(3, Int(room / spacing))), using: &random)
    lines = (0..<count).map { _ in Self.line(&random) { font.width($0) <= room } }
    let widest = lines.map(font.width).max() ?? 0
    left = Double.random(in: 0...max(0, Double(side) - widest), using: &random)
    top = Double.random(in: 0...max(0, Double(side) - spacing * Double(count)), using: &random)
    let light = Double.random(in: 200...255, using: &random)
    paper = (0..<3).map { _ in min(255, light + Double.random(in: -10...10, using: &random)) }
    ink = (0..<3).map { _ in Double.random(in: 0...90, using: &random) }
    (self.font, self.side) = (font, side)
  }

  func render() throws(AviaryError) -> PixelImage {
    var coverage = [UInt8](repeating: 0, count: side * side)
    for (index, line) in lines.enumerated() {
      try font.draw(line, x: left, y: top + font.ascent + Double(index) * spacing, into: &coverage, width: side, height: side)
    }
    let pixels = coverage.flatMap { share in (0..<3).map { UInt8((paper[$0] + (ink[$0] - paper[$0]) * Double(share) / 255).rounded()) } }
    return PixelImage(width: side, height: side, channels: 3, pixels: pixels)
  }

  func reading(seed: UInt64) -> Scene.Turn {
    var random = SplitMix64(seed: seed ^ 0x0c12)
    let words = ["Read the text.", "What is written here?", "Provide the OCR results of this image."]
    return Scene.Turn(question: words.randomElement(using: &random) ?? words[0], answer: lines.joined(separator: "\n"))
  }

  /// What stands in each of eight by eight places, row by row, in a letter for each: the first whose middle lies there, or the second; a dot where there
  /// is none. They are easier learnt than reading, since the k-th letter of a map is always the same part of the picture.
  var maps: [Scene.Turn] {
    let places = 8
    var found = [[Character]](repeating: [], count: places * places)
    func place(_ at: Double) -> Int { max(0, min(places - 1, Int(at * Double(places) / Double(side)))) }
    for (index, line) in lines.enumerated() {
      // Small letters have their middle some third of the ascent above the line they stand on.
      let row = place(top + font.ascent * 0.65 + Double(index) * spacing)
      var written = ""
      for letter in line {
        let begin = font.width(written)
        written.append(letter)
        if letter != " " { found[row * places + place(left + (begin + font.width(written)) / 2)].append(letter) }
      }
    }
    return ["first", "second"].enumerated().map { index, name in
      Scene.Turn(question: "Map of \(name) letters.", answer: String(found.map { index < $0.count ? $0[index] : "." }))
    }
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
