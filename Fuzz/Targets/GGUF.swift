import AviaryCore
import AviaryFormats
import AviaryTensor

/// Any bytes as a GGUF file: every tensor of what is accepted lies inside of it, and every array has as many elements as
/// it says.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let pages = InputPages(Fuzz.bytes(start, count))
  do throws(AviaryError) {
    let file = try GGUFFile(pages: pages, limits: Fuzz.limits)
    for name in file.names {
      guard let tensor = try file.tensor(name) else { continue }
      Fuzz.touch(tensor.bytes)
      if tensor.shape.elements < 1 << 16 { Fuzz.require(tensor.floats().count == tensor.shape.elements, "elements are missing") }
    }
    for key in file.metadata.json.object?.keys ?? [] {
      guard let array = file.array(key) else { continue }
      let found = array.strings()?.count ?? array.integers()?.count ?? array.floats()?.count
      Fuzz.require(found == nil || found == array.count, "elements of an array are missing")
    }
    Fuzz.canary(file.names.contains(where: Fuzz.isOdd))
  } catch {}
  return 0
}
