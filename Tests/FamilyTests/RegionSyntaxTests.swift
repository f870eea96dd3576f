import Architectures
import AviaryCore
import AviaryRuntime
import AviaryTensor
import AviaryText
import CoreTestSupport
import Testing

/// Places in the forms of the families, both ways.
struct RegionSyntaxTests {
  static func spelled(_ reading: RegionReading) -> [String] {
    reading.regions.map { "\($0.label)|" + $0.points.map { "\($0.x),\($0.y)" }.joined(separator: " ") }
  }
  static func qwen(_ text: String, after prompt: String = "") -> RegionReading { QwenVLRegions().read(text, after: prompt, width: 1280, height: 853) }
  static func plain(_ text: String) -> RegionReading { BracketedRegions().read(text, after: "", width: 1000, height: 500) }

  /// int(536 / 1000 * 1280) = 686 and so on, as the published code has it.
  @Test func qwensBoxesAndQuadrangles() {
    let answer = "<ref>击掌</ref><box>(536,509),(588,602)</box> and <ref>two cats</ref><box>(0,0),(999,999)</box><box>(1,2),(3,4)</box>."
    #expect(Self.spelled(Self.qwen(answer)) == ["击掌|686,434 752,513", "two cats|0,0 1278,852", "two cats|1,1 3,3"])
    let quad = Self.qwen("<ref>SIGN</ref><quad>(10,10),(500,20),(490,100),(5, 90)</quad>")
    #expect(Self.spelled(quad) == ["SIGN|12,8 640,17 627,85 6,76"])
    #expect(quad.regions.first?.isBox == false)
    #expect(quad.problems.isEmpty)
  }

  @Test func aPlaceThatThePromptBeganIsWhole() {
    #expect(Self.spelled(Self.qwen("(0,0),(500,500)</box>", after: "<img></img><ref>the cat</ref><box>")) == ["the cat|0,0 640,426"])
    #expect(Self.spelled(Self.qwen("(0,0),(500,500)</box>", after: "Where?<box>")) == ["|0,0 640,426"])
    let earlier = Self.qwen("(0,0),(500,500)</box>", after: "<ref>a</ref><box>(1,1),(2,2)</box> and <box>")
    #expect(Self.spelled(earlier) == ["|0,0 640,426"])
  }

  @Test(arguments: [
    "<box>(900,0),(100,10)</box>", "<box>(0,0),(1001,10)</box>", "<box>(0,0)</box>", "<box>0,0,1,1</box>", "<box></box>", "<box>(a,b),(c,d)</box>",
    "<quad>(0,0),(1,1)</quad>", "<box>(99999999999999999999999,0),(1,1)</box>", "<box>(-5,0),(1,1)</box>",
  ])
  func whatIsNoPlaceIsAProblem(_ text: String) {
    let reading = Self.qwen(text)
    #expect(reading.regions.isEmpty)
    #expect(reading.problems.map(\.kind) == [.format])
  }

  @Test(arguments: ["", "no places", "<ref>open", "<box>(1,2),(3", "</box>", "<ref></ref>"]) func textWithoutPlacesHasNone(_ text: String) {
    #expect(Self.qwen(text) == RegionReading())
  }

  @Test func varysCoordinatesArePlainText() {
    #expect(Self.spelled(Self.plain("cat: [100, 200, 300, 400]")) == ["cat|100,100 300,200"])
    #expect(Self.spelled(Self.plain("dog [0,0,1000,1000]; a red bus: [1, 2, 3, 4]\n[5, 6, 7, 8]")) == ["dog|0,0 1000,500", "a red bus|1,1 3,2", "|5,3 7,4"])
    #expect(Self.spelled(Self.plain("[0.1, 0.2, 0.5, 1.0]")) == ["|100,100 500,500"])
    #expect(Self.plain("as in [12] and [1, 2, 3], [a, b, c, d], [1, 2, 3, nan], [") == RegionReading())
    #expect(Self.plain("x: [900, 0, 100, 10]").problems.map(\.kind) == [.format])
    #expect(Self.plain("x: [0, 0, 5000, 10]").problems.map(\.kind) == [.format])
  }

  @Test func whatIsWrittenIsReadAgain() throws {
    let points = [Region.Point(x: 320, y: 100), Region.Point(x: 1280, y: 853)]
    let box = try Region("a cat", points, width: 1280, height: 853)
    let written = QwenVLRegions().write(box, width: 1280, height: 853)
    #expect(written == "<ref>a cat</ref><box>(250,117),(999,999)</box>")
    #expect(try QwenVLRegions().write(Region("", points, width: 1280, height: 853), width: 1280, height: 853) == "<box>(250,117),(999,999)</box>")
    #expect(BracketedRegions().write(box, width: 1280, height: 853) == "a cat: [250, 117, 1000, 1000]")
    for syntax in [QwenVLRegions() as any RegionSyntax, BracketedRegions()] {
      let read = syntax.read(syntax.write(box, width: 1280, height: 853), after: "", width: 1280, height: 853)
      #expect(read.problems.isEmpty)
      for (a, b) in zip(read.regions.first?.points ?? [], points) { #expect(abs(a.x - b.x) <= 2 && abs(a.y - b.y) <= 1) }
    }
  }

  /// Through a whole processor: a box in the prompt is a box's tokens, and the marks around places stay in the answer's text.
  @Test(.enabled(if: Golden.has("qwen-vl-chat-single"))) func boxesAreTokensBothWays() throws {
    let loaded = try Recorded.loader.load(#require(Golden.find("qwen-vl-chat-single")) + "/model", on: Backends().open("cpu", BackendOptions()))
    let processor = try #require(loaded.processor)
    let image = loaded.input(PixelImage(width: 100, height: 100, channels: 3, pixels: [UInt8](repeating: 9, count: 30000)))
    let text = try loaded.written(["10,10,50,50 it"], in: [image])
    #expect(text == "<ref>it</ref><box>(100,100),(500,500)</box>")
    let prompt = try processor.prompt([ChatMessage(.user, [.image(0), .text(text + "What is it?")])], PromptOptions())
    let ids = try processor.tokenize(prompt, [processor.prepare(image.image).layout]).inputIDs
    for tag in ["<ref>", "</ref>", "<box>", "</box>"] {
      let id = try #require(processor.tokenizer.id(of: tag))
      #expect(ids.count { $0 == id } == 1, "\(tag)")
      #expect(processor.markup.contains(id))
    }
    // Greedy choices that spell a place.
    let answer = try processor.tokenizer.encode(MarkedText(trusted: text), addSpecial: false)
    var loop = AnswerLoop(GenerationRequest(.raw("")), processor, prompt: [])
    for id in answer {
      var logits = [Float](repeating: 0, count: loaded.model.language.vocabularySize)
      logits[Int(id)] = 9
      _ = try loop.next(&logits)
    }
    _ = loop.finish()
    #expect(loop.text == text)
    expectError(.request, "the upper left corner first") { _ = try loaded.written(["50,50,10,10"], in: [image]) }
  }

  @Test(.enabled(if: Golden.has("llava-hf-single"))) func afamilyWithoutPlacesRefusesThem() throws {
    let loaded = try Recorded.loader.load(#require(Golden.find("llava-hf-single")) + "/model", on: Backends().open("cpu", BackendOptions()))
    expectError(.request, "a box for model", "qwen-vl") { _ = try loaded.written(["0,0,1,1"], in: []) }
  }
}
