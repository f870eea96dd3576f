import AviaryCore
import AviaryFormats
public import AviaryTensor
import Foundation

extension Evaluation.Report {
  /// What the score is called, with what it says.
  public var summary: String {
    let number = (score * 1e4).rounded() / 1e4
    let boxes = meanOverlap.map { ", mean overlap \(($0 * 1e4).rounded() / 1e4)" } ?? ""
    return "\(metric.rawValue) \(number)\(boxes) on \(rows.count) lines of \(data)"
  }

  /// Scores of the questions of each kind, where lines say what kind theirs is, by name.
  public var categories: [(name: String, count: Int, score: Double)] {
    Dictionary(grouping: rows.filter { $0.category != nil }) { $0.category ?? "" }.map { ($0.key, $0.value.count, metric.score(of: $0.value)) }.sorted { $0.0 < $1.0 }
  }

  /// The summary, and a line for each category: for a terminal.
  public var text: String {
    let width = categories.map(\.name.count).max() ?? 0
    let lines = categories.map { "  \($0.name.padding(toLength: width, withPad: " ", startingAt: 0))  \((($0.score * 1e4).rounded()) / 1e4) of \($0.count)" }
    return ([summary] + lines).joined(separator: "\n")
  }

  public var json: String {
    var object = JSONObject()
    object.append("model", .string(model))
    object.append("data", .string(data))
    object.append("metric", .string(metric.rawValue))
    object.append("score", .double(score))
    if let meanOverlap { object.append("mean_overlap", .double(meanOverlap)) }
    object.append("count", .int(rows.count))
    if !categories.isEmpty {
      object.append(
        "categories",
        .array(
          categories.map { category in
            var item = JSONObject()
            item.append("category", .string(category.name))
            item.append("count", .int(category.count))
            item.append("score", .double(category.score))
            return .object(item)
          }))
    }
    object.append(
      "rows",
      .array(
        rows.map { row in
          var item = JSONObject()
          item.append("place", .string(row.place))
          item.append("question", .string(row.question))
          if let category = row.category { item.append("category", .string(category)) }
          item.append("images", .array(row.images.map { .string($0) }))
          item.append("references", .array(row.references.map { .string($0) }))
          item.append("answer", .string(row.answer))
          item.append("score", .double(row.score))
          return .object(item)
        }))
    return JSONWriter.text(.object(object), pretty: true) + "\n"
  }

  /// The score, and the answers that were not right with their pictures.
  public var markdown: String {
    let isError = metric == .cer
    let wrong = rows.filter { isError ? $0.score > 0 : $0.score < (metric == .iou ? 0.5 : metric == .cider ? 0.1 : 1) }
    func cell(_ text: String) -> String { text.map { $0 == "|" ? "\\|" : $0 == "\n" ? " " : String($0) }.joined() }
    func rounded(_ score: Double) -> Double { (score * 1000).rounded() / 1000 }
    var text = "# \(model): \(summary)\n\n"
    if !categories.isEmpty {
      text += "| category | asked | \(metric.rawValue) |\n|---|---|---|\n"
      for category in categories { text += "| \(cell(category.name)) | \(category.count) | \(rounded(category.score)) |\n" }
      text += "\n"
    }
    text += "\(wrong.count) answers that were not right\(wrong.count > 200 ? ", the first 200" : ""):\n\n"
    text += "| line | question | wanted | answered | score | pictures |\n|---|---|---|---|---|---|\n"
    for row in wrong.prefix(200) {
      let pictures = row.images.map { "![](\(cell($0)))" }.joined(separator: " ")
      text += "| \(row.place) | \(cell(row.question)) | \(cell(Set(row.references).sorted().joined(separator: " / "))) | \(cell(row.answer)) | \(rounded(row.score)) | \(pictures) |\n"
    }
    return text
  }

  /// Writes `PREFIX.json` and `PREFIX.md`.
  public func write(_ prefix: String) throws(AviaryError) {
    try WholeFile.write(json, to: prefix + ".json")
    try WholeFile.write(markdown, to: prefix + ".md")
  }
}
