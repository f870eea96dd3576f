import AviaryCore

/// What can be said and asked about a scene.
extension Scene {
  struct Turn: Sendable, Hashable {
    let question: String
    let answer: String
    /// What kind of question it is, for scores of each kind.
    var category: String?
  }

  /// What the picture shows, in words that the seed chooses.
  func captions(seed: UInt64) -> [Turn] {
    var random = SplitMix64(seed: seed ^ 0xca97)
    return [typed(caption(&random), &random)]
  }

  /// A request for the box of each shape.
  func boxes(seed: UInt64) -> [Turn] {
    var random = SplitMix64(seed: seed ^ 0xb0c5)
    return items.map { typed(box($0, &random), &random) }
  }

  /// Requests for boxes of what is not there, by half like something that is, and a question that has no answer.
  func absences(seed: UInt64) -> [Turn] {
    var random = SplitMix64(seed: seed ^ 0xab5e)
    var turns = [missing(Self.strangeNoun(&random), &random), strange(&random)]
    let present = Set(items.map(\.name))
    for item in items {
      let (colour, form) = (Colour.all.randomElement(using: &random) ?? item.colour, Form.allCases.randomElement(using: &random) ?? item.form)
      for name in ["\(colour.name) \(item.form.rawValue)", "\(item.colour.name) \(form.rawValue)"] where !present.contains(name) { turns.append(missing(name, &random)) }
    }
    return turns.map { typed($0, &random) }
  }

  /// Where each shape is, and how each two of them stand to each other.
  func places(seed: UInt64) -> [Turn] {
    var random = SplitMix64(seed: seed ^ 0x91ace)
    var turns = items.map { place($0, &random) }
    for (index, a) in items.enumerated() { turns += items[(index + 1)...].flatMap { [relation(a, $0), relation($0, a)] } }
    turns.shuffle(using: &random)
    return turns.map { typed($0, &random) }
  }

  /// Questions of every kind that this scene has an answer to, in words that the seed chooses.
  func questions(seed: UInt64) -> [Turn] {
    var random = SplitMix64(seed: seed ^ 0x7e87)
    var turns = [
      count(&random), countOfForm(&random), countOfColour(&random), existence(true, &random), existence(false, &random), absent(&random), strange(&random),
    ]
    for item in items {
      turns += [place(item, &random), size(item, &random)]
      if items.count(where: { $0.form == item.form }) == 1 {
        let words = ["What color is the \(item.form.rawValue)?", "What is the color of the \(item.form.rawValue)?", "Which color does the \(item.form.rawValue) have?"]
        turns.append(Turn(question: words.randomElement(using: &random) ?? words[0], answer: item.colour.name, category: "colour"))
      }
      if items.count(where: { $0.colour == item.colour }) == 1 {
        let words = ["What shape is \(item.colour.name)?", "What is the \(item.colour.name) shape?", "Which shape is the \(item.colour.name) one?"]
        turns.append(Turn(question: words.randomElement(using: &random) ?? words[0], answer: item.form.rawValue, category: "shape"))
      }
    }
    if items.count == 1 {
      turns.append(Turn(question: ["What shape is in the image?", "What shape does the image contain?"].randomElement(using: &random) ?? "", answer: items[0].form.rawValue, category: "shape"))
      turns.append(Turn(question: ["What color is the shape?", "What is the color of the shape?"].randomElement(using: &random) ?? "", answer: items[0].colour.name, category: "colour"))
    }
    if items.count > 1 { turns.append(relation(items[0], items[1])) }
    return turns.map { typed($0, &random) }
  }

  /// A question as people type it: small letters, another spelling, no question mark.
  private func typed(_ turn: Turn, _ random: inout SplitMix64) -> Turn {
    var text = turn.question
    if Bool.random(using: &random) { text = text.prefix(1).lowercased() + text.dropFirst() }
    if Double.random(in: 0..<1, using: &random) < 0.2 { text = text.replacing("color", with: "colour") }
    if Double.random(in: 0..<1, using: &random) < 0.1, text.hasSuffix("?") || text.hasSuffix(".") { text.removeLast() }
    return Turn(question: text, answer: turn.answer, category: turn.category)
  }

  private func caption(_ random: inout SplitMix64) -> Turn {
    let words = ["Describe the picture.", "What do you see?", "Caption this image.", "What is in the picture?"]
    // From left to right: a list in no order could not be learnt, or checked.
    let parts = items.sorted { $0.x < $1.x }.map { "a \($0.isBig ? "big" : "small") \($0.name) at the \(Scene.region($0))" }
    let list = parts.count > 1 ? parts.dropLast().joined(separator: ", ") + " and " + parts[parts.count - 1] : parts.joined()
    return Turn(question: words.randomElement(using: &random) ?? words[0], answer: list, category: "caption")
  }

