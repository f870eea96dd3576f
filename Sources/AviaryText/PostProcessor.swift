import AviaryCore
import AviaryTensor

/// What a tokenizer adds around one text.
struct PostProcessor: Sendable, Hashable {
  var before: [Int32] = []
  var after: [Int32] = []

  init(before: [Int32] = [], after: [Int32] = []) {
    self.before = before
    self.after = after
  }

  init(_ json: JSONReader, _ limits: Limits) throws(AviaryError) {
    let type = try json.string("type")
    switch type {
    case "ByteLevel": break
    case "Sequence":
      for part in try json.required("processors").elements() {
        let outer = try PostProcessor(part, limits)
        before = outer.before + before
        after += outer.after
      }
    case "TemplateProcessing": try readTemplate(json, limits)
    case "BertProcessing", "RobertaProcessing":
      before = [try PostProcessor.pair(json.required("cls"), limits)]
      after = [try PostProcessor.pair(json.required("sep"), limits)]
    default: throw json.unknownType(type, of: "post-processor")
    }
  }

  private mutating func readTemplate(_ json: JSONReader, _ limits: Limits) throws(AviaryError) {
    let single = try json.required("single")
    var seesText = false
    for item in try single.elements() {
      if let special = item["SpecialToken"] {
        let name = try special.string("id")
        let ids = try json.required("special_tokens").required(name).required("ids").elements()
        for id in ids {
          if seesText { after.append(try id.tokenID(limits)) } else { before.append(try id.tokenID(limits)) }
        }
      } else if let sequence = item["Sequence"], try sequence.string("id") == "A", !seesText {
        seesText = true
      } else {
        throw item.unfit("a SpecialToken, or the Sequence A once")
      }
    }
    guard seesText else { throw single.unfit("a template with the Sequence A") }
  }

  /// The id of `["</s>", 2]`.
  private static func pair(_ json: JSONReader, _ limits: Limits) throws(AviaryError) -> Int32 {
    let parts = try json.elements()
    guard parts.count == 2 else { throw json.unfit("a token and its id") }
    return try parts[1].tokenID(limits)
  }
}
