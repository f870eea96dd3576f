public import AviaryCore
public import AviaryTensor

/// Pictures inside a `data:` URL, as chat requests carry them: `data:image/png;base64,...`.
public enum DataURL {
  private static let types = ["image/jpeg", "image/jpg", "image/png", "image/webp"]

  /// Whether the text is a `data:` URL at all.
  public static func matches(_ text: String) -> Bool {
    text.utf8.count >= 5 && String(text.prefix(5)).lowercased() == "data:"
  }

  /// The bytes of the picture. The declared type must be one that is read; what the bytes really are, the decoder
  /// tells from the bytes.
  ///
  /// Base64 is read strictly: the standard alphabet, padded, no white space, no stray bits.
  ///
  /// - Throws: `.request` for a URL that breaks these rules, `.limit` for one whose picture would be too large.
  ///   The text of the URL is never repeated.
  public static func bytes(
    _ text: String, limits: Limits = .standard, name: String = "data URL"
  ) throws(AviaryError) -> [UInt8] {
    guard matches(text) else { throw AviaryError(.request, "this is no data URL", wanted: "data:image/...", at: name) }
    let url = text.utf8.dropFirst(5)
    guard let comma = url.prefix(256).firstIndex(of: UInt8(ascii: ",")) else {
      throw AviaryError(.request, "the data URL has no comma", wanted: "data:image/png;base64,...", at: name)
    }
    let head = String(decoding: url[..<comma], as: UTF8.self).lowercased().split(
      separator: ";", omittingEmptySubsequences: false)
    guard let type = head.first.map(String.init), types.contains(type) else {
      throw AviaryError(
        .request, "the data URL is of a type that is not read", wanted: types.joined(separator: ", "), at: name)
    }
    guard head.count == 2, head[1] == "base64" else {
      throw AviaryError(.request, "the data URL is not in base64", wanted: "\(type);base64,...", at: name)
    }
    let payload = url[url.index(after: comma)...]
    guard payload.count / 4 <= limits.imageFileBytes / 3 + 1 else {
      throw AviaryError(
        .limit, "the data URL holds \(payload.count) characters of base64",
        wanted: "a picture of at most \(limits.imageFileBytes) bytes", at: name)
    }
    guard let bytes = base64(payload) else {
      throw AviaryError(.request, "the data URL's base64 is damaged", wanted: "padded base64 without spaces", at: name)
    }
    guard !bytes.isEmpty else { throw AviaryError(.request, "the data URL is empty", wanted: "a picture", at: name) }
    return bytes
  }

  private static let values: [UInt8] = {
    var table = [UInt8](repeating: 255, count: 256)
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    for (value, character) in alphabet.utf8.enumerated() { table[Int(character)] = UInt8(value) }
    return table
  }()

  private static func base64(_ text: Substring.UTF8View) -> [UInt8]? {
    guard text.count % 4 == 0 else { return nil }
    let padding = text.suffix(2).reversed().prefix { $0 == UInt8(ascii: "=") }.count
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.count / 4 * 3)
    var bits: UInt32 = 0
    var held = 0
    for character in text.dropLast(padding) {
      let value = values[Int(character)]
      guard value < 64 else { return nil }
      bits = bits << 6 | UInt32(value)
      held += 6
      if held >= 8 {
        held -= 8
        bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(held)))
        bits &= (1 << UInt32(held)) - 1
      }
    }
    return bits == 0 ? bytes : nil
  }
}
