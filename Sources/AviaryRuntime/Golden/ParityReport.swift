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
  public var passes: Bool { rows.allSatisfy(\.passes) }
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
    rows.append(Row(name: name, shape: [own.utf8.count], maxAbsolute: passes ? 0 : 1, relative: 0, tolerance: 0, passes: passes, note: passes ? "" : "\(own.debugDescription) for \(recorded.debugDescription)"))
  }

  /// The table that `aviary verify` prints.
  public var table: String {
    let head = ["tensor", "shape", "max abs", "relative", "tolerance", ""]
    let lines = rows.map { row in
      [
        row.name, "[" + row.shape.map(String.init).joined(separator: ", ") + "]", row.tolerance == 0 ? (row.passes ? "equal" : "\(Int(row.maxAbsolute)) differ") : Self.short(row.maxAbsolute),
        row.tolerance == 0 ? "" : Self.short(row.relative), row.tolerance == 0 ? "" : Self.short(row.tolerance), (row.passes ? "ok" : "FAILS") + (row.note.isEmpty ? "" : "  " + row.note),
      ]
    }
    let widths = head.indices.map { column in ([head] + lines).map { $0[column].count }.max() ?? 0 }
    return ([head] + lines).map { cells in
      zip(cells, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }.joined(separator: "  ")
    }.joined(separator: "\n")
  }

  public static func short(_ x: Double) -> String {
    guard x.isFinite else { return "\(x)" }
    if x == 0 { return "0" }
    var exponent = 0
    var mantissa = x
    while mantissa < 1 { (mantissa, exponent) = (mantissa * 10, exponent - 1) }
    while mantissa >= 10 { (mantissa, exponent) = (mantissa / 10, exponent + 1) }
    return "\((mantissa * 10).rounded() / 10)e\(exponent)"
  }
}
