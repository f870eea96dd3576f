import ArgumentParser
import AviaryRuntime
import AviaryTensor

/// Makes pictures with questions and answers, for training.
struct Scenes: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Write pictures of coloured shapes with questions and answers, captions, boxes, places and maps of what is where.",
    discussion: """
      Everything follows from the seed: picture k has seed + k, so sets with ranges apart share no picture. With --font, pictures of text in one of these fonts instead, \
      and what is written there.
      """)

  @Option(help: "The first picture's seed.")
  var seed: UInt64 = 0
  @Option(help: "Pictures to make.")
  var count: Int
  @Option(help: "Pixels along a side.")
  var side = 64
  @Option(help: "Most shapes in a picture, 1 to 4 (the default); those of fewer are easier learnt from.")
  var shapes: Int?
  @Option(help: ArgumentHelp("A TrueType or OpenType file, for pictures of text; may be given several times.", valueName: "file"))
  var font: [String] = []
  @Flag(help: "With --font: letters strewn over the picture in place of words, with maps of them alone; what a model learns letters from before it reads.")
  var strewn = false
  @Option(name: .shortAndLong, help: ArgumentHelp("The folder to write, which must not be there.", valueName: "dir"))
  var output: String

  func run() throws {
    guard font.isEmpty || shapes == nil else { throw AviaryError(.request, "--shapes with --font", wanted: "one of them: pictures of text have no shapes") }
    guard !font.isEmpty || !strewn else { throw AviaryError(.request, "--strewn without --font", wanted: "a font to strew letters of") }
    if !font.isEmpty {
      let lines = try SceneWriter.writeText(output, seed: seed, count: count, side: side, fonts: font, strewn: strewn)
      return Console.print("\(output): \(count) pictures of \(strewn ? "letters" : "text"), \(lines) lines in \(strewn ? "" : "text and ")maps")
    }
    let lines = try SceneWriter.write(output, seed: seed, count: count, side: side, most: shapes)
    Console.print("\(output): \(count) pictures, \(lines) lines in questions, captions, boxes, absences, places, maps and styles")
  }
}
