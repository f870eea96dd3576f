/// Levenshtein's distance (1966): insertions, deletions and replacements that make one sequence of the other.
public func editDistance<T: Equatable>(_ a: [T], _ b: [T]) -> Int {
  var row = Array(0...b.count)
  for i in a.indices {
    var diagonal = row[0]
    row[0] = i + 1
    for j in b.indices {
      let cost = min(row[j + 1] + 1, row[j] + 1, diagonal + (a[i] == b[j] ? 0 : 1))
      diagonal = row[j + 1]
      row[j + 1] = cost
    }
  }
  return row[b.count]
}

/// A box in whatever units a model writes: left, top, right, bottom.
public struct Box: Sendable, Hashable {
  public var left: Double, top: Double, right: Double, bottom: Double

  public init(_ left: Double, _ top: Double, _ right: Double, _ bottom: Double) {
    (self.left, self.top, self.right, self.bottom) = (left, top, right, bottom)
  }

  /// The first four numbers of a text: `<box>(1,2),(30,40)</box>`, `[1, 2, 30, 40]`.
  public init?(in text: String) {
    var numbers: [Double] = []
    var word = ""
    for character in text + " " {
      if character.isASCII, character.isNumber || character == "." || (character == "-" && word.isEmpty) {
        word.append(character)
        continue
      }
      if let number = Double(word) { numbers.append(number) }
      word = ""
      if numbers.count == 4 { break }
    }
    guard numbers.count == 4, numbers[2] >= numbers[0], numbers[3] >= numbers[1] else { return nil }
    self.init(numbers[0], numbers[1], numbers[2], numbers[3])
  }

  private var area: Double { (right - left) * (bottom - top) }

  /// The intersection's area over the union's.
  public func overlap(_ other: Box) -> Double {
    let width = min(right, other.right) - max(left, other.left)
    let height = min(bottom, other.bottom) - max(top, other.top)
    guard width > 0, height > 0 else { return 0 }
    let shared = width * height
    return shared / (area + other.area - shared)
  }
}
