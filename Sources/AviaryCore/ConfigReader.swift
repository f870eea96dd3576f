public import AviaryTensor

/// Reads a JSON configuration key by key, with defaults and ranges, so that a bad value is named by its key path at
/// the moment it is read and never becomes a size somewhere else. A `null` counts as absent, as in Python.
public struct ConfigReader: Sendable {
  public let json: JSONValue
  /// File and key path so far, for errors: `config.json: text_config`.
  public let place: String

  public init(_ json: JSONValue, place: String) throws(AviaryError) {
    guard case .object = json else {
      throw AviaryError(.config, json.kindDescription, wanted: "an object", at: place)
    }
    self.json = json
    self.place = place
  }

  /// A file that is not there: every key is absent.
  public static func empty(_ place: String) -> ConfigReader { ConfigReader(object: JSONObject(), place: place) }

  private init(object: JSONObject, place: String) {
    json = .object(object)
    self.place = place
  }

  public func value(_ key: String) -> JSONValue? {
    guard let value = json[key], value != .null else { return nil }
    return value
  }

  public func has(_ key: String) -> Bool { value(key) != nil }

  private func path(_ key: String) -> String { place.contains(": ") ? "\(place).\(key)" : "\(place): \(key)" }

  private func wrong(_ key: String, _ value: JSONValue, _ wanted: String) -> AviaryError {
    AviaryError(.config, value.kindDescription, wanted: wanted, at: path(key))
  }

  private func missing(_ key: String, _ wanted: String) -> AviaryError {
    AviaryError(.config, "no such key", wanted: wanted, at: path(key))
  }

  /// An integer within the range; without a default it must be there.
  public func int(_ key: String, default fallback: Int? = nil, in range: ClosedRange<Int>) throws(AviaryError) -> Int {
    guard let value = value(key) else {
      guard let fallback else { throw missing(key, "an integer in \(range.lowerBound)...\(range.upperBound)") }
      return fallback
    }
    guard let number = value.int, range.contains(number) else {
      throw wrong(key, value, "an integer in \(range.lowerBound)...\(range.upperBound)")
    }
    return number
  }

  public func optionalInt(_ key: String, in range: ClosedRange<Int>) throws(AviaryError) -> Int? {
    has(key) ? try int(key, in: range) : nil
  }

  /// A finite number within the range.
  public func number(_ key: String, default fallback: Double? = nil, in range: ClosedRange<Double>) throws(AviaryError) -> Double {
    guard let value = value(key) else {
      guard let fallback else { throw missing(key, "a number in \(range.lowerBound)...\(range.upperBound)") }
      return fallback
    }
    guard let number = value.double, range.contains(number) else {
      throw wrong(key, value, "a number in \(range.lowerBound)...\(range.upperBound)")
    }
    return number
  }

  public func bool(_ key: String, default fallback: Bool) throws(AviaryError) -> Bool {
    guard let value = value(key) else { return fallback }
    guard let flag = value.bool else { throw wrong(key, value, "true or false") }
    return flag
  }

  public func string(_ key: String, default fallback: String? = nil) throws(AviaryError) -> String {
    guard let value = value(key) else {
      guard let fallback else { throw missing(key, "a string") }
      return fallback
    }
    guard let text = value.string else { throw wrong(key, value, "a string") }
    return text
  }

  public func optionalString(_ key: String) throws(AviaryError) -> String? { has(key) ? try string(key) : nil }

  /// A string that must be one of those given; the error lists them.
  public func choice<T>(_ key: String, default fallback: String? = nil, of choices: [(String, T)]) throws(AviaryError) -> T {
    let text = try string(key, default: fallback)
    guard let hit = choices.first(where: { $0.0 == text }) else {
      throw wrong(key, .string(text), "one of " + choices.map(\.0).joined(separator: ", "))
    }
    return hit.1
  }

  public func object(_ key: String) throws(AviaryError) -> ConfigReader? {
    guard let value = value(key) else { return nil }
    guard case .object = value else { throw wrong(key, value, "an object") }
    return try ConfigReader(value, place: path(key))
  }

  /// An array whose elements are read one by one; where `orOne` is set, a single value counts as an array of one.
  public func array(_ key: String, orOne: Bool = false, maxCount: Int) throws(AviaryError) -> [JSONValue]? {
    guard let value = value(key) else { return nil }
    if orOne, value.array == nil { return [value] }
    guard let items = value.array else { throw wrong(key, value, "an array") }
    guard items.count <= maxCount else { throw wrong(key, value, "at most \(maxCount) elements") }
    return items
  }

  /// `count` finite numbers.
  public func numbers(_ key: String, count: Int, default fallback: [Double]) throws(AviaryError) -> [Double] {
    guard let items = try array(key, maxCount: max(count, 16)) else { return fallback }
    var numbers: [Double] = []
    for item in items {
      guard let number = item.double, number.isFinite else { throw wrong(key, item, "a finite number") }
      numbers.append(number)
    }
    guard numbers.count == count else { throw wrong(key, .array(items), "\(count) numbers") }
    return numbers
  }

  public func strings(_ key: String) throws(AviaryError) -> [String] {
    guard let items = try array(key, maxCount: 1 << 16) else { return [] }
    var texts: [String] = []
    for item in items {
      guard let text = item.string else { throw wrong(key, item, "a string") }
      texts.append(text)
    }
    return texts
  }
}
