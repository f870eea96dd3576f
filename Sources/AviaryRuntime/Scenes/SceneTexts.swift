import AviaryCore

/// What can be said and asked about a scene.
extension Scene {
  struct Turn: Sendable, Hashable {
    let question: String
    let answer: String
  }

  static let unknown = "I don't know"

  /// A caption and questions of every kind that this scene has an answer to, in words that the seed chooses.
  func turns(seed: UInt64) -> [Turn] {
    var random = SplitMix64(seed: seed ^ 0x7e87)
    var turns = [caption(&random), count(&random), existence(true, &random), existence(false, &random), strange(&random)]
    if let item = items.randomElement(using: &random) { turns += [place(item, &random), box(item, &random), size(item, &random)] }
    if let item = items.filter({ own in items.count { $0.form == own.form } == 1 }).randomElement(using: &random) {
      let words = ["What color is the \(item.form.rawValue)?", "What is the color of the \(item.form.rawValue)?", "Which color does the \(item.form.rawValue) have?"]
      turns.append(Turn(question: words.randomElement(using: &random) ?? words[0], answer: item.colour.name))
    }
    if let item = items.filter({ own in items.count { $0.colour == own.colour } == 1 }).randomElement(using: &random) {
      let words = ["What shape is \(item.colour.name)?", "What is the \(item.colour.name) shape?", "Which shape is the \(item.colour.name) one?"]
      turns.append(Turn(question: words.randomElement(using: &random) ?? words[0], answer: item.form.rawValue))
    }
    if items.count == 1 {
      turns.append(Turn(question: ["What shape is in the image?", "What shape does the image contain?"].randomElement(using: &random) ?? "", answer: items[0].form.rawValue))
      turns.append(Turn(question: ["What color is the shape?", "What is the color of the shape?"].randomElement(using: &random) ?? "", answer: items[0].colour.name))
    }
    if items.count > 1 { turns.append(relation(&random)) }
    return turns
  }

  private func caption(_ random: inout SplitMix64) -> Turn {
    let words = ["Describe the picture.", "What do you see?", "Caption this image.", "What is in the picture?"]
    let parts = items.map { "a \($0.isBig ? "big" : "small") \($0.name) at the \(Scene.region($0))" }
    let list = parts.count > 1 ? parts.dropLast().joined(separator: ", ") + " and " + parts[parts.count - 1] : parts.joined()
    return Turn(question: words.randomElement(using: &random) ?? words[0], answer: list)
  }

  private func count(_ random: inout SplitMix64) -> Turn {
    let words = ["How many shapes are there?", "How many things are in the picture?", "Count the shapes."]
    return Turn(question: words.randomElement(using: &random) ?? words[0], answer: "\(items.count)")
  }

  /// A question about something that is there, or about something that is not.
  private func existence(_ isThere: Bool, _ random: inout SplitMix64) -> Turn {
    let present = Set(items.map(\.name))
    let all = Form.allCases.flatMap { form in Colour.all.map { "\($0.name) \(form.rawValue)" } }
    let name = all.filter { present.contains($0) == isThere }.randomElement(using: &random) ?? all[0]
    let words = ["Is there a \(name)?", "Does the image contain a \(name)?", "Can you see a \(name)?", "Is a \(name) present?"]
    return Turn(question: words.randomElement(using: &random) ?? words[0], answer: isThere ? "yes" : "no")
  }

  private func place(_ item: Item, _ random: inout SplitMix64) -> Turn {
    let words = ["Where is the \(item.name)?", "In which part of the picture is the \(item.name)?"]
    return Turn(question: words.randomElement(using: &random) ?? words[0], answer: Scene.region(item))
  }

  private func size(_ item: Item, _ random: inout SplitMix64) -> Turn {
    let words = ["Is the \(item.name) big or small?", "How big is the \(item.name)?"]
    return Turn(question: words.randomElement(using: &random) ?? words[0], answer: item.isBig ? "big" : "small")
  }

  /// A box in thousandths of the sides, as Qwen-VL writes them.
  private func box(_ item: Item, _ random: inout SplitMix64) -> Turn {
    let words = ["Find the \(item.name).", "Box of the \(item.name)?", "Locate the \(item.name)."]
    func share(_ value: Double) -> Int { Int((max(0, min(1, value)) * 1000).rounded()) }
    let corners = "(\(share(item.x - item.halfWidth)),\(share(item.y - item.halfHeight))),(\(share(item.x + item.halfWidth)),\(share(item.y + item.halfHeight)))"
    return Turn(question: words.randomElement(using: &random) ?? words[0], answer: "<box>\(corners)</box>")
  }

  private func relation(_ random: inout SplitMix64) -> Turn {
    let (a, b) = (items[0], items[1])
    let isBeside = abs(a.x - b.x) > abs(a.y - b.y)
    let answer = isBeside ? (a.x < b.x ? "left" : "right") : (a.y < b.y ? "above" : "below")
    let words = isBeside ? "Is the \(a.name) left or right of the \(b.name)?" : "Is the \(a.name) above or below the \(b.name)?"
    return Turn(question: words, answer: answer)
  }

  /// What no picture of this kind can tell.
  private func strange(_ random: inout SplitMix64) -> Turn {
    let words = [
      "Who painted this?", "What is the name of the dog?", "What time is it?", "Where was this picture taken?", "How old is the man?", "What does the sign say?",
      "Is it raining?", "What is the capital of France?", "What sound does it make?", "How much does it cost?",
    ]
    return Turn(question: words.randomElement(using: &random) ?? words[0], answer: Scene.unknown)
  }

  /// "top left", "center", ...
  private static func region(_ item: Item) -> String {
    let row = item.y < 0.38 ? "top" : item.y > 0.62 ? "bottom" : ""
    let column = item.x < 0.38 ? "left" : item.x > 0.62 ? "right" : ""
    let words = [row, column].filter { !$0.isEmpty }
    return words.isEmpty ? "center" : words.joined(separator: " ")
  }
}
