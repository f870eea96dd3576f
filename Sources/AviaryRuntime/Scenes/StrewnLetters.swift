import AviaryCore
import AviaryFonts
import AviaryMedia
import AviaryTensor

/// A picture of letters strewn over it, each by chance. It follows from its seed and its font.
///
/// Reading begins here: where the next letter stands cannot be told from those before, as it mostly can in words, so a model must look at each place to say whether there
/// is one, and only behind that can it learn which it is. Of words alone it learns roughly where they stand, and no letters. Half of the pictures have a letter near the middle
/// of every second place of a map, which is learnt first; the others have lines as words do, with letters and gaps.
struct StrewnLetters {
  private let page: WrittenPage
  private let pieces: [WrittenPage.Piece]
  private let inLines: Bool

  /// - Throws: `.file` where a font cannot be read.
  init(seed: UInt64, fonts: [String], side: Int) throws(AviaryError) {
    var random = SplitMix64(seed: seed ^ 0x57e3_1e77)
    let path = fonts.randomElement(using: &random) ?? ""
    inLines = Bool.random(using: &random)
    let place = Double(side) / Double(WrittenPage.places)
    let sizes = inLines ? WrittenPage.sizes(side: side) : max(8, Int(place * 0.75))...max(8, Int(place * 1.25))
    let font = try OutlineFont(path: path, size: Int.random(in: sizes, using: &random))
    // From one letter to the next; from there how far away it may be; and where the first is.
    var (step, reach) = ((x: place, y: place), (x: place * 0.15, y: place * 0.15))
    if inLines {
      step = (Double(font.size) * Double.random(in: 0.6...0.9, using: &random), (font.ascent + font.descent) * Double.random(in: 0.9...1.1, using: &random))
      reach = (step.x * 0.05, 0)
    }
    let shift = inLines ? 0.5 : 0.3
    let first = (
      x: step.x * Double.random(in: 0.5 - shift...0.5 + shift, using: &random), y: step.y * Double.random(in: 0.5 - shift...0.5 + shift, using: &random))
    // What words are written in: no "I" that would look like an "l", and no "O". Small letters and digits are met twice as often as capitals.
    let (small, digits) = ("abcdefghijklmnopqrstuvwxyz", "0123456789")
    let letters = Array(small + small + digits + digits + "BCDFGHJKLMNPRSTVWYZ")
    var pieces: [WrittenPage.Piece] = []
    for y in stride(from: first.y, to: Double(side), by: step.y) {
      for x in stride(from: first.x, to: Double(side), by: step.x) where Bool.random(using: &random) {
        let letter = String(letters.randomElement(using: &random) ?? "a")
        let left = x - font.width(letter) / 2 + Double.random(in: -reach.x...reach.x, using: &random)
        let baseline = y + font.middle + Double.random(in: -reach.y...reach.y, using: &random)
        // Nothing is cut off that would be missed.
        guard left > -1, left + font.width(letter) < Double(side) + 1, baseline > font.ascent * 0.7, baseline < Double(side) - font.descent * 0.5 else { continue }
        pieces.append(WrittenPage.Piece(text: letter, x: left, baseline: baseline))
      }
    }
    self.pieces = pieces
    page = WrittenPage(font, side: side, &random)
  }

  func render() throws(AviaryError) -> PixelImage { try page.render(pieces) }
  /// Of second letters only where lines have them.
  var maps: [Scene.Turn] { inLines ? page.maps(pieces) : [page.maps(pieces)[0]] }
}