  private func count(_ random: inout SplitMix64) -> Turn {
    let words = ["How many shapes are there?", "How many things are in the picture?", "Count the shapes."]
    return Turn(question: words.randomElement(using: &random) ?? words[0], answer: "\(items.count)", category: "count")
  }

  private func countOfForm(_ random: inout SplitMix64) -> Turn {
    let form = Form.allCases.randomElement(using: &random) ?? .circle
    let words = ["How many \(form.rawValue)s are there?", "Count the \(form.rawValue)s.", "How many \(form.rawValue)s do you see?"]
    return Turn(question: words.randomElement(using: &random) ?? words[0], answer: "\(items.count { $0.form == form })", category: "count of a shape")
  }

  private func countOfColour(_ random: inout SplitMix64) -> Turn {
    let colour = (Bool.random(using: &random) ? items.randomElement(using: &random)?.colour : nil) ?? Colour.all.randomElement(using: &random) ?? Colour.all[0]
    let words = ["How many \(colour.name) shapes are there?", "How many things are \(colour.name)?"]
    return Turn(question: words.randomElement(using: &random) ?? words[0], answer: "\(items.count { $0.colour == colour })", category: "count of a colour")
  }

  /// A question about a shape that is not there.
  private func absent(_ random: inout SplitMix64) -> Turn {
    let present = Set(items.map(\.form))
    guard let form = Form.allCases.filter({ !present.contains($0) }).randomElement(using: &random) else { return count(&random) }
    let words = ["What color is the \(form.rawValue)?", "What is the color of the \(form.rawValue)?", "Where is the \(form.rawValue)?"]
    return Turn(question: words.randomElement(using: &random) ?? words[0], answer: "there is no \(form.rawValue)", category: "absent")
  }

  /// A question about something that is there, or about something that is not.
  private func existence(_ isThere: Bool, _ random: inout SplitMix64) -> Turn {
    let present = Set(items.map(\.name))
    let all = Form.allCases.flatMap { form in Colour.all.map { "\($0.name) \(form.rawValue)" } }
    let name = all.filter { present.contains($0) == isThere }.randomElement(using: &random) ?? all[0]
    let words = ["Is there a \(name)?", "Does the image contain a \(name)?", "Can you see a \(name)?", "Is a \(name) present?"]
    return Turn(question: words.randomElement(using: &random) ?? words[0], answer: isThere ? "yes" : "no", category: "existence")
  }

  private func place(_ item: Item, _ random: inout SplitMix64) -> Turn {
    let words = ["Where is the \(item.name)?", "In which part of the picture is the \(item.name)?"]
    return Turn(question: words.randomElement(using: &random) ?? words[0], answer: Scene.region(item), category: "place")
  }

  private func size(_ item: Item, _ random: inout SplitMix64) -> Turn {
    let words = ["Is the \(item.name) big or small?", "How big is the \(item.name)?"]
    return Turn(question: words.randomElement(using: &random) ?? words[0], answer: item.isBig ? "big" : "small", category: "size")
  }

  private func search(_ name: String, _ random: inout SplitMix64) -> String {
    let words = ["Find the \(name).", "Box of the \(name)?", "Locate the \(name)."]
    return words.randomElement(using: &random) ?? words[0]
  }

  private func missing(_ name: String, _ random: inout SplitMix64) -> Turn {
    Turn(question: search(name, &random), answer: "there is no \(name)", category: "absent")
  }

  /// A box in thousandths of the sides, as Qwen-VL writes them.
  private func box(_ item: Item, _ random: inout SplitMix64) -> Turn {
    func share(_ value: Double) -> Int { Int((max(0, min(1, value)) * 1000).rounded()) }
    let corners = "(\(share(item.x - item.halfWidth)),\(share(item.y - item.halfHeight))),(\(share(item.x + item.halfWidth)),\(share(item.y + item.halfHeight)))"
    return Turn(question: search(item.name, &random), answer: "<box>\(corners)</box>", category: "box")
  }

  private func relation(_ a: Item, _ b: Item) -> Turn {
    let isBeside = abs(a.x - b.x) > abs(a.y - b.y)
    let answer = isBeside ? (a.x < b.x ? "left" : "right") : (a.y < b.y ? "above" : "below")
    let words = isBeside ? "Is the \(a.name) left or right of the \(b.name)?" : "Is the \(a.name) above or below the \(b.name)?"
    return Turn(question: words, answer: answer, category: "relation")
  }

  /// "top left", "center", ...
  static func region(_ item: Item) -> String {
    let row = item.y < 0.38 ? "top" : item.y > 0.62 ? "bottom" : ""
    let column = item.x < 0.38 ? "left" : item.x > 0.62 ? "right" : ""
    let words = [row, column].filter { !$0.isEmpty }
    return words.isEmpty ? "center" : words.joined(separator: " ")
  }
}
