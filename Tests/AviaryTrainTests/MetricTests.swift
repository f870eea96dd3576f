import AviaryCore
import AviaryFormats
import AviaryTrain
import Testing

/// Scores against those of the published scorers.
@Suite struct MetricTests {
  private static func recorded(_ name: String) throws -> JSONValue {
    let folder = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
    return try JSONParser.parse(file: "\(folder)/Fixtures/\(name).json")
  }

  /// Recorded by Fixtures/record_vqa.py with the data sets' own scorer, out of salesforce-lavis.
  @Test func vqaIsThePublishedOne() throws {
    let json = try Self.recorded("vqa")
    let (texts, forms) = ((json["texts"]?.array ?? []).compactMap(\.string), (json["forms"]?.array ?? []).compactMap(\.string))
    #expect(texts.count > 280 && forms.count == texts.count)
    for (text, form) in zip(texts, forms) { #expect(VQAAccuracy.normalised(text) == form, "\(text)") }
    let questions = json["questions"]?.array ?? []
    #expect(questions.count == 60)
    for question in questions {
      let (answer, people) = (try #require(question["answer"]?.string), (question["answers"]?.array ?? []).compactMap(\.string))
      let score = try #require(question["score"]?.double)
      #expect(abs(VQAAccuracy.score(answer, people) - score) < 1e-9, "\(answer) among \(people)")
    }
  }

  /// Recorded by Fixtures/record_cider.py with pycocoevalcap.
  @Test func ciderIsThePublishedOne() throws {
    let json = try Self.recorded("cider")
    func words(_ value: JSONValue) -> [String] { (value.string ?? "").split(separator: " ").map(String.init) }
    let candidates = (json["candidates"]?.array ?? []).map(words)
    let references = (json["references"]?.array ?? []).map { ($0.array ?? []).map(words) }
    let wanted = (json["scores"]?.array ?? []).compactMap(\.double)
    let found = CIDEr.scores(candidates, references)
    #expect(wanted.count == 12 && found.count == 12)
    for (own, recorded) in zip(found, wanted) { #expect(abs(own - recorded) < 1e-9) }
    let mean: Double = found.reduce(0, +) / 12
    let recorded: Double = try #require(json["score"]?.double)
    #expect(abs(mean - recorded) < 1e-9)
  }

  @Test func captionsAsWords() { #expect(CIDEr.words("Two dogs, near a well-known man's hat.") == ["two", "dogs", "near", "a", "well-known", "man's", "hat"]) }

  @Test(arguments: [
    ("Two dogs.", "2 dogs"), ("the DON'T stop", "don't stop"), ("dont", "don't"), ("couldnt've", "couldn't've"), ("red/blue", "red blue"), ("red / blue", "red blue"),
    ("1,000", "1000"), ("yes!", "yes"), ("3.5", "3.5"), ("a.m.", "am"), ("an apple", "apple"), ("none", "0"), ("youre", "you're"),
  ])
  func answersAreBroughtToOneForm(_ text: String, _ wanted: String) { #expect(VQAAccuracy.normalised(text) == wanted) }

  @Test func anAnswerThatThreeGaveCountsInFull() {
    let answers = ["yes", "yes", "yes", "yes", "no", "no", "no", "maybe", "yes", "yes"]
    #expect(VQAAccuracy.score("Yes.", answers) == 1)
    // Of its three givers each sees two others: 3 * 2/3, and 7 * 1, over 10.
    #expect(abs(VQAAccuracy.score("no", answers) - 0.9) < 1e-12)
    #expect(abs(VQAAccuracy.score("maybe", answers) - 0.3) < 1e-12)
    #expect(VQAAccuracy.score("green", answers) == 0)
    #expect(VQAAccuracy.score("cat\n", [String](repeating: "cat", count: 10)) == 1)
  }

  @Test func distancesAndBoxes() {
    #expect(editDistance(Array("kitten"), Array("sitting")) == 3 && editDistance([Int](), [1, 2]) == 2)
    #expect(Box(in: "<ref>x</ref><box>(1,2),(31,42)</box>") == Box(1, 2, 31, 42))
    #expect(Box(in: "[0.5, 1, 2.5, 3]") == Box(0.5, 1, 2.5, 3))
    #expect(Box(in: "no box, 1 2 3") == nil && Box(in: "9 9 1 1") == nil)
    #expect(abs(Box(0, 0, 2, 2).overlap(Box(1, 0, 3, 2)) - 1.0 / 3) < 1e-12)
    #expect(Box(0, 0, 1, 1).overlap(Box(1, 1, 2, 2)) == 0)
  }
}
