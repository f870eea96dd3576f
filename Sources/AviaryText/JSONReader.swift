import AviaryCore
import AviaryTensor

/// A JSON value with its key path, so that every complaint says where it stands.
struct JSONReader {
  let value: JSONValue
  let path: String

  init(_ value: JSONValue, at path: String) {
    self.value = value
    self.path = path
  }

  /// The member of that key; nil where it is missing or null.
  subscript(key: String) -> JSONReader? {
    guard let member = value[key], member != .null else { return nil }
    return JSONReader(member, at: path.isEmpty ? key : "\(path).\(key)")
  }

  func required(_ key: String) throws(AviaryError) -> JSONReader {
    guard let member = self[key] else { throw AviaryError(.format, "there is no `\(key)`", at: path) }
    return member
  }

  func string() throws(AviaryError) -> String {
    guard let string = value.string else { throw unfit("a string") }
    return string
  }

  func bool() throws(AviaryError) -> Bool {
    guard let bool = value.bool else { throw unfit("true or false") }
    return bool
  }

  func object() throws(AviaryError) -> JSONObject {
    guard let object = value.object else { throw unfit("an object") }
    return object
  }

  /// The elements of an array.
  func elements() throws(AviaryError) -> [JSONReader] {
    guard let array = value.array else { throw unfit("an array") }
    return array.enumerated().map { JSONReader($1, at: "\(path)[\($0)]") }
  }

  /// A token id that the limit allows.
  func tokenID(_ limits: Limits) throws(AviaryError) -> Int32 {
    guard let id = value.int, id >= 0, id < limits.vocabulary else {
      throw unfit("a token id from 0 to \(limits.vocabulary - 1)")
    }
    return Int32(id)
  }

  func string(_ key: String) throws(AviaryError) -> String { try required(key).string() }
  func string(_ key: String, default fallback: String?) throws(AviaryError) -> String? {
    guard let member = self[key] else { return fallback }
    return try member.string()
  }
  func bool(_ key: String, default fallback: Bool) throws(AviaryError) -> Bool {
    guard let member = self[key] else { return fallback }
    return try member.bool()
  }

  func unfit(_ wanted: String) -> AviaryError {
    AviaryError(.format, "found \(value.kindDescription)", wanted: wanted, at: path)
  }

  /// The complaint about a component that is not implemented.
  func unknownType(_ type: String, of what: String) -> AviaryError {
    AviaryError(.format, "the \(what) \"\(type.prefix(40))\" is not supported", at: path)
  }
}
