import AviaryCore
import AviaryFormats
public import AviaryTensor

extension Evaluation.Report {
  /// What the score is called, with what it says.
  public var summary: String {
    let number = (score * 1e4).rounded() / 1e4
    let boxes = meanOverlap.map { ", mean overlap \(($0 * 1e4).rounded() / 1e4)" } ?? ""
    return "\(metric.rawValue) \(number)\(boxes) on \(rows.count) lines of \(data)"
  }

  public var json: String {
    var object = JSONObject()
    object.append("model", .string(model))
    object.append("data", .string(data))
    object.append("metric", .string(metric.rawValue))
    object.append("score", .double(score))
    if let meanOverlap { object.append("mean_overlap", .double(meanOverlap)) }
    object.append("count", .int(rows.count))
    object.append(
      "rows",
      .array(
        rows.map { row in
          var item = JSONObject()
          item.append("place", .string(row.place))
          item.append("question", .string(row.question))
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
    var text = "# \(model): \(summary)\n\n\(wrong.count) answers that were not right\(wrong.count > 200 ? ", the first 200" : ""):\n\n"
    text += "| line | question | wanted | answered | score | pictures |\n|---|---|---|---|---|---|\n"
    func cell(_ text: String) -> String { text.map { $0 == "|" ? "\\|" : $0 == "\n" ? " " : String($0) }.joined() }
    for row in wrong.prefix(200) {
      let pictures = row.images.map { "![](\(cell($0)))" }.joined(separator: " ")
      let score = (row.score * 1000).rounded() / 1000
      text += "| \(row.place) | \(cell(row.question)) | \(cell(Set(row.references).sorted().joined(separator: " / "))) | \(cell(row.answer)) | \(score) | \(pictures) |\n"
    }
    return text
  }

  /// Writes `PREFIX.json` and `PREFIX.md`.
  public func write(_ prefix: String) throws(AviaryError) {
    try WholeFile.write(json, to: prefix + ".json")
    try WholeFile.write(markdown, to: prefix + ".md")
  }
}
