import AviaryCore

extension Scene {
  /// Ways to caption a picture, of which none can be guessed from the picture: examples must show which is meant.
  enum Style: String, Sendable, CaseIterable {
    case list, sentence, shouted, formFirst, counted, colours, forms, places

    /// What the picture shows, from left to right.
    func caption(_ scene: Scene) -> String {
      let items = scene.items.sorted { $0.x < $1.x }
      switch self {
      case .list: return items.map(\.name).joined(separator: ", ")
      case .sentence: return "I see " + items.map { "a \($0.name)" }.joined(separator: " and ") + "."
      case .shouted: return items.map { $0.name.uppercased() }.joined(separator: " + ")
      case .formFirst: return items.map { "\($0.form.rawValue) (\($0.colour.name))" }.joined(separator: ", ")
      case .counted: return "\(items.count): " + items.map(\.name).joined(separator: " / ")
      case .colours: return "colors " + items.map(\.colour.name).joined(separator: ", ")
      case .forms: return "shapes " + items.map(\.form.rawValue).joined(separator: ", ")
      case .places: return items.map { "\($0.form.rawValue) at the \(Scene.region($0))" }.joined(separator: "; ")
      }
    }
  }

  /// Pictures in an example of few-shot captioning, the one that is asked about among them.
  static let shots = 5

  /// Seeds of other pictures of the set, and the style in which all are captioned: an answer is not to be read off its own picture's caption.
  static func demonstrations(of own: UInt64, from first: UInt64, count: Int) -> (seeds: [UInt64], style: Style) {
    var random = SplitMix64(seed: own ^ 0x5791e)
    let style = Style.allCases.randomElement(using: &random) ?? .list
    let others = UInt64(max(count - 1, 1))
    let seeds = (1..<shots).map { _ in first &+ (own &- first &+ UInt64.random(in: count > 1 ? 1...others : 0...0, using: &random)) % UInt64(count) }
    return (seeds, style)
  }
}
