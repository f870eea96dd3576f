public import AviaryCore
import AviaryTensor

/// Qwen-VL's places: `<ref>label</ref><box>(x1,y1),(x2,y2)</box>`, further boxes of the same label behind it, and
/// `<quad>` with four corners; in thousandths of the picture's sides.
public struct QwenVLRegions: RegionSyntax {
  private static let scale = 1000

  public init() {}

  public func read(_ answer: String, after prompt: String, width: Int, height: Int) -> RegionReading {
    var reading = RegionReading()
    var label = ""
    var rest = (Self.begun(prompt) + answer)[...]
    while let tag = ["<ref>", "<box>", "<quad>"].compactMap({ name in rest.firstRange(of: name).map { (name, $0) } }).min(by: { $0.1.lowerBound < $1.1.lowerBound }) {
      let behind = rest[tag.1.upperBound...]
      guard let end = behind.firstRange(of: "</" + tag.0.dropFirst()) else { break }
      let inside = behind[..<end.lowerBound]
      rest = behind[end.upperBound...]
      if tag.0 == "<ref>" {
        label = String(inside)
        continue
      }
      let wanted = tag.0 == "<box>" ? 2 : 4
      guard let corners = Self.corners(inside), corners.count == wanted else {
        reading.problems.append(AviaryError(.format, "\(tag.0)\(inside.prefix(80))", wanted: "\(wanted) corners (x,y) of whole numbers", at: "the answer"))
        continue
      }
      reading.add(label, corners, scale: Double(Self.scale), width: width, height: height)
    }
    return reading
  }

  public func write(_ region: Region, width: Int, height: Int) -> String {
    func part(_ x: Int, of side: Int) -> Int { min(Self.scale - 1, x * Self.scale / max(1, side)) }
    let corners = region.points.map { "(\(part($0.x, of: width)),\(part($0.y, of: height)))" }.joined(separator: ",")
    let tag = region.isBox ? "box" : "quad"
    return (region.label.isEmpty ? "" : "<ref>\(region.label)</ref>") + "<\(tag)>\(corners)</\(tag)>"
  }

  /// What a prompt that asks for a place has written of it already: `<ref>label</ref><box>`.
  private static func begun(_ prompt: String) -> String {
    guard let tag = ["<box>", "<quad>"].first(where: prompt.hasSuffix) else { return "" }
    guard let label = prompt.ranges(of: "<ref>").last else { return tag }
    // A label whose place is complete already is not this one's.
    return prompt[label.lowerBound...].contains("</box>") || prompt[label.lowerBound...].contains("</quad>") ? tag : String(prompt[label.lowerBound...])
  }

  /// `(x,y),(x,y)`
  private static func corners(_ text: Substring) -> [(x: Double, y: Double)]? {
    var corners: [(x: Double, y: Double)] = []
    for piece in text.split(separator: ")", omittingEmptySubsequences: true) {
      let inner = piece.drop { $0 == "," || $0 == " " }
      guard inner.first == "(" else { return nil }
      let numbers = inner.dropFirst().split(separator: ",", omittingEmptySubsequences: false).map { Int($0.filter { $0 != " " }) }
      guard numbers.count == 2, let x = numbers[0], let y = numbers[1] else { return nil }
      corners.append((Double(x), Double(y)))
    }
    return corners
  }
}
