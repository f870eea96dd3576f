import AviaryCore
import AviaryFormats
import AviaryMedia
public import AviaryTensor
import Foundation

/// The losses of a run as pictures.
public enum LossCurve {
  /// Writes `losses.svg` and `losses.png` into a run's folder; where there are several stages, each is marked.
  ///
  /// - Returns: the pictures' paths.
  /// - Throws: `.file` where there are no metrics, fewer than two steps, or no place to write; `.format` for lines that are none.
  public static func write(_ run: String) throws(AviaryError) -> [String] {
    let file = run + "/metrics.jsonl"
    guard let text = try? String(contentsOfFile: file, encoding: .utf8) else { throw AviaryError(.file, "no metrics.jsonl", wanted: "a run's folder", at: run) }
    var points: [(step: Double, value: Double)] = []
    var stages: [(step: Double, name: String)] = []
    for (index, line) in text.split(separator: "\n").enumerated() {
      let place = "metrics.jsonl, line \(index + 1)"
      let json = try JSONParser.parse(Array(line.utf8), name: place)
      guard let step = json["step"]?.double, let loss = json["loss"]?.double, step.isFinite, abs(step) < 1e15, loss.isFinite else {
        throw AviaryError(.format, "no step and loss", wanted: "a line that training wrote", at: place)
      }
      points.append((step, loss))
      if let stage = json["stage"]?.string, stage != stages.last?.name { stages.append((step, stage)) }
    }
    guard points.count > 1 else { throw AviaryError(.file, "\(points.count) steps", wanted: "at least two", at: file) }
    let chart = LineChart(points, x: "step", y: "loss", marks: stages.count > 1 ? stages : [])
    let paths = ["svg", "png"].map { "\(run)/losses.\($0)" }
    try WholeFile.write(chart.svg, to: paths[0])
    try FileWriter.write(try ImageEncoder.png(chart.pixels.image), to: paths[1])
    return paths
  }
}
