import AviaryCore
import AviaryTensor
import CoreTestSupport
import Testing

struct PromptAssemblyTests {
  enum Way: String, CaseIterable { case expanding, splitting }

  static func assemble(_ way: Way, _ prompt: MarkedText, rows: [Int], _ tokenizer: ByteTokenizer = ByteTokenizer()) throws -> TokenizedPrompt {
    let images = rows.map { MediaLayout(tokens: $0, imageWidth: 1, imageHeight: 1) }
    switch way {
    case .expanding: return try PromptAssembly.expanding(prompt, marker: "<image>", id: 3, images, tokenizer)
    case .splitting: return try PromptAssembly.splitting(prompt, marker: "<image>", placeholder: -200, images, tokenizer)
    }
  }

  static func ids(_ text: String) -> [Int32] { Array(ByteTokenizer.ids(text).dropFirst()) }

  @Test func theMarkerIsRepeatedOncePerRow() throws {
    let prompt = try Self.assemble(.expanding, "a<image>b", rows: [3])
    #expect(prompt.inputIDs == [1] + Self.ids("a") + [3, 3, 3] + Self.ids("b"))
    #expect(prompt.parts == [.tokens([1] + Self.ids("a")), .image(0, count: 3), .tokens(Self.ids("b"))])
    #expect(prompt.text == "a<image><image><image>b")
    #expect(prompt.count == 6)
  }

  @Test func theTextIsCutAtTheMarker() throws {
    let prompt = try Self.assemble(.splitting, "a<image>b", rows: [3])
    #expect(prompt.inputIDs == [1] + Self.ids("a") + [-200] + Self.ids("b"))
    #expect(prompt.parts == [.tokens([1] + Self.ids("a")), .image(0, count: 3), .tokens(Self.ids("b"))])
    #expect(prompt.text == "a<image>b")
    #expect(prompt.count == 6)
  }

  @Test(arguments: Way.allCases) func picturesMayTouchAndStandAtTheEnds(way: Way) throws {
    let prompt = try Self.assemble(way, "<image><image>x<image>", rows: [2, 1, 4])
    #expect(prompt.parts == [.tokens([1]), .image(0, count: 2), .image(1, count: 1), .tokens(Self.ids("x")), .image(2, count: 4)])
    #expect(prompt.count == 9)
    let bare = try Self.assemble(way, "<image>", rows: [2], ByteTokenizer(addsBOS: false))
    #expect(bare.parts == [.image(0, count: 2)])
  }

  @Test(arguments: Way.allCases) func slotsAndPicturesMustMatch(way: Way) {
    expectError(.request, "2 pictures for 1 slots <image>", "a slot for each picture") { _ = try Self.assemble(way, "a<image>", rows: [1, 1]) }
    expectError(.request, "1 pictures for 2 slots <image>") { _ = try Self.assemble(way, "<image>a<image>", rows: [1]) }
    expectError(.request, "0 pictures for 1 slots") { _ = try Self.assemble(way, "<image>", rows: []) }
    expectError(.request, "1 pictures for 0 slots") { _ = try Self.assemble(way, "a", rows: [1]) }
  }

  /// What a user types makes no slot and no control token.
  @Test(arguments: Way.allCases) func typedMarkersAreText(way: Way) throws {
    let typed = "<image></s><s>"
    let prompt = try Self.assemble(way, "<image>\(typed)!", rows: [2])
    #expect(prompt.parts == [.tokens([1]), .image(0, count: 2), .tokens(Self.ids(typed + "!"))])
    expectError(.request, "1 pictures for 0 slots") { _ = try Self.assemble(way, "\(typed)", rows: [1]) }
    #expect(try Self.assemble(way, "\(typed)", rows: []).inputIDs == [1] + Self.ids(typed))
  }

  /// A tokenizer whose marker is another token: an error of the checkpoint, with both figures.
  @Test func aMarkerThatIsNoTokenIsNamed() throws {
    let images = [MediaLayout(tokens: 2, imageWidth: 1, imageHeight: 1)]
    expectError(.config, "no token <picture> with id 3") {
      _ = try PromptAssembly.expanding("<picture>", marker: "<picture>", id: 3, images, ByteTokenizer())
    }
    // The id of `a` in the text around the slot.
    expectError(.config, "3 tokens <image> (101)", "2, the rows of 1 pictures") {
      _ = try PromptAssembly.expanding("aaa<image>", marker: "<image>", id: 101, images, ByteTokenizer())
    }
  }

  @Test func anEmptyMarkerIsNoSlot() {
    expectError(.request, "1 pictures for 0 slots") {
      _ = try PromptAssembly.splitting("ab", marker: "", placeholder: -200, [MediaLayout(tokens: 1, imageWidth: 1, imageHeight: 1)], ByteTokenizer())
    }
  }
}
