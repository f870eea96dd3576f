import AviaryFormats
import AviaryMedia
import AviaryRuntime
import AviaryTensor
import CoreTestSupport
import Foundation
import Testing

/// Scenes follow from their seeds, and what is said of them can be trained on.
@Suite struct SceneTests {
  @Test func theSameSeedsGiveTheSameBytes() throws {
    let folder = try TemporaryFolder()
    let lines = try SceneWriter.write(folder.path + "/a", seed: 7, count: 4, side: 32)
    #expect(try SceneWriter.write(folder.path + "/b", seed: 7, count: 4, side: 32) == lines)
    #expect(lines > 4 * 7)
    func bytes(_ name: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: folder.path + "/" + name)) }
    for file in ["questions.jsonl", "captions.jsonl", "boxes.jsonl", "absences.jsonl", "places.jsonl", "maps.jsonl", "styles.jsonl", "images/7.png", "images/10.png"] {
      let (a, b) = (try bytes("a/" + file), try bytes("b/" + file))
      #expect(a == b)
    }
    // A range that overlaps shares exactly the pictures with the same seeds.
    _ = try SceneWriter.write(folder.path + "/c", seed: 9, count: 2, side: 32)
    let (shared, other) = (try bytes("c/images/9.png"), try bytes("a/images/7.png"))
    #expect(try bytes("a/images/9.png") == shared)
    #expect(shared != other)
    expectError(.file, "there already") { _ = try SceneWriter.write(folder.path + "/a", seed: 7, count: 4, side: 32) }
    expectError(.request, "5 shapes") { _ = try SceneWriter.write(folder.path + "/d", seed: 7, count: 4, side: 32, most: 5) }
    expectError(.request, "0 pictures") { _ = try SceneWriter.write(folder.path + "/d", seed: 7, count: 0, side: 32) }
  }

  @Test(arguments: 1...4) func noPictureHasMoreShapesThanWanted(_ most: Int) throws {
    let folder = try TemporaryFolder()
    _ = try SceneWriter.write(folder.path + "/a", seed: 100, count: 60, side: 8, most: most)
    #expect(try Self.answers(folder.path + "/a/boxes.jsonl").values.map(\.count).max() == most)
  }

  @Test func everyPictureHasACaptionABoxAndSomethingUnknown() throws {
    let folder = try TemporaryFolder()
    _ = try SceneWriter.write(folder.path + "/a", seed: 100, count: 20, side: 16)
    for (kind, wanted) in [("captions", ["a "]), ("boxes", ["<box>("]), ("questions", ["I don't know", "yes", "no"])] {
      let answers = try Self.answers(folder.path + "/a/\(kind).jsonl")
      #expect(answers.count == 20)
      for (image, said) in answers {
        #expect(wanted.allSatisfy { start in said.contains { $0.hasPrefix(start) } }, "\(kind) of \(image)")
        #expect(said.allSatisfy { $0.contains("<box>") == (kind == "boxes") }, "\(kind) of \(image)")
      }
    }
  }

  @Test func everyQuestionSaysWhatKindItIs() throws {
    let folder = try TemporaryFolder()
    _ = try SceneWriter.write(folder.path + "/a", seed: 100, count: 40, side: 16)
    let wanted: [String: (String) -> Bool] = [
      "unknowable": { $0 == "I don't know" }, "existence": { ["yes", "no"].contains($0) }, "absent": { $0.hasPrefix("there is no ") }, "size": { ["big", "small"].contains($0) },
      "count": { Int($0) != nil }, "count of a shape": { Int($0) != nil }, "count of a colour": { Int($0) != nil },
      "place": { !$0.split(separator: " ").contains { !["top", "bottom", "left", "right", "center"].contains($0) } },
      "relation": { ["left", "right", "above", "below"].contains($0) }, "shape": { ["circle", "square", "triangle", "rectangle"].contains($0) },
      "colour": { ["red", "green", "blue", "yellow", "black", "gray", "brown", "teal"].contains($0) },
    ]
    var seen: Set<String> = []
    for line in try String(contentsOfFile: folder.path + "/a/questions.jsonl", encoding: .utf8).split(separator: "\n") {
      let json = try JSONParser.parse(Array(line.utf8), name: "questions.jsonl")
      let category = try #require(json["category"]?.string), answer = try #require(json["messages"]?.array?.last?["content"]?.string)
      #expect(wanted[category]?(answer) == true, "\(line)")
      seen.insert(category)
    }
    #expect(seen == Set(wanted.keys))
  }

  /// What is answered about each picture.
  private static func answers(_ path: String) throws -> [String: [String]] {
    var answers: [String: [String]] = [:]
    for line in try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n") {
      let json = try JSONParser.parse(Array(line.utf8), name: path)
      let image = try #require(json["images"]?.array?.first?.string)
      answers[image, default: []].append(try #require(json["messages"]?.array?.last?["content"]?.string))
    }
    return answers
  }

  @Test func aMapShowsWhatIsWhere() throws {
    let folder = try TemporaryFolder()
    _ = try SceneWriter.write(folder.path + "/a", seed: 100, count: 20, side: 64)
    let (maps, boxes) = (try Self.answers(folder.path + "/a/maps.jsonl"), try Self.answers(folder.path + "/a/boxes.jsonl"))
    #expect(maps.count == 20)
    var (middles, rectangles): (Int, [String: Int]) = (0, [:])
    for (image, said) in maps {
      let words = try #require(said.first).split(separator: " ")
      #expect(words.count == 64 && words.contains("."))
      #expect(words.allSatisfy { $0 == "." || ($0.count == 2 && "rgbykant".contains($0.lowercased().first ?? "-") && "clstr".contains($0.lowercased().last ?? "-")) })
      // A word with a capital for each shape, unless two middles fall into one cell.
      let shapes = words.count { $0.first?.isUppercase == true }
      #expect(shapes >= 1 && shapes <= boxes[image]?.count ?? 0, "\(image)")
      middles += shapes
      // Rectangles that lie have another letter than those that stand.
      let sides = try #require(boxes[image]).map { $0.split { !$0.isNumber }.compactMap { Double($0) } }.map { ($0[2] - $0[0], $0[3] - $0[1]) }
      for (letter, boxes) in [("l", sides.filter { $0 > 1.4 * $1 }), ("r", sides.filter { $1 > 1.4 * $0 })] {
        let marked = words.count { $0.first?.isUppercase == true && $0.lowercased().hasSuffix(letter) }
        #expect(marked == boxes.count || shapes < sides.count, "\(image)")
        rectangles[letter, default: 0] += marked
      }
    }
    #expect(middles >= 30 && rectangles.count == 2 && rectangles.values.allSatisfy { $0 > 0 })
  }

  /// What is said not to be there is not, and some of it is by half like what is.
  @Test func whatIsAbsentIsNotThere() throws {
    let folder = try TemporaryFolder()
    _ = try SceneWriter.write(folder.path + "/a", seed: 100, count: 40, side: 8)
    let (captions, absences) = (try Self.answers(folder.path + "/a/captions.jsonl"), try Self.answers(folder.path + "/a/absences.jsonl"))
    var near = 0
    for (image, said) in absences {
      let caption = try #require(captions[image]?.first)
      #expect(said.contains("I don't know") && said.count >= 2)
      for name in said.filter({ $0 != "I don't know" }).map({ $0.replacing("there is no ", with: "") }) {
        #expect(!caption.contains(name), "\(caption): \(name)")
        if name.split(separator: " ").contains(where: { caption.contains($0) }) { near += 1 }
      }
    }
    #expect(absences.count == 40 && near > 60)
  }

  @Test func demonstrationsShareAStyle() throws {
    let folder = try TemporaryFolder()
    _ = try SceneWriter.write(folder.path + "/a", seed: 100, count: 40, side: 8)
    let marks: [(String) -> Bool] = [
      { $0.hasPrefix("I see a ") }, { $0 == $0.uppercased() }, { $0.contains("(") }, { $0.contains(": ") }, { $0.hasPrefix("colors ") }, { $0.hasPrefix("shapes ") },
      { $0.contains(" at the ") },
    ]
    var seen: Set<Int> = []
    for line in try String(contentsOfFile: folder.path + "/a/styles.jsonl", encoding: .utf8).split(separator: "\n") {
      let json = try JSONParser.parse(Array(line.utf8), name: "styles.jsonl")
      let captions = try #require(json["messages"]?.array).filter { $0["role"]?.string == "assistant" }.compactMap { $0["content"]?.string }
      let pictures = try #require(json["images"]?.array).compactMap(\.string)
      #expect(captions.count == 5 && pictures.count == 5)
      // The last one's caption is what is asked for, and is not shown before.
      #expect(pictures.count { $0 == pictures.last } == 1 && pictures.allSatisfy { FileManager.default.fileExists(atPath: folder.path + "/a/" + $0) })
      let styles = Set(captions.map { caption in marks.firstIndex { $0(caption) } ?? marks.count })
      #expect(styles.count == 1, "\(captions)")
      seen.formUnion(styles)
    }
    #expect(seen.count == 8)
  }

  private static let fonts = ["DejaVuSans.ttf", "DejaVuSerif-Bold.ttf"].map { "/usr/share/fonts/truetype/dejavu/" + $0 }

  @Test(.enabled(if: fonts.allSatisfy { FileManager.default.fileExists(atPath: $0) }, "DejaVu is not installed (Debian: fonts-dejavu-core)"))
  func textIsWrittenAsItReads() throws {
    let folder = try TemporaryFolder()
    #expect(try SceneWriter.writeText(folder.path + "/a", seed: 5, count: 30, side: 64, fonts: Self.fonts) == 90)
    #expect(try SceneWriter.writeText(folder.path + "/b", seed: 5, count: 30, side: 64, fonts: Self.fonts) == 90)
    _ = try SceneWriter.writeText(folder.path + "/c", seed: 5, count: 30, side: 64, fonts: [Self.fonts[0]])
    func bytes(_ name: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: folder.path + "/" + name)) }
    #expect(try bytes("a/text.jsonl") == bytes("b/text.jsonl"))
    let texts = try Self.answers(folder.path + "/a/text.jsonl")
    #expect(texts.count == 30 && Set(texts.values.map { $0[0] }).count == 30)
    var (lines, others) = (0, 0)
    for (image, said) in texts {
      #expect(try bytes("a/" + image) == bytes("b/" + image))
      if try bytes("a/" + image) != bytes("c/" + image) { others += 1 }
      lines += said[0].split(separator: "\n").count
      // More ink the more is written, and most of the picture is paper.
      let picture = try ImageFile.load(folder.path + "/a/" + image)
      let greens = (0..<64 * 64).map { Int(picture.pixels[$0 * picture.channels + 1]) }
      let paper = try #require(greens.max())
      let ink = Double(greens.map { paper - $0 }.reduce(0, +)) / 255
      #expect(ink > 2 * Double(said[0].count { !$0.isWhitespace }) && ink < 64 * 64 / 3, "\(said[0]): \(ink)")
    }
    #expect(lines > 40 && others > 5)
    // Maps have the letters in their order, most of them, and the ink is where they say that they are.
    for (image, said) in try Self.answers(folder.path + "/a/maps.jsonl") {
      let (first, second) = (Array(said[0]), Array(said[1])), wanted = (texts[image]?[0] ?? "").filter { !$0.isWhitespace }
      #expect(first.count == 64 && second.count == 64)
      var (rest, letters) = (wanted[...], (0.0, 0.0, 0.0))  // of letters how many, and their sums of x and y in places
      for (place, letter) in zip(first, second).flatMap({ [$0, $1] }).enumerated() where letter != "." {
        let at = try #require(rest.firstIndex(of: letter), "\(wanted): \(said)")
        rest = rest[rest.index(after: at)...]
        letters = (letters.0 + 1, letters.1 + Double(place / 2 % 8) + 0.5, letters.2 + Double(place / 16) + 0.5)
      }
      #expect(letters.0 > 0 && letters.0 >= 0.8 * Double(wanted.count))
      try Self.expectInk(of: folder.path + "/a/" + image, x: letters.1 / letters.0, y: letters.2 / letters.0)
    }
    expectError(.file, "nowhere.ttf", "TrueType") { _ = try SceneWriter.writeText(folder.path + "/d", seed: 0, count: 1, side: 64, fonts: ["nowhere.ttf"]) }
    expectError(.file, "text.jsonl") { _ = try SceneWriter.writeText(folder.path + "/d", seed: 0, count: 1, side: 64, fonts: [folder.path + "/a/text.jsonl"]) }
    #expect(!FileManager.default.fileExists(atPath: folder.path + "/d"))
  }

  /// The middle of what is dark in a picture of 64 pixels, in eighths of it from the left and the top, is there.
  private static func expectInk(of path: String, x: Double, y: Double) throws {
    let picture = try ImageFile.load(path)
    let paper = Int(picture.pixels.indices.filter { $0 % picture.channels == 1 }.map { picture.pixels[$0] }.max() ?? 0)
    var ink = (0.0, 0.0, 0.0)
    for row in 0..<64 { for column in 0..<64 {
      let dark = Double(paper - Int(picture.pixels[(row * 64 + column) * picture.channels + 1]))
      ink = (ink.0 + dark, ink.1 + dark * Double(column) / 8, ink.2 + dark * Double(row) / 8)
    } }
    #expect(abs(ink.1 / ink.0 - x) < 0.6 && abs(ink.2 / ink.0 - y) < 0.7, "\(path): ink at \(ink), wanted at \(x), \(y)")
  }

  /// Strewn letters stand where their maps say, and by chance: behind a letter there is one no more often than behind a gap.
  @Test(.enabled(if: fonts.allSatisfy { FileManager.default.fileExists(atPath: $0) }, "DejaVu is not installed (Debian: fonts-dejavu-core)"))
  func strewnLettersStandByChance() throws {
    let folder = try TemporaryFolder()
    let lines = try SceneWriter.writeText(folder.path + "/a", seed: 5, count: 80, side: 64, fonts: Self.fonts, strewn: true)
    #expect((100...140).contains(lines) && !FileManager.default.fileExists(atPath: folder.path + "/a/text.jsonl"))
    var (behindLetter, behindGap) = ((0.0, 0.0), (0.0, 0.0))  // places, and letters in them
    for (image, said) in try Self.answers(folder.path + "/a/maps.jsonl") {
      let places = (0..<64).map { place in said.map { Array($0)[place] }.filter { $0 != "." } }
      #expect(said.allSatisfy { $0.count == 64 } && places.joined().allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber) && !"IO".contains($0) })
      let letters = places.enumerated().flatMap { place, found in found.map { _ in (x: Double(place % 8) + 0.5, y: Double(place / 8) + 0.5) } }
      let count = Double(letters.count)
      try Self.expectInk(of: folder.path + "/a/" + image, x: letters.reduce(0) { $0 + $1.x } / count, y: letters.reduce(0) { $0 + $1.y } / count)
      // One at most in each place, where there is but one map.
      for place in 1..<64 where said.count == 1 && place % 8 > 1 {
        let there = places[place].isEmpty ? 0.0 : 1
        if places[place - 1].isEmpty { behindGap = (behindGap.0 + 1, behindGap.1 + there) } else { behindLetter = (behindLetter.0 + 1, behindLetter.1 + there) }
      }
    }
    let (first, second) = (behindLetter.1 / behindLetter.0, behindGap.1 / behindGap.0)
    #expect(abs(first - second) < 0.1 && (0.35...0.55).contains(first), "\(first) \(second)")
  }
}
