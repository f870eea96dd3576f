import AviaryCore
import AviaryFormats
import AviaryTensor
import AviaryTrain
import CoreTestSupport
import Testing

/// Conversations in the forms that people have them in, and what is learnt of them.
@Suite struct DataTests {
  private func read(_ text: String) throws -> Conversation { try Conversation(try JSONParser.parse(Array(text.utf8), name: "data.jsonl"), at: "data.jsonl, line 7") }

  @Test func llava() throws {
    let found = try read(
      #"{"id": "1", "image": "a/b.jpg", "conversations": [{"from": "human", "value": "<image>\nWhat?"}, {"from": "gpt", "value": "A cat."}]}"#)
    #expect(found == Conversation([ChatMessage(.user, [.image(0), .text("What?")]), ChatMessage(.assistant, "A cat.")], images: ["a/b.jpg"]))
  }

  @Test func swift() throws {
    let found = try read(
      #"""
      {"messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "<image>and <image>find <ref-object>"}, {"role": "assistant", "content": "<bbox>"}],
       "images": ["1.png", {"path": "2.png"}], "objects": {"ref": ["a dog"], "bbox": [[1, 2, 30, 40]]}}
      """#)
    #expect(found.images == ["1.png", "2.png"])
    #expect(found.messages[1].parts == [.image(0), .text("and "), .image(1), .text("find <ref>a dog</ref>")])
    #expect(found.messages[2].text == "<box>(1,2),(30,40)</box>")
  }

  @Test func sharegptAndPictureWithoutPlace() throws {
    let found = try read(#"{"system": "s", "conversations": [{"from": "human", "value": "Q"}, {"from": "gpt", "value": "A"}], "images": ["x.png"]}"#)
    #expect(found.messages == [ChatMessage(.system, "s"), ChatMessage(.user, [.image(0), .text("Q")]), ChatMessage(.assistant, "A")])
  }

  @Test func easyVQA() throws {
    let found = try read(#"["what color is it?", "red", 12]"#)
    #expect(found == Conversation([ChatMessage(.user, [.image(0), .text("what color is it?")]), ChatMessage(.assistant, "red")], images: ["images/12.png"]))
  }

  @Test func partsOfContent() throws {
    let found = try read(#"{"messages": [{"role": "user", "content": [{"type": "image", "path": "p.png"}, {"type": "text", "text": "Q"}]}, {"role": "assistant", "content": "A"}]}"#)
    #expect(found.images == ["p.png"] && found.messages[0].parts == [.image(0), .text("Q")])
  }

  @Test(arguments: [
    (#"{"text": "x"}"#, "neither conversations nor messages"), (#"{"messages": []}"#, "neither"), (#"[1]"#, "an array"),
    (#"{"messages": [{"role": "user", "content": "Q"}]}"#, "no answer"),
    (#"{"messages": [{"role": "user", "content": "<image><image>"}, {"role": "assistant", "content": "A"}], "images": ["a"]}"#, "2 places"),
    (#"{"messages": [{"role": "user", "content": "<image>"}, {"role": "assistant", "content": "A"}]}"#, "1 places"),
    (#"{"messages": [{"role": "user", "content": "Q"}, {"role": "assistant", "content": "A"}], "images": [3]}"#, "a picture's path"),
    (#"{"messages": [{"role": "robot", "content": "Q"}]}"#, "robot"), (#"{"messages": [{"role": "user", "content": 3}]}"#, "a string"),
    (#"{"messages": [{"role": "user", "content": "<bbox>"}, {"role": "assistant", "content": "A"}]}"#, "more <bbox>"),
    (#"{"messages": [{"role": "user", "content": "Q"}, {"role": "assistant", "content": "A"}], "objects": {"bbox": [[1, 2]]}}"#, "four numbers"),
  ])
  func badLines(_ text: String, _ part: String) {
    let error = #expect(throws: AviaryError.self) { try read(text) }
    #expect(error?.description.contains(part) == true && error?.description.contains("line 7") == true, "\(error.map { "\($0)" } ?? "")")
  }

  @Test func onlyAnswersAreLearnt() throws {
    let processor = TinyProcessor()
    let maker = SampleMaker(processor, limit: 500)
    let conversation = Conversation([ChatMessage(.user, [.image(0), .text("one")]), ChatMessage(.assistant, "yes"), ChatMessage(.user, "two"), ChatMessage(.assistant, "no")])
    let sample = try maker.sample(conversation, [try processor.prepare(TinyModel.picture(1).image)])
    #expect(maker.marked(sample) == "<s>USER:[picture 1: 4 rows]oneASSISTANT:⟦yes⟧USER:twoASSISTANT:⟦no</s>⟧")
    // What a row predicts stands one row behind it.
    #expect(sample.trained == 6 && sample.targets.last == TrainingSample.nothing)
    expectError(.request, "at most 20") { _ = try SampleMaker(processor, limit: 20).sample(conversation, [try processor.prepare(TinyModel.picture(1).image)]) }
    expectError(.request, "1 pictures") { _ = try maker.sample(conversation, []) }
  }

  @Test func mixturesShuffleBySeedAndGoOnAnywhere() {
    let parts = [Mixture.Part(lines: 5, weight: 3), .init(lines: 4, weight: 1)]
    func take(_ count: Int, seed: UInt64, skip: Int = 0) -> [[Int]] {
      var mixture = Mixture(parts, seed: seed)
      mixture.skip(skip)
      return (0..<count).map { _ in
        let next = mixture.next()
        return [next.part, next.line]
      }
    }
    let whole = take(40, seed: 1)
    #expect(whole == take(40, seed: 1) && whole != take(40, seed: 2))
    #expect(take(17, seed: 1, skip: 23) == Array(whole[23...]))
    let first = whole.filter { $0[0] == 0 }.map { $0[1] }
    #expect(first.count == 30)
    let passes = (0..<6).map { pass in Array(first[pass * 5..<pass * 5 + 5]) }
    for pass in passes { #expect(pass.sorted() == [0, 1, 2, 3, 4]) }
    #expect(Set(passes).count > 1)
  }
}
