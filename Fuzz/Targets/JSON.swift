import AviaryCore
import AviaryFormats
import AviaryTensor

/// Any bytes as JSON: what is accepted is written again and reads the same.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  do throws(AviaryError) {
    let value = try JSONParser.parse(Fuzz.bytes(start, count), name: "input", limits: Fuzz.limits)
    let text = JSONWriter.text(value)
    let again = try JSONParser.parse(Array(text.utf8), name: "again", limits: Fuzz.limits)
    Fuzz.require(again == value, "what was written reads otherwise")
    Fuzz.canary(value.object?.keys.contains(where: Fuzz.isOdd) ?? false)
  } catch {}
  return 0
}
