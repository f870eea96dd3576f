import AviaryCore
import AviaryTensor
import AviaryText

/// Any bytes as a SentencePiece `tokenizer.model`, with the library behind it: what is accepted encodes a text.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  do throws(AviaryError) {
    let files = TokenizerFiles(sentencePiece: Array(Fuzz.bytes(start, count)))
    let tokenizer = try TokenizerLoader.load(files, limits: Fuzz.limits)
    let ids = try tokenizer.encode("<s>USER: \("Hällo wörld 你好\u{0}\n  ab12")</s>", addSpecial: true)
    _ = tokenizer.decode(ids + [-1, .max, .min, 0], skipSpecial: true)
    // Published pieces hold every printable sign.
    Fuzz.canary((0..<Int32(clamping: tokenizer.vocabularySize)).contains { tokenizer.token($0)?.utf8.contains { (1..<9).contains($0) } ?? false })
  } catch {}
  return 0
}
