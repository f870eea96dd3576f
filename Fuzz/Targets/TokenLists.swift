import AviaryCore
import AviaryFormats
import AviaryTensor
import AviaryText

/// Any bytes as the vocabulary of a GGUF file: what is accepted encodes a text without trapping, and decodes any ids.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  do throws(AviaryError) {
    let file = try GGUFFile(pages: InputPages(Fuzz.bytes(start, count)), limits: Fuzz.limits)
    let m = file.metadata
    var lists = TokenLists(tokens: file.array("tokenizer.ggml.tokens")?.strings() ?? [], place: "input")
    lists.types = file.array("tokenizer.ggml.token_type")?.integers() ?? []
    lists.scores = file.array("tokenizer.ggml.scores")?.floats() ?? []
    lists.merges = file.array("tokenizer.ggml.merges")?.strings() ?? []
    lists.model = try m.string("tokenizer.ggml.model", default: "")
    lists.splitting = try m.string("tokenizer.ggml.pre", default: "")
    lists.bos = try m.optionalInt("tokenizer.ggml.bos_token_id", in: 0...Int(Int32.max)).map { Int32($0) }
    lists.unknown = try m.optionalInt("tokenizer.ggml.unknown_token_id", in: 0...Int(Int32.max)).map { Int32($0) }
    let tokenizer = try lists.tokenizer(limits: Fuzz.limits)
    let ids = try tokenizer.encode("<s>USER: \("Hällo wörld 你好 👩‍🚀\u{0}\n  ab12")</s>", addSpecial: true)
    _ = tokenizer.decode(ids + [-1, .max, .min, 0], skipSpecial: true)
    Fuzz.canary((0..<Int32(clamping: tokenizer.vocabularySize)).contains { tokenizer.token($0).map(Fuzz.isMarked) ?? false })
  } catch {}
  return 0
}
