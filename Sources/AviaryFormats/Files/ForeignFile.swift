/// Recognises what people give us instead of a file of weights, so that the error says it.
enum ForeignFile {
  /// What the bytes are, or nil where it is none of the usual mistakes.
  static func describe(_ bytes: UnsafeRawBufferPointer) -> String? {
    if bytes.isEmpty { return "the file is empty" }
    if begins(bytes, Array("version https://git-lfs".utf8)) {
      return "the file is a Git LFS pointer: the weights themselves were not downloaded"
    }
    if begins(bytes, Array("<!DOCTYPE".utf8)) || begins(bytes, Array("<html".utf8)) {
      return "the file is a web page: a download went wrong"
    }
    if begins(bytes, Array("GGUF".utf8)) { return "the file is in the GGUF format" }
    if begins(bytes, [0x80, 0x02, 0x8A, 0x0A, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19]) {
      return "the file is in PyTorch's legacy format, from before version 1.6"
    }
    if begins(bytes, Array("ustar".utf8), at: 257) { return "the file is in PyTorch's legacy tar format" }
    return nil
  }

  static func begins(_ bytes: UnsafeRawBufferPointer, _ prefix: [UInt8], at offset: Int = 0) -> Bool {
    bytes.count >= offset + prefix.count && bytes[offset..<offset + prefix.count].elementsEqual(prefix)
  }
}
