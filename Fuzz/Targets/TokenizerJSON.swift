import AviaryCore
import AviaryFormats
import AviaryTensor
import AviaryText

/// Any bytes as a tokenizer.json: what is accepted encodes a text without trapping, and decodes any ids.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  do throws(AviaryError) {
    let json = try JSONParser.parse(Fuzz.bytes(start, count), name: "input", limits: Fuzz.limits)
    let tokenizer = try TokenizerLoader.load(TokenizerFiles(tokenizer: json), limits: Fuzz.limits)
    let ids = try tokenizer.encode("<s>USER: \("Hällo wörld 你好 👩‍🚀\u{0}\n  ab12")</s>", addSpecial: true)
    _ = tokenizer.decode(ids + [-1, .max, .min, 0], skipSpecial: true)
    Fuzz.canary((0..<Int32(clamping: tokenizer.vocabularySize)).contains { tokenizer.token($0).map(Fuzz.isMarked) ?? false })
  } catch {}
  return 0
}
