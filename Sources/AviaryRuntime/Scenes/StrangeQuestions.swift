import AviaryCore

extension Scene {
  static let unknown = "I don't know"

  /// A question that no picture of coloured shapes can answer: what an honest model says that it does not know.
  func strange(_ random: inout SplitMix64) -> Turn {
    let template = Self.strangeTemplates.randomElement(using: &random) ?? ""
    let noun = Self.strangeNoun(&random)
    let other = Self.strangePlaces.randomElement(using: &random) ?? ""
    return Turn(question: template.replacing("NOUN", with: noun).replacing("PLACE", with: other), answer: Self.unknown, category: "unknowable")
  }

  /// Something that no picture of coloured shapes has.
  static func strangeNoun(_ random: inout SplitMix64) -> String { strangeNouns.randomElement(using: &random) ?? "" }

  private static let strangeNouns = [
    "dog", "cat", "man", "woman", "child", "boy", "girl", "bird", "horse", "car", "bus", "train", "house", "tree", "flower", "table", "chair", "phone",
    "book", "cup", "bottle", "hat", "shirt", "dress", "bridge", "boat", "plane", "bike", "door", "window", "cake", "pizza", "apple", "ball", "player",
    "animal", "person", "building", "road", "river",
  ]
  private static let strangePlaces = [
    "France", "Spain", "Japan", "the world", "this city", "my house", "the garden", "the street", "Africa", "London", "the sea", "Brazil", "China",
  ]
  private static let strangeTemplates = [
    "Who painted this?", "What is the name of the NOUN?", "What time is it?", "Where was this picture taken?", "How old is the NOUN?", "What does the sign say?",
    "Is it raining?", "What is the capital of PLACE?", "What sound does the NOUN make?", "How much does the NOUN cost?", "What is the NOUN doing?",
    "Who owns the NOUN?", "Why is the NOUN here?", "Where is the NOUN going?", "What is the NOUN made of?", "Does the NOUN like music?", "When was PLACE founded?",
    "How many people live in PLACE?", "What is the weather in PLACE?", "Is the NOUN happy?", "What is the NOUN looking at?", "Tell me about PLACE.",
    "Who is the president of PLACE?", "How far is it to PLACE?", "What is your name?", "What day is it today?", "How heavy is the NOUN?", "Is the NOUN new?",
    "What brand is the NOUN?", "Write a poem about the NOUN.", "What is two plus three?", "How fast is the NOUN?", "Did the NOUN win?", "What did the NOUN eat?",
    "Is there a NOUN in PLACE?", "Translate NOUN into French.", "What season is it?", "Which country is this?", "Who is in the picture?", "What language is this?",
  ]
}
