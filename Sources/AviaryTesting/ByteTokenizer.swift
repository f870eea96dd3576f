public import AviaryCore
public import AviaryTensor

/// A tokenizer of bytes with four control tokens: enough for a model of a few thousand numbers.
public struct ByteTokenizer: Tokenizer {
  public static let controls = ["<unk>", "<s>", "</s>", "<image>"]
  public let addsBOS: Bool
  public init(addsBOS: Bool = true) { self.addsBOS = addsBOS }

  public var vocabularySize: Int { 256 + Self.controls.count }
  public var bos: Int32? { 1 }
  public var eos: Int32? { 2 }
  public func isSpecial(_ id: Int32) -> Bool { id >= 0 && id < 4 }
  public func id(of token: String) -> Int32? {
    if let index = Self.controls.firstIndex(of: token) { return Int32(index) }
    return token.utf8.count == 1 ? token.utf8.first.map { Int32($0) + 4 } : nil
  }
  public func token(_ id: Int32) -> String? {
    guard id >= 0, id < vocabularySize else { return nil }
    return id < 4 ? Self.controls[Int(id)] : String(decoding: [UInt8(id - 4)], as: UTF8.self)
  }

  public func encode(_ text: MarkedText, addSpecial: Bool) throws(AviaryError) -> [Int32] {
    let bytes = Array(text.text.utf8)
    var ids: [Int32] = addSpecial && addsBOS ? [1] : []
    var i = 0
    while i < bytes.count {
      let control = Self.controls.indices.first { index in
        let spelling = Array(Self.controls[index].utf8)
        return bytes[i...].starts(with: spelling) && text.isTrusted(i..<i + spelling.count)
      }
      if let control {
        ids.append(Int32(control))
        i += Self.controls[control].utf8.count
      } else {
        ids.append(Int32(bytes[i]) + 4)
        i += 1
      }
    }
    return ids
  }

  public func decode(_ ids: [Int32], skipSpecial: Bool) -> String {
    var decoder = streamDecoder(skipSpecial: skipSpecial)
    return ids.reduce(into: "") { $0 += decoder.next($1) } + decoder.finish()
  }

  public func streamDecoder(skipSpecial: Bool) -> any StreamDecoder { Stream(skipSpecial: skipSpecial) }

  private struct Stream: StreamDecoder {
    let skipSpecial: Bool
    var held: [UInt8] = []

    mutating func next(_ id: Int32) -> String {
      if id >= 4 { held.append(UInt8(truncatingIfNeeded: id - 4)) } else if id >= 0, !skipSpecial { held += ByteTokenizer.controls[Int(id)].utf8 }
      // At most three bytes at the end may be the beginning of a character.
      let kept = (1...3).first { $0 <= held.count && Self.isUnfinished(held.suffix($0)) } ?? 0
      defer { held = Array(held.suffix(kept)) }
      return String(decoding: held.dropLast(kept), as: UTF8.self)
    }

    mutating func finish() -> String {
      defer { held = [] }
      return String(decoding: held, as: UTF8.self)
    }

    private static func isUnfinished(_ tail: ArraySlice<UInt8>) -> Bool {
      guard let first = tail.first else { return false }
      let length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc0 ? 2 : 1
      return length > tail.count
    }
  }
}

extension ByteTokenizer {
  /// `<s>` and the bytes of a text.
  public static func ids(_ text: String) -> [Int32] { [1] + text.utf8.map { Int32($0) + 4 } }
}
