import AviaryCore
import AviaryFonts
import AviaryMedia
import AviaryTensor

/// A picture of letters strewn over eight by eight places, each by chance: in every second place one, near the middle. It follows from its seed and its font.
///
/// Reading begins here: where the next letter stands cannot be told from those before, as it mostly can in words, so a model must look at each place to say whether there
/// is one, and only behind that can it learn which it is. Of words alone it learns roughly where they stand, and no letters.
struct StrewnLetters {
  private let page: WrittenPage
  private let pieces: [WrittenPage.Piece]

  /// - Throws: `.file` where a font cannot be read.
  init(seed: UInt64, fonts: [String], side: Int) throws(AviaryError) {
    var random = SplitMix64(seed: seed ^ 0x57e3_1e77)
    let place = Double(side) / Double(WrittenPage.places)
    let sizes = max(8, Int(place * 0.75))...max(8, Int(place * 1.25))
    let font = try OutlineFont(path: fonts.randomElement(using: &random) ?? "", size: Int.random(in: sizes, using: &random))
    // What words are written in: no "I" that would look like an "l", and no "O". Small letters and digits are met twice as often as capitals.
    let (small, digits) = ("abcdefghijklmnopqrstuvwxyz", "0123456789")
    let letters = Array(small + small + digits + digits + "BCDFGHJKLMNPRSTVWYZ")
    var pieces: [WrittenPage.Piece] = []
    for row in 0..<WrittenPage.places {
      for column in 0..<WrittenPage.places where Bool.random(using: &random) {
        let letter = String(letters.randomElement(using: &random) ?? "a")
        let (x, y) = (Double(column) + Double.random(in: 0.3...0.7, using: &random), Double(row) + Double.random(in: 0.3...0.7, using: &random))
        pieces.append(WrittenPage.Piece(text: letter, x: x * place - font.width(letter) / 2, baseline: y * place + font.middle))
      }
    }
    self.pieces = pieces
    page = WrittenPage(font, side: side, &random)
  }

  func render() throws(AviaryError) -> PixelImage { try page.render(pieces) }
  /// There are no second letters.
  var map: Scene.Turn { page.maps(pieces)[0] }
}
