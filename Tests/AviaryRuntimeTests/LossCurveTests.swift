import AviaryCore
import AviaryRuntime
import AviaryTensor
import CoreTestSupport
import Foundation
import Testing

/// `aviary train report`: a run's losses as pictures.
struct LossCurveTests {
  private static func run(_ lines: [String]) throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    try folder.write("metrics.jsonl", lines.joined(separator: "\n") + "\n")
    return folder
  }
  private static func line(_ step: Int, _ loss: Double, _ stage: String = "1") -> String { #"{"step": \#(step), "stage": "\#(stage)", "loss": \#(loss)}"# }

  /// Steps 1...4 stand at x = 48, 256, 464, 672, and the highest loss at y = 48.
  @Test func theCurveIsWhereTheNumbersSay() throws {
    let folder = try Self.run([(1, 4.0), (2, 2), (3, 1), (4, 0)].map { Self.line($0.0, $0.1) })
    let paths = try LossCurve.write(folder.path)
    #expect(paths.map { $0.dropFirst(folder.path.count) } == ["/losses.svg", "/losses.png"])
    let svg = try String(contentsOfFile: paths[0], encoding: .utf8)
    #expect(svg.hasPrefix("<svg") && svg.hasSuffix("</svg>\n"))
    #expect(svg.contains(#"d="M48.0 48.0L256.0 180.0L464.0 246.0L672.0 312.0" fill="none" stroke="rgb(153,187,204)""#), "\(svg)")
    #expect(!svg.contains(">1</text>\n<text x=\"52"))

    // The same drawing, two pixels for a unit.
    let loaded = try ModelUnderTest(Golden.ownFolder + "/llava-hf-single/model").engine.loaded
    let image = try ImageLoader.load(paths[1], for: loaded).image
    #expect((image.width, image.height) == (1440, 720))
    func pixel(_ x: Int, _ y: Int) -> [UInt8] { Array(image.rgb().pixels[3 * (y * image.width + x)..<3 * (y * image.width + x) + 3]) }
    for (x, y) in [(96, 96), (512, 360), (928, 492), (1343, 623)] { #expect(pixel(x, y) == [0, 51, 102], "\(x),\(y): \(pixel(x, y))") }
    #expect(pixel(1000, 150) == [255, 255, 255])
  }

  @Test func stagesAreMarked() throws {
    let folder = try Self.run([Self.line(1, 3, "eyes"), Self.line(2, 2, "eyes"), Self.line(3, 2, "all & <more>"), Self.line(4, 1, "all & <more>")])
    let svg = try String(contentsOfFile: LossCurve.write(folder.path)[0], encoding: .utf8)
    #expect(svg.contains(">eyes</text>") && svg.contains(#"<text x="468.0" y="44.0" text-anchor="start">all &amp; &lt;more&gt;</text>"#), "\(svg)")
  }

  @Test(arguments: [
    ([line(1, 2)], AviaryError.Kind.file, ["1 steps", "at least two"]), ([line(1, 2), #"{"loss": 1}"#], .format, ["line 2"]), (["nonsense"], .format, ["line 1"]),
    ([line(1, 2), #"{"step": 2, "loss": 1e999}"#], .format, ["line 2"]),
  ])
  func whatIsNoRunIsRefused(_ lines: [String], _ kind: AviaryError.Kind, _ parts: [String]) throws {
    let folder = try Self.run(lines)
    let error = #expect(throws: AviaryError.self) { try LossCurve.write(folder.path) }
    #expect(error?.kind == kind)
    for part in parts { #expect(error?.description.contains(part) == true, "\(error?.description ?? "")") }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["metrics.jsonl"])
  }

  @Test func aFolderWithoutMetricsIsNoRun() throws {
    let folder = try TemporaryFolder()
    expectError(.file, "no metrics.jsonl") { _ = try LossCurve.write(folder.path) }
  }
}
