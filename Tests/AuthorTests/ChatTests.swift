import AviaryRuntime
import AviaryTesting
import CoreTestSupport
import Foundation
import Testing

/// `aviary chat` as somebody types it: a conversation on stdin.
struct ChatTests {
  /// A family that knows no places.
  private static let plain = "\(Program.repository)/Tests/Golden/llava-hf-single/model"

  /// A family of the scaffold that points at the same corner whatever it says, and writes boxes in its own form.
  private static let pointing = #"""

    extension HeronProcessor { var regions: (any RegionSyntax)? { Corner() } }

    struct Corner: RegionSyntax {
      func read(_ answer: String, after prompt: String, width: Int, height: Int) -> RegionReading {
        var reading = RegionReading()
        reading.add("a corner", [(0, 0), (50, 50)], scale: 100, width: width, height: height)
        return reading
      }
      func write(_ region: Region, width: Int, height: Int) -> String {
        "<\(region.label): " + region.points.map { "\($0.x * 100 / width) \($0.y * 100 / height)" }.joined(separator: " ") + ">"
      }
    }

    """#

  /// A checkpoint of that family; returns the arguments that name it.
  private static func pointingModel(in folder: TemporaryFolder) throws -> [String] {
    let at = folder.path
    #expect(try Program.aviary.run(["new", "architecture", "Heron", "--at", at]).code == 0)
    let processor = "Heron/HeronProcessor.swift"
    try folder.write(processor, String(contentsOfFile: "\(at)/\(processor)", encoding: .utf8) + pointing)
    let compiled = try Program.aviary.run(["plugin", "\(at)/Heron", "-o", "\(at)/libHeron.so"])
    #expect(compiled.code == 0, "\(compiled.errors)")
    try folder.write("heron.json", try #require(PluginTests.configuration))
    let made = try Program.aviary.run(["new", "checkpoint", "\(at)/tiny", "--like", "\(at)/heron.json", "--plugin", "\(at)/libHeron.so"])
    #expect(made.code == 0, "\(made.errors)")
    return ["\(at)/tiny", "--plugin", "\(at)/libHeron.so", "--max-tokens", "4"]
  }

  /// The numbers of "read N tokens".
  private static func tokensRead(_ errors: String) -> [Int] {
    errors.matches(of: /read (\d+) tokens/).compactMap { Int($0.1) }
  }

  @Test func boxesGoInAndComeOutAndAreDrawn() throws {
    let folder = try TemporaryFolder()
    let model = try Self.pointingModel(in: folder)
    let (chatted, ran) = ("\(folder.path)/chat.png", "\(folder.path)/run.png")
    func chat(_ lines: String...) throws -> Program.Outcome { try Program.aviary.run(["chat"] + model, input: lines.joined(separator: "\n") + "\n") }

    // Mistakes are said and the conversation goes on.
    let early = try chat("/draw \(chatted)", "/box 1,2,3,4", "/image \(PluginTests.picture)", "/draw \(chatted)", "/box 9,9,1,1", "/box", "/bo 1,2,3,4", "/quit")
    #expect(early.code == 0 && early.output.isEmpty)
    for part in ["nothing that could be drawn", "a box without a picture", "picture 1 goes", "the upper left corner first", "unknown command /box", "unknown command /bo"] {
      #expect(early.errors.contains(part), "\(part) is not in \(early.errors)")
    }
    #expect(!FileManager.default.fileExists(atPath: chatted))

    let plain = try chat("/image \(PluginTests.picture)", "What?")
    let loaded = try ModelUnderTest(Self.plain).engine.loaded
    let size = try ImageLoader.load(PluginTests.picture, for: loaded).image
    let (right, low) = (size.width / 2, size.height / 2)
    let boxed = try chat("/image \(PluginTests.picture)", "/box 0,0,\(right),\(low) it", "What?", "And now?", "/draw \(chatted)")
    #expect(boxed.code == 0, "\(boxed.errors)")
    let written = "<it: 0 0 50 50>"
    #expect(boxed.errors.contains("in front of the next question: \(written)"), "\(boxed.errors)")
    // A byte is a token here: the box stands in the next question and in no other.
    #expect(Self.tokensRead(boxed.errors).first == (Self.tokensRead(plain.errors).first ?? 0) + written.utf8.count)
    #expect(boxed.errors.components(separatedBy: "place: 0,0,\(right),\(low) a corner").count == 3, "\(boxed.errors)")
    #expect(boxed.errors.contains("drawn: 1 places"))

    // The drawing is that of `run`.
    let answered = try Program.aviary.run(["run"] + model + ["--image", PluginTests.picture, "--box", "0,0,\(right),\(low) it", "--draw", ran, "What?"])
    #expect(answered.code == 0, "\(answered.errors)")
    #expect(Self.tokensRead(answered.errors).first == Self.tokensRead(boxed.errors).first)
    let drawings = try [chatted, ran].map { try Data(contentsOf: URL(fileURLWithPath: $0)) }
    #expect(drawings[0] == drawings[1])
    let drawn = try ImageLoader.load(chatted, for: loaded).image.rgb()
    let edge = 3 * (low / 2 * drawn.width + right)
    #expect((drawn.width, drawn.height) == (size.width, size.height) && drawn.pixels[edge..<edge + 3] == [230, 159, 0])
  }

  @Test func aFamilyWithoutPlacesSaysSo() throws {
    let outcome = try Program.aviary.run(
      ["chat", Self.plain, "--image", PluginTests.picture, "--max-tokens", "4"], input: "/box 1,1,2,2\nWhat?\n/clear\n/draw x.png\n")
    #expect(outcome.code == 0 && !outcome.output.isEmpty)
    #expect(outcome.errors.contains("a box for") && outcome.errors.contains("nothing that could be drawn"), "\(outcome.errors)")
  }
}
