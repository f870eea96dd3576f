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

  /// The summary, and a line for each category: for a terminal, which must not act on what a file calls its categories.
  public var text: String {
    let rows = categories.map { (name: String(quoted($0.name).dropFirst().dropLast()), count: $0.count, score: ($0.score * 1e4).rounded() / 1e4) }
    let width = rows.map(\.name.count).max() ?? 0
    return ([summary] + rows.map { "  \($0.name.padding(toLength: width, withPad: " ", startingAt: 0))  \($0.score) of \($0.count)" }).joined(separator: "\n")
  }

  public var json: String {
    var object = JSONObject([("model", .string(model)), ("data", .string(data)), ("metric", .string(metric.rawValue)), ("score", .double(score))])
    if let meanOverlap { object.append("mean_overlap", .double(meanOverlap)) }
    object.append("count", .int(rows.count))
    let categories = categories.map { JSONValue.object(JSONObject([("category", .string($0.name)), ("count", .int($0.count)), ("score", .double($0.score))])) }
    if !categories.isEmpty { object.append("categories", .array(categories)) }
    object.append("rows", .array(rows.map { .object($0.json) }))
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

extension Evaluation.Row {
  fileprivate var json: JSONObject {
    func list(_ texts: [String]) -> JSONValue { .array(texts.map { .string($0) }) }
    var object = JSONObject([("place", .string(place)), ("question", .string(question))])
    if let category { object.append("category", .string(category)) }
    for (key, value) in [("images", list(images)), ("references", list(references)), ("answer", .string(answer)), ("score", .double(score))] { object.append(key, value) }
    return object
  }
}
