/// Swift source with its comments and the words of its string literals taken out, so that a search finds code only.
/// Lines keep their numbers; what stands in `\( )` inside a literal is code and stays.
struct SwiftCode {
  private let source: [UInt8]
  private var position = 0
  private var code: [UInt8] = []

  static func of(_ text: String) -> String {
    var reader = SwiftCode(source: Array(text.utf8))
    reader.readCode(until: nil)
    return String(decoding: reader.code, as: UTF8.self)
  }

  private init(source: [UInt8]) { self.source = source }

  private func starts(_ word: String, at offset: Int = 0) -> Bool {
    let bytes = word.utf8
    guard position + offset + bytes.count <= source.count else { return false }
    return source[(position + offset)..<(position + offset + bytes.count)].elementsEqual(bytes)
  }

  private mutating func skip(_ count: Int = 1) {
    for _ in 0..<count where position < source.count {
      if source[position] == UInt8(ascii: "\n") { code.append(source[position]) }
      position += 1
    }
  }

  /// Copies code; with `until`, to the parenthesis that closes an interpolation.
  private mutating func readCode(until end: UInt8?) {
    var depth = 0
    while position < source.count {
      if starts("//") {
        while position < source.count, source[position] != UInt8(ascii: "\n") { position += 1 }
      } else if starts("/*") {
        skipBlockComment()
      } else if let hashes = literalHashes() {
        readLiteral(hashes: hashes)
      } else {
        let byte = source[position]
        if byte == UInt8(ascii: "(") { depth += 1 }
        if byte == UInt8(ascii: ")") {
          if end != nil, depth == 0 { return }
          depth -= 1
        }
        code.append(byte)
        position += 1
      }
    }
  }

  private mutating func skipBlockComment() {
    var depth = 0
    repeat {
      if starts("/*") { (depth, position) = (depth + 1, position + 2) } else if starts("*/") { (depth, position) = (depth - 1, position + 2) } else { skip() }
    } while depth > 0 && position < source.count
  }

  /// How many `#` stand before the quote where a string literal begins here; nil where none does.
  private func literalHashes() -> Int? {
    var hashes = 0
    while starts("#", at: hashes) { hashes += 1 }
    return starts("\"", at: hashes) ? hashes : nil
  }

  private mutating func readLiteral(hashes: Int) {
    let fence = String(repeating: "#", count: hashes)
    skip(hashes)
    let quote = starts("\"\"\"") ? "\"\"\"" : "\""
    skip(quote.utf8.count)
    code += Array("\"\"".utf8)
    while position < source.count {
      if starts(quote + fence) {
        skip(quote.utf8.count + hashes)
        return
      }
      if starts("\\" + fence + "(") {
        skip(2 + hashes)
        code.append(UInt8(ascii: " "))
        readCode(until: UInt8(ascii: ")"))
        code.append(UInt8(ascii: " "))
      } else if starts("\\" + fence) {
        skip(1 + hashes)
      }
      skip()
    }
  }
}
