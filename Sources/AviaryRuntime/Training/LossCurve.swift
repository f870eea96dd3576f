import AviaryCore
import AviaryFormats
public import AviaryTensor
import Foundation

/// The losses of a run as a picture.
public enum LossCurve {
  /// Writes `losses.svg` into a run's folder.
  ///
  /// - Returns: the picture's path.
  /// - Throws: `.file` where there are no metrics, `.format` for lines that are none.
  public static func write(_ run: String) throws(AviaryError) -> String {
    let file = run + "/metrics.jsonl"
    guard let text = try? String(contentsOfFile: file, encoding: .utf8) else { throw AviaryError(.file, "no metrics.jsonl", wanted: "a run's folder", at: run) }
    var points: [(step: Double, loss: Double)] = []
    for (index, line) in text.split(separator: "\n").enumerated() {
      let json = try JSONParser.parse(Array(line.utf8), name: "metrics.jsonl, line \(index + 1)")
      guard let step = json["step"]?.double, let loss = json["loss"]?.double else {
        throw AviaryError(.format, "no step and loss", wanted: "a line that training wrote", at: "metrics.jsonl, line \(index + 1)")
      }
      points.append((step, loss))
    }
    guard points.count > 1 else { throw AviaryError(.file, "\(points.count) steps", wanted: "at least two", at: file) }
    let path = run + "/losses.svg"
    try WholeFile.write(svg(points), to: path)
    return path
  }

  private static let (width, height, margin) = (720.0, 360.0, 48.0)

  private static func svg(_ points: [(step: Double, loss: Double)]) -> String {
    let (first, last) = (points[0].step, points[points.count - 1].step)
    let top = points.reduce(0) { max($0, $1.loss) }
    func x(_ step: Double) -> Double { margin + (step - first) / max(last - first, 1) * (width - 2 * margin) }
    func y(_ loss: Double) -> Double { height - margin - loss / max(top, 1e-9) * (height - 2 * margin) }
    func path(_ values: [(step: Double, loss: Double)]) -> String {
      values.enumerated().map { "\($0.offset == 0 ? "M" : "L")\(rounded(x($0.element.step))) \(rounded(y($0.element.loss)))" }.joined()
    }
    // A running mean over a fiftieth of the run lies over the single steps.
    let keep = 1 - 1 / max(1, Double(points.count) / 50)
    var mean = points[0].loss
    let smooth = points.map { point in
      mean = keep * mean + (1 - keep) * point.loss
      return (step: point.step, loss: mean)
    }
    let labels = (0...4).map { i -> String in
      let loss = top * Double(i) / 4
      let step = first + (last - first) * Double(i) / 4
      return """
        <text x="\(margin - 6)" y="\(rounded(y(loss) + 4))" text-anchor="end">\(rounded(loss))</text>
        <text x="\(rounded(x(step)))" y="\(height - margin + 18)" text-anchor="middle">\(Int(step))</text>
        <line x1="\(margin)" x2="\(width - margin)" y1="\(rounded(y(loss)))" y2="\(rounded(y(loss)))" stroke="#ddd"/>
        """
    }
    return """
      <svg xmlns="http://www.w3.org/2000/svg" width="\(Int(width))" height="\(Int(height))" font-family="sans-serif" font-size="12">
      <rect width="100%" height="100%" fill="white"/>
      \(labels.joined(separator: "\n"))
      <path d="\(path(points))" fill="none" stroke="#9bc" stroke-width="1"/>
      <path d="\(path(smooth))" fill="none" stroke="#036" stroke-width="2"/>
      <text x="\(width / 2)" y="\(height - 8)" text-anchor="middle">step</text>
      <text x="\(margin)" y="\(margin - 16)">loss</text>
      </svg>

      """
  }

  private static func rounded(_ value: Double) -> Double { (value * 100).rounded() / 100 }
}
