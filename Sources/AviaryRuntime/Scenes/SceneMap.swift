extension Scene {
  /// Cells along a side of a map.
  static let mapSide = 8

  /// The picture as 8 x 8 words, row by row: `.` for the ground, colour and form for what covers a third of a cell or more (`rc` is red circle, `rl` a lying red rectangle),
  /// with a capital where a small shape has its middle and in capitals where a big one has (`Rc`, `RC`).
  ///
  /// A word for each place teaches an encoder what is where, which one-word answers hardly do; and one word for each shape, to take shapes for wholes, without which
  /// they can be neither counted nor told.
  var map: Turn {
    let side = Scene.mapSide
    var words = (0..<side * side).map { cell in word(column: cell % side, row: cell / side) }
    for item in items {
      let cell = min(side - 1, Int(item.y * Double(side))) * side + min(side - 1, Int(item.x * Double(side)))
      words[cell] = item.isBig ? item.mark.uppercased() : item.mark.prefix(1).uppercased() + item.mark.dropFirst()
    }
    return Turn(question: "Map the picture.", answer: words.joined(separator: " "))
  }

  private func word(column: Int, row: Int) -> String {
    let samples = 4
    var counts = [Int](repeating: 0, count: items.count)
    for i in 0..<samples * samples {
      let px = (Double(column) + (Double(i % samples) + 0.5) / Double(samples)) / Double(Scene.mapSide)
      let py = (Double(row) + (Double(i / samples) + 0.5) / Double(samples)) / Double(Scene.mapSide)
      if let top = items.lastIndex(where: { $0.covers(px, py) }) { counts[top] += 1 }
    }
    guard let best = counts.indices.max(by: { counts[$0] < counts[$1] }), counts[best] * 3 >= samples * samples else { return "." }
    return items[best].mark
  }
}

extension Scene.Item {
  /// Colour and form in two letters: `rc` is red circle, `rl` a red rectangle that lies and `rr` one that stands. With one letter for both, squares were never told from rectangles: what
  /// is wider than high or higher than wide is hard to come upon, either alone is easy.
  var mark: String { colour.letter + (form == .rectangle && halfWidth > halfHeight ? "l" : form.rawValue.prefix(1)) }
}

extension Scene.Colour {
  /// One letter; those that begin alike have another of theirs.
  var letter: String { ["black": "k", "gray": "a", "brown": "n"][name] ?? String(name.prefix(1)) }
}
