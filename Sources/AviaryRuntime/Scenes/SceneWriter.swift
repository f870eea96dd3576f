import AviaryCore
import AviaryFonts
import AviaryFormats
import AviaryMedia
public import AviaryTensor
import Foundation

/// Writes scenes as a data set: `images/N.png` and, a line per question and answer, `questions.jsonl`, `captions.jsonl`, `boxes.jsonl`, `absences.jsonl`, `places.jsonl` and `maps.jsonl`, so that a
/// mixture says how much of each it takes; and `styles.jsonl`, where several pictures are captioned in one style.
public enum SceneWriter {
  /// Scene k has the seed `seed + k`: two sets share no picture where their ranges do not meet.
  ///
  /// - Parameter most: shapes in a picture, 1 to 4, which is meant where nothing is said.
  /// - Returns: lines written.
  /// - Throws: `.file` where the folder is there already.
  public static func write(_ folder: String, seed: UInt64, count: Int, side: Int, most: Int? = nil) throws(AviaryError) -> Int {
    let most = most ?? Scene.most
    guard (1...Scene.most).contains(most) else { throw AviaryError(.request, "\(most) shapes", wanted: "1...\(Scene.most)", at: "scenes") }
    try begin(folder, count, side)
    var lines: [String: [String]] = [:]
    for index in 0..<count {
      let own = seed &+ UInt64(index)
      let scene = Scene(seed: own, most: most)
      let name = picture(own)
      try write(scene.render(side: side, seed: own), to: folder + "/" + name)
      let kinds = [
        "questions": scene.questions(seed: own), "captions": scene.captions(seed: own), "boxes": scene.boxes(seed: own), "absences": scene.absences(seed: own),
        "places": scene.places(seed: own), "maps": [scene.map],
      ]
      for (kind, turns) in kinds { lines[kind, default: []] += turns.map { line([$0], [name]) } }
      let (shown, style) = Scene.demonstrations(of: own, from: seed, count: count)
      lines["styles", default: []].append(
        line((shown + [own]).map { Scene.Turn(question: "", answer: style.caption(Scene(seed: $0, most: most))) }, (shown + [own]).map(picture)))
    }
    return try write(lines, to: folder)
  }

  /// Writes pictures of text, each in one of these fonts: `images/N.png`, `text.jsonl` and `maps.jsonl`; or of strewn letters, which have maps alone.
  ///
  /// - Returns: lines written.
  /// - Throws: `.file` where the folder is there already, or a font cannot be read.
  public static func writeText(_ folder: String, seed: UInt64, count: Int, side: Int, fonts: [String], strewn: Bool = false) throws(AviaryError) -> Int {
    // Before anything is written.
    for font in fonts { _ = try OutlineFont(path: font, size: 16) }
    try begin(folder, count, side)
    var lines: [String: [String]] = [:]
    for index in 0..<count {
      let own = seed &+ UInt64(index)
      let (image, kinds) = strewn ? try letters(own, fonts, side) : try text(own, fonts, side)
      try write(image, to: folder + "/" + picture(own))
      for (kind, turns) in kinds { lines[kind, default: []] += turns.map { line([$0], [picture(own)]) } }
    }
    return try write(lines, to: folder)
  }

  private static func text(_ seed: UInt64, _ fonts: [String], _ side: Int) throws(AviaryError) -> (PixelImage, [String: [Scene.Turn]]) {
    let scene = try TextScene(seed: seed, fonts: fonts, side: side)
    return (try scene.render(), ["text": [scene.reading(seed: seed)], "maps": scene.maps])
  }

  private static func letters(_ seed: UInt64, _ fonts: [String], _ side: Int) throws(AviaryError) -> (PixelImage, [String: [Scene.Turn]]) {
    let letters = try StrewnLetters(seed: seed, fonts: fonts, side: side)
    return (try letters.render(), ["maps": letters.maps])
  }

  /// A file for each kind of lines; how many there are in all.
  private static func write(_ lines: [String: [String]], to folder: String) throws(AviaryError) -> Int {
    for (kind, lines) in lines { try WholeFile.write(lines.joined(separator: "\n") + "\n", to: "\(folder)/\(kind).jsonl") }
    return lines.values.reduce(0) { $0 + $1.count }
  }

  private static func begin(_ folder: String, _ count: Int, _ side: Int) throws(AviaryError) {
    guard !Folder.exists(folder) else { throw AviaryError(.file, "the folder is there already", wanted: "one that is not", at: folder) }
    guard (8...4096).contains(side), count > 0, count <= 10_000_000 else {
      throw AviaryError(.request, "\(count) pictures of \(side) pixels", wanted: "1...10000000 of 8...4096", at: "scenes")
    }
    try Folder.make(folder + "/images")
  }

  private static func write(_ image: PixelImage, to path: String) throws(AviaryError) {
    guard FileManager.default.createFile(atPath: path, contents: Data(try ImageEncoder.png(image))) else {
      throw AviaryError(.file, "it cannot be written", wanted: "room and a place that can be written to", at: path)
    }
  }

  private static func picture(_ seed: UInt64) -> String { "images/\(seed).png" }

  /// A conversation: one question about the first picture and the ones behind it about the next ones, where there are more.
  private static func line(_ turns: [Scene.Turn], _ images: [String]) -> String {
    func message(_ role: String, _ content: String) -> JSONValue {
      var object = JSONObject()
      object.append("role", .string(role))
      object.append("content", .string(content))
      return .object(object)
    }
    var object = JSONObject()
    object.append("messages", .array(turns.flatMap { [message("user", "<image>" + $0.question), message("assistant", $0.answer)] }))
    object.append("images", .array(images.map { .string($0) }))
    if turns.count == 1, let category = turns[0].category { object.append("category", .string(category)) }
    return JSONWriter.text(.object(object))
  }
}
