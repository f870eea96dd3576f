/// How far a run is from its record, tensor by tensor.
public struct ParityReport: Sendable {
  public struct Row: Sendable {
    public let name: String
    public let shape: [Int]
    /// Largest absolute difference, or the number of unequal ids.
    public let maxAbsolute: Double
    /// L2 norm of the difference over that of the record.
    public let relative: Double
    public let tolerance: Double
    public let passes: Bool
    /// What a number cannot say: the text that differs, shapes that do not fit.
    public let note: String
  }

  public internal(set) var rows: [Row] = []
  /// A report without rows compared nothing, and does not pass.
  public var passes: Bool { !rows.isEmpty && rows.allSatisfy(\.passes) }
  /// Largest relative error of the float tensors.
  public var worst: Double { rows.map(\.relative).max() ?? 0 }

  mutating func compare(_ name: String, _ shape: [Int], _ own: [Float], _ recorded: [Float]?, recordedShape: [Int], tolerance: Double) {
    guard let recorded else { return }
    guard own.count == recorded.count else {
      rows.append(Row(name: name, shape: shape, maxAbsolute: .infinity, relative: .infinity, tolerance: tolerance, passes: false, note: "recorded as \(recordedShape)"))
      return
    }
    var difference = 0.0
    var norm = 0.0
    var largest = 0.0
    for (a, b) in zip(own, recorded) {
      let d = Double(a) - Double(b)
      difference += d * d
      norm += Double(b) * Double(b)
      largest = d.isNaN ? .infinity : max(largest, abs(d))
    }
    let relative = norm > 0 ? (difference / norm).squareRoot() : (difference > 0 ? .infinity : 0)
    let isClose = relative <= tolerance && largest.isFinite
    rows.append(Row(name: name, shape: shape, maxAbsolute: largest, relative: relative, tolerance: tolerance, passes: isClose, note: shape == recordedShape ? "" : "recorded as \(recordedShape)"))
  }

  mutating func compare(_ name: String, _ own: [Int64], _ recorded: [Int64]?) {
    guard let recorded else { return }
    var unequal = abs(own.count - recorded.count)
    for (a, b) in zip(own, recorded) where a != b { unequal += 1 }
    let first = zip(own, recorded).enumerated().first { $0.element.0 != $0.element.1 }
    let note = unequal == 0 ? "" : "first at \(first?.offset ?? min(own.count, recorded.count)) of \(recorded.count)"
    rows.append(Row(name: name, shape: [own.count], maxAbsolute: Double(unequal), relative: 0, tolerance: 0, passes: unequal == 0, note: note))
  }

  mutating func compare(_ name: String, _ own: String, _ recorded: String?) {
    guard let recorded else { return }
    let passes = own == recorded
    rows.append(Row(name: name, shape: [own.utf8.count], maxAbsolute: passes ? 0 : 1, relative: 0, tolerance: 0, passes: passes, note: passes ? "" : Self.difference(own, recorded)))
  }

  /// The rows as `aviary verify` prints them, the header first; what a number cannot say follows in `notes`.
  public var table: [[String]] {
    [["tensor", "shape", "max abs", "relative", "tolerance", ""]]
      + rows.map { row in
        let isExact = row.tolerance == 0
        return [
          row.name, "[" + row.shape.map(String.init).joined(separator: ", ") + "]",
          isExact ? (row.passes ? "equal" : "\(Int(row.maxAbsolute)) differ") : Self.short(row.maxAbsolute),
          isExact ? "" : Self.short(row.relative), isExact ? "" : Self.short(row.tolerance), row.passes ? "ok" : "FAILS",
        ]
      }
  }

  /// "prompt: ..." for each row that has something to say.
  public var notes: [String] { rows.filter { !$0.note.isEmpty }.map { "\($0.name): \($0.note)" } }

  public static func short(_ x: Double) -> String {
    guard x.isFinite else { return "\(x)" }
    if x == 0 { return "0" }
    var exponent = 0
    var mantissa = x
    while mantissa < 1 { (mantissa, exponent) = (mantissa * 10, exponent - 1) }
    while mantissa >= 10 { (mantissa, exponent) = (mantissa / 10, exponent + 1) }
    return "\((mantissa * 10).rounded() / 10)e\(exponent)"
  }

  /// Where two texts part, with a little of each.
  static func difference(_ own: String, _ recorded: String) -> String {
    let (a, b) = (Array(own.unicodeScalars), Array(recorded.unicodeScalars))
    let start = zip(a, b).enumerated().first { $0.element.0 != $0.element.1 }?.offset ?? min(a.count, b.count)
    func piece(_ x: [Unicode.Scalar]) -> String {
      var text = String.UnicodeScalarView()
      text.append(contentsOf: x[max(0, min(start, x.count) - 10)..<min(x.count, start + 30)])
      return String(text).debugDescription
    }
    return "from character \(start) on \(piece(a)) where the record has \(piece(b))"
  }
}
