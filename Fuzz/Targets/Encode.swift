import AviaryCore
import AviaryFormats
import AviaryTensor
import AviaryText
import Glibc

/// Any text that a user may type, in a published tokenizer's form: no control token comes of it, and streamed pieces are
/// what decoding at once gives. `FUZZ_TOKENIZER` names the tokenizer.json.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  guard let text = String(validating: Fuzz.bytes(start, count), as: UTF8.self) else { return 0 }
  do throws(AviaryError) {
    let ids = try tokenizer.encode(MarkedText(untrusted: text), addSpecial: false)
    Fuzz.require(!ids.contains { tokenizer.isSpecial($0) }, "a control token came of a user's text")
    var stream = tokenizer.streamDecoder(skipSpecial: true)
    let pieces = ids.reduce(into: "") { $0 += stream.next($1) } + stream.finish()
    Fuzz.require(pieces == tokenizer.decode(ids, skipSpecial: true), "streamed pieces are not the decoded text")
    Fuzz.canary(!ids.isEmpty && Fuzz.isMarked(text))
  } catch {}
  return 0
}

private let tokenizer: any Tokenizer = {
  do {
    let path = getenv("FUZZ_TOKENIZER").map { String(cString: $0) } ?? ""
    return try TokenizerLoader.load(TokenizerFiles(tokenizer: try JSONParser.parse(file: path)), limits: Fuzz.limits)
  } catch { fatalError("FUZZ_TOKENIZER: \(error)") }
}()
